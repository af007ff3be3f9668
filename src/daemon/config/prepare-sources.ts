/**
 * Makes what a mount's sources lack and the user asked to be made: volumes at first use, bind sources with
 * `bind-create-src`; begins to use the volumes, which mounts their storage; and takes it back when the mount does not
 * come about.
 */

import { closeSync, constants, fchmodSync, fstatSync, openSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { hasCode } from '../../errno/error-code.js';
import { reasonOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import { makeDirectories } from '../../linux/files/make-directories.js';
import { type ByMountType, callByType } from '../../mounts/request/kinds/mount-kind.js';
import type { BindRequest, VolumeRequest } from '../../mounts/request/types.js';
import type { Intent } from '../../store/intent.js';
import { Store } from '../../store/store.js';
import { type CowBind, noteCowBind } from '../../store/uppers/cow-binds.js';
import { readVolume } from '../../store/volume-record.js';
import { xattrNamespaceHere } from '../../union/form/xattr-namespace.js';
import type { Name } from '../../vfs/name.js';
import { ensureVolume } from '../../volume/create-volume.js';
import { discardIfUnused } from '../../volume/remove-volume.js';
import { reserveVolume, type VolumeUse } from '../../volume/use.js';
import { makeOwnUpper } from './make-own-upper.js';
import type { MountConfig, OwnUpper, ResolvedMount, VolumeId } from './mount-config.js';
import { quote, refusal } from './refusal.js';

/** What a mount has of its sources: filled by `prepareSources()`, also when that throws. */
export interface PreparedSources {
  /** Directories made for binds, the deepest last. */
  readonly made: string[];
  readonly madeVolumes: VolumeId[];
  readonly uses: VolumeUse[];
  /** Takes new anonymous volumes away should this process be killed before the mount stands. */
  readonly undo: Map<string, Intent>;
}

export function noSources(): PreparedSources {
  return { made: [], madeVolumes: [], uses: [], undo: new Map() };
}

type PreparedConfig = Pick<
  MountConfig,
  'mountpoint' | 'mounts' | 'upper' | 'work' | 'events' | 'xattrNamespace'
>;

/** @throws UserError when one cannot be made or mounted. */
export function prepareSources(config: PreparedConfig, sources: PreparedSources): void {
  for (const mount of config.mounts) callByType(preparers, mount.request, mount, { ...config, sources });
}

/** Goes on with the use of volumes: their locks have gone with the process that served them before. */
export function resumeSources(
  { mounts }: Pick<MountConfig, 'mounts'>,
  sources: PreparedSources,
  log: (line: string) => void,
): void {
  for (const { volume } of mounts) {
    if (volume === undefined) continue;
    try {
      sources.uses.push(reserveVolume(new Store(volume.root), volume.name));
    } catch (error) {
      // Removed in between: what is open of it goes on.
      if (!(error instanceof UserError)) throw error;
      log(`volume ${volume.name} is served without being held: ${error.message}`);
    }
  }
}

interface Preparation extends PreparedConfig {
  readonly sources: PreparedSources;
}

const preparers: ByMountType<[ResolvedMount, Preparation], void> = {
  bind(request, { remote, hostPath: path, own }, config) {
    // Remote storage is touched by its own thread alone.
    if (remote !== undefined || path === undefined) return;
    prepareBind(request, { path, mountpoint: config.mountpoint }, config.sources.made);
    if (own === undefined) return;
    makeOwnUpper(path, own);
    if (request.merge !== true) noteOwnUpper({ target: request.target, source: path }, own, config);
  },
  volume(request, { volume }, { sources }) {
    if (volume !== undefined) prepareVolume(request, volume, sources);
  },
  tmpfs: () => undefined,
  image: () => undefined,
};

/** So that `plyfs review` finds it. A container's record tells of its own. */
function noteOwnUpper(bind: Pick<CowBind, 'target' | 'source'>, own: OwnUpper, config: PreparedConfig): void {
  const { mountpoint, upper, work, events, xattrNamespace } = config;
  if (events === undefined || events.container !== undefined) return;
  // Private attributes of another namespace are not those that a review reads.
  if (upper === undefined || work === undefined || xattrNamespace !== xattrNamespaceHere()) return;
  const folder = own.upper.slice(0, own.upper.lastIndexOf('/'));
  noteCowBind(events.root, { ...bind, mountpoint, folder, upper, work });
}

interface BindSource extends Pick<MountConfig, 'mountpoint'> {
  readonly path: Name;
}

/** @param made gets the directories that are made, also when this throws. */
export function prepareBind(request: BindRequest, source: BindSource, made: string[]): void {
  if (request.createSource) makeBindSource(source, made);
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

function prepareVolume(request: VolumeRequest, volume: VolumeId, sources: PreparedSources): void {
  const store = new Store(volume.root);
  const isNew = request.source === undefined;
  const undo = isNew ? (sources.undo.get(volume.root) ?? store.intend()) : undefined;
  if (undo !== undefined) sources.undo.set(volume.root, undo);
  for (let attempt = 1; ; attempt++) {
    const { made } = ensureVolume(store, request, { undo, name: volume.name });
    if (made) sources.madeVolumes.push(volume);
    try {
      sources.uses.push(reserveVolume(store, volume.name));
      return;
    } catch (error) {
      // Removed before we could use it.
      const isGone = error instanceof UserError && readVolume(store, volume.name) === undefined;
      if (!isGone || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

const MAX_ATTEMPTS = 5;

function makeBindSource(source: BindSource, made: string[]): void {
  const path = Buffer.from(source.path, 'latin1').toString('utf8');
  try {
    const first = makeDirectories(path, SOURCE_MODE);
    if (first === undefined) return;
    const chain = [path];
    while (chain[0] !== first && chain[0] !== '/') chain.unshift(dirname(chain[0]!));
    made.push(...chain);
    for (const directory of chain) setSourceMode(directory);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return;
    throw refusal(source, `bind source ${quote(source.path)} cannot be made: ${reasonOf(error)}`);
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
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT')) throw error;
  }
}
