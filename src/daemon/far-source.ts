/**
 * Whether a source of a mount lies on far storage, told from mountinfo and symlinks on local storage alone: nothing that
 * may hang is touched.
 */

import { type MountEntry, readMountinfo, topMountAt } from '../engine/kernel/attach-mountinfo.js';
import { isFarType } from '../mounts/far-types.js';
import type { Name } from '../vfs/name.js';
import { locate } from './locate.js';
import type { EngineName, FarSource, ResolvedMount } from './mount-config.js';

/** @param remote what the user said of it, if anything. */
export function farSourceOf(
  hostPath: Name,
  remote: boolean | undefined,
  entries: readonly MountEntry[],
): FarSource | undefined {
  if (remote === false) return undefined;
  const { path, mount } = locate(hostPath, entries, (entry) => isFarType(entry.type));
  if (mount !== undefined) return { type: mount.type, device: mount.device };
  if (remote !== true) return undefined;
  const holder = mountOf(path, entries);
  return { type: holder?.type ?? '', device: holder?.device ?? path };
}

/** Looks again at volumes, whose storage is mounted when they begin to be used. */
export function withFarVolumes(mounts: readonly ResolvedMount[], engine: EngineName): ResolvedMount[] {
  const entries = readMountinfo();
  return mounts.map((mount) => {
    const { request, hostPath } = mount;
    if (engine !== 'kernel' || request.type !== 'volume' || hostPath === undefined) return mount;
    const far = farSourceOf(hostPath, request.remote, entries);
    return far === undefined ? mount : { ...mount, far };
  });
}

/** The mount that holds a path. */
function mountOf(path: Name, entries: readonly MountEntry[]): MountEntry | undefined {
  for (let at = path; ; at = at.slice(0, at.lastIndexOf('/'))) {
    const top = topMountAt(entries, at === '' ? '/' : at);
    if (top !== undefined || at === '') return top;
  }
}
