/**
 * Makes what a mount's sources lack and the user asked to be made: volumes at first use, bind sources with
 * `bind-create-src`; begins to use the volumes, which mounts their storage; and takes it back when the mount does not
 * come about.
 */

import { closeSync, constants, fchmodSync, fstatSync, mkdirSync, openSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { UserError } from '../errno/user-error.js';
import type { Intent } from '../store/intent.js';
import { Store } from '../store/store.js';
import { readVolume } from '../store/volume-record.js';
import type { Name } from '../vfs/name.js';
import { ensureVolume } from '../volume/create.js';
import { discardIfUnused } from '../volume/remove.js';
import { useVolume, type VolumeUse } from '../volume/use.js';
import type { MountConfig, ResolvedMount, VolumePlace } from './mount-config.js';
import { quote, reasonOf, refusal } from './refusal.js';

/** What a mount has of its sources: filled by `prepareSources()`, also when that throws. */
export interface PreparedSources {
  /** Directories made for binds, the deepest last. */
  readonly made: string[];
  readonly madeVolumes: VolumePlace[];
  readonly uses: VolumeUse[];
  /** Takes new anonymous volumes away should this process be killed before the mount stands. */
  readonly undo: Map<string, Intent>;
}

export function noSources(): PreparedSources {
  return { made: [], madeVolumes: [], uses: [], undo: new Map() };
}

/** @throws UserError when one cannot be made or mounted. */
export function prepareSources(
  { mountpoint, mounts }: Pick<MountConfig, 'mountpoint' | 'mounts'>,
  sources: PreparedSources,
): void {
  for (const mount of mounts) {
    if (mount.request.type === 'volume') prepareVolume(mount, sources);
    // Far storage is touched by its own thread alone.
    else if (mount.far === undefined) prepareBind(mount, mountpoint, sources.made);
  }
}

/** @param made gets the directories that are made, also when this throws. */
export function prepareBind({ request, hostPath }: ResolvedMount, mountpoint: Name, made: string[]): void {
  if (request.type !== 'bind' || !request.createSource || hostPath === undefined) return;
  makeBindSource({ mountpoint }, hostPath, made);
}

/** Takes directories away again that nobody has put anything into. */
export function removeMade(made: string[]): void {
  for (const path of made.splice(0).toReversed()) removeIfEmpty(path);
}

/** The mount stands: what was made for it stays. */
export function keepSources({ undo }: PreparedSources): void {
  for (const intent of undo.values()) intent.end();
  undo.clear();
}

/**
 * Ends the use of volumes. Of a mount that never stood, takes away what was made for it; what somebody has put
 * something into meanwhile stays.
 */
export function releaseSources(sources: PreparedSources, { stood }: { readonly stood: boolean }): void {
  for (const use of sources.uses.splice(0)) use[Symbol.dispose]();
  if (stood) return;
  for (const { root, name } of sources.madeVolumes.splice(0)) discardIfUnused(new Store(root), name);
  keepSources(sources);
  removeMade(sources.made);
}

function prepareVolume({ request, volume }: ResolvedMount, sources: PreparedSources): void {
  if (request.type !== 'volume' || volume === undefined) return;
  const store = new Store(volume.root);
  const isNew = request.source === undefined;
  const undo = isNew ? (sources.undo.get(volume.root) ?? store.intend()) : undefined;
  if (undo !== undefined) sources.undo.set(volume.root, undo);
  for (let attempt = 1; ; attempt++) {
    const { made } = ensureVolume(store, request, { undo, name: volume.name });
    if (made) sources.madeVolumes.push(volume);
    try {
      sources.uses.push(useVolume(store, volume.name));
      return;
    } catch (error) {
      // Removed before we could use it.
      const isGone = error instanceof UserError && readVolume(store, volume.name) === undefined;
      if (!isGone || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

const MAX_ATTEMPTS = 5;

function makeBindSource(config: Pick<MountConfig, 'mountpoint'>, hostPath: Name, made: string[]): void {
  const path = Buffer.from(hostPath, 'latin1').toString('utf8');
  try {
    const first = mkdirSync(path, { recursive: true, mode: SOURCE_MODE });
    if (first === undefined) return;
    const chain = [path];
    while (chain[0] !== first && chain[0] !== '/') chain.unshift(dirname(chain[0]!));
    made.push(...chain);
    for (const directory of chain) setSourceMode(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw refusal(config, `bind source ${quote(hostPath)} cannot be made: ${reasonOf(error)}`);
  }
}

/** As Docker makes them, the parents too. */
const SOURCE_MODE = 0o755;
const SET_GROUP_ID = 0o2000;

/** Whatever the umask is: serving threads take that of their callers on. A set-group-id bit of the parent stays. */
function setSourceMode(directory: string): void {
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const { mode } = fstatSync(fd);
    fchmodSync(fd, (mode & SET_GROUP_ID) | SOURCE_MODE);
  } finally {
    closeSync(fd);
  }
}

function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOENT') throw error;
  }
}
