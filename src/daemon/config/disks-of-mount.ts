/**
 * The disks that serving a mount touches, told from mountinfo and symlinks: a thread that waits for one of them hangs for all that
 * it serves.
 */

import type { MountEntry } from '../../engine/kernel/attach-mountinfo.js';
import { locate } from './locate.js';
import type { MountConfig } from './mount-config.js';
import { mountOf } from './remote-source.js';

/** Memory: nobody waits for it. */
const MEMORY = new Set([
  'tmpfs',
  'ramfs',
  'devtmpfs',
  'proc',
  'sysfs',
  'cgroup',
  'cgroup2',
  'devpts',
  'mqueue',
]);

/** Equal for mounts that touch the same disks; empty for those that touch none. */
export function disksOf(config: MountConfig, entries: readonly MountEntry[]): string {
  const { layers, dataLayers = [], upper, work, mounts } = config;
  const sources = mounts
    .filter(({ remote }) => remote === undefined)
    .flatMap(({ hostPath, imageLayers = [] }) => [hostPath, ...imageLayers]);
  const devices = new Set<string>();
  for (const path of [...layers, ...dataLayers, upper, work, ...sources]) {
    if (path === undefined) continue;
    const holder = mountOf(locate(path, entries).path, entries);
    if (holder !== undefined && !MEMORY.has(holder.type)) devices.add(holder.device);
  }
  return [...devices].sort().join(' ');
}
