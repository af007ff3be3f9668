/**
 * Whether a source of a mount lies on remote storage, told from mountinfo and symlinks on local storage alone: nothing that
 * may hang is touched.
 */

import { type MountEntry, readMountinfo, topMountAt } from '../../engine/kernel/attach-mountinfo.js';
import { isRemoteType } from '../../mounts/remote/remote-types.js';
import type { Name } from '../../vfs/name.js';
import { locate } from './locate.js';
import type { EngineName, RemoteSource, ResolvedMount } from './mount-config.js';

/** @param remote what the user said of it, if anything. */
export function remoteSourceOf(
  hostPath: Name,
  { remote }: { readonly remote?: boolean | undefined },
  entries: readonly MountEntry[],
): RemoteSource | undefined {
  if (remote === false) return undefined;
  const { path, mount } = locate(hostPath, entries, (entry) => isRemoteType(entry.type));
  if (mount !== undefined) return { type: mount.type, device: mount.device };
  if (remote !== true) return undefined;
  const holder = mountOf(path, entries);
  return { type: holder?.type ?? '', device: holder?.device ?? path };
}

/** Looks again at volumes, whose storage is mounted when they begin to be used. */
export function withRemoteVolumes(mounts: readonly ResolvedMount[], engine: EngineName): ResolvedMount[] {
  const entries = readMountinfo();
  return mounts.map((mount) => {
    const { request, hostPath, volume } = mount;
    if (engine !== 'kernel' || volume === undefined || hostPath === undefined) return mount;
    const remote = remoteSourceOf(hostPath, { remote: request.remote }, entries);
    return remote === undefined ? mount : { ...mount, remote };
  });
}

/** The mount that holds a path without symlinks. */
export function mountOf(path: Name, entries: readonly MountEntry[]): MountEntry | undefined {
  for (let at = path; ; at = at.slice(0, at.lastIndexOf('/'))) {
    const top = topMountAt(entries, at === '' ? '/' : at);
    if (top !== undefined || at === '') return top;
  }
}
