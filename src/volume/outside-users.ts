/**
 * `volumes/NAME/outside.json`: who has a volume mounted by other means than those of plyfs, as Docker's containers have theirs
 * (serve/docker), by an id each.
 *
 * The process that answers for them holds a `VolumeUse` meanwhile. When it was killed the record is what is left, and the kernel is asked
 * whether somebody really has it: an id whose owner was killed too must not keep the volume for ever.
 */

import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { hasCode } from '../errno/error-code.js';
import { type MountEntry, parseMountinfo, readMountinfo } from '../linux/mounts/mountinfo.js';
import { isMissing, writeJson } from '../store/atomic-file.js';
import { readRecord, type Shape } from '../store/read-record.js';
import type { StoreView } from '../store/store-view.js';
import { volumeHome } from '../store/volume-home.js';
import { type Name, nameFromText } from '../vfs/name.js';

interface OutsideRecord {
  /** Nothing is mounted any more after the host has started anew. */
  readonly bootId: string;
  readonly ids: readonly string[];
}

const SHAPE: Shape = { fields: { bootId: 'text', ids: { listOf: 'text' } } };

/** Ids of those who had it mounted when that was last written, since the host has started. */
export function readOutsideIds(store: StoreView, name: string): readonly string[] {
  const record = readRecord<OutsideRecord>(recordPath(store, name), SHAPE);
  return record?.bootId === bootId() ? record.ids : [];
}

/** On disk on return. The volume may be gone meanwhile. */
export function writeOutsideIds(store: StoreView, name: string, ids: readonly string[]): void {
  try {
    writeJson(recordPath(store, name), { bootId: bootId(), ids });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Whether somebody of these has it mounted, in whatever mount namespace that this user may look into. */
export function hasOutsideUsers(store: StoreView, name: string): boolean {
  return readOutsideIds(store, name).length > 0 && isMountedElsewhere(store.path(volumeHome(name), '_data'));
}

function recordPath(store: StoreView, name: string): string {
  return store.path(volumeHome(name), 'outside.json');
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}

/** The directory, or one below it, at another mount point than its own. */
function isMountedElsewhere(path: string): boolean {
  const place = placeOf(path);
  if (place === undefined) return false;
  const shows = (entry: MountEntry): boolean =>
    entry.device === place.device &&
    isAtOrBelow(entry.root ?? '', place.root) &&
    !isAtOrBelow(place.path, entry.mountpoint);
  return otherNamespaces().some((pid) => mountsOf(pid).some(shows));
}

interface Place {
  /** Without symbolic links. */
  readonly path: Name;
  readonly device: string;
  /** From the root of its file system. */
  readonly root: Name;
}

function placeOf(directory: string): Place | undefined {
  let path: Name;
  try {
    path = nameFromText(realpathSync(directory));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  // Of several on one mount point the last one made is on top.
  const holders = readMountinfo().filter(({ mountpoint }) => isAtOrBelow(path, mountpoint));
  const deepest = Math.max(...holders.map(({ mountpoint }) => mountpoint.length));
  const holder = holders.findLast(({ mountpoint }) => mountpoint.length === deepest);
  if (holder === undefined) return undefined;
  const below = holder.mountpoint === '/' ? path : path.slice(holder.mountpoint.length);
  const root = holder.root === '/' || holder.root === undefined ? below : `${holder.root}${below}`;
  return { path, device: holder.device, root: root === '' ? '/' : root };
}

function isAtOrBelow(path: Name, directory: Name): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

const GONE_OR_NOT_OURS = ['ENOENT', 'ESRCH', 'EINVAL', 'EACCES', 'EPERM'];

/** A process of each mount namespace. */
function otherNamespaces(): string[] {
  const pids = new Map<string, string>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const namespace = unlessGone(() => readlinkSync(`/proc/${pid}/ns/mnt`));
    if (namespace !== undefined && !pids.has(namespace)) pids.set(namespace, pid);
  }
  return [...pids.values()];
}

function mountsOf(pid: string): MountEntry[] {
  return parseMountinfo(unlessGone(() => readFileSync(`/proc/${pid}/mountinfo`, 'latin1')) ?? '');
}

function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (hasCode(error, ...GONE_OR_NOT_OURS)) return undefined;
    throw error;
  }
}
