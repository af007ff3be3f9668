/**
 * What a command in a draft sees at each mount point of the host: the draft's own writable view, the host's mount as it is, or
 * that mount read-only. Worked out of mountinfo alone; nothing is walked.
 *
 * INVARIANT: what is neither covered by the draft nor of the kernel's (KERNEL_TREES) cannot be written.
 */

import type { MountEntry } from '../../linux/mounts/mountinfo.js';
import { topMountAt } from '../../linux/mounts/mountinfo.js';
import { FS_TYPE } from '../../mounts/kinds/fs-type.js';
import type { Name } from '../../vfs/name.js';

/** What is the running system's and no file's: it must be as it is, or nothing works (sockets, terminals, /proc). */
export const KERNEL_TREES: readonly Name[] = ['/dev', '/proc', '/run', '/sys'];

/** Types whose files are the kernel's, wherever they are mounted, or those of another server that may be of ours. */
const NO_FILES: ReadonlySet<string> = new Set([
  'autofs',
  'binfmt_misc',
  'bpf',
  'cgroup',
  'cgroup2',
  'configfs',
  'debugfs',
  'devpts',
  'devtmpfs',
  'efivarfs',
  'fusectl',
  'hugetlbfs',
  'mqueue',
  'nsfs',
  'proc',
  'pstore',
  'rpc_pipefs',
  'securityfs',
  'sysfs',
  'tracefs',
  FS_TYPE,
]);

/** `area`: an upper of the draft over it. `as it is` and `read-only` include what is mounted further down. */
type Treatment = 'area' | 'as it is' | 'read-only';

export interface PlannedPart {
  readonly path: Name;
  readonly how: Treatment;
}

interface TreeFacts {
  readonly entries: readonly MountEntry[];
  /** Directories that the draft covers; none: everything. */
  readonly over: readonly Name[];
  /** Directories of plyfs' own, which nobody gets to see: nothing is planned below them. */
  readonly hidden: readonly Name[];
  /** Whether a directory is there that may be listed, and can be written on the host: an upper over it makes sense. */
  readonly isWritableDirectory: (entry: MountEntry) => boolean;
}

/** In an order in which they can be mounted: what is above comes first. */
export function planTree({ entries, over, hidden, isWritableDirectory }: TreeFacts): PlannedPart[] {
  const roots: readonly Name[] = over.length === 0 ? ['/'] : over;
  const planned: PlannedPart[] = roots.map((path) => ({ path, how: 'area' }));
  for (const entry of visibleMounts(entries)) {
    const { mountpoint: path } = entry;
    if (KERNEL_TREES.some((tree) => isAtOrBelow(path, tree))) continue;
    if (hidden.some((folder) => isAtOrBelow(path, folder))) continue;
    if (roots.includes(path) || !roots.some((root) => isAtOrBelow(path, root))) continue;
    const isFiles = !NO_FILES.has(entry.type) && isWritableDirectory(entry);
    planned.push({ path, how: isFiles ? 'area' : 'read-only' });
  }
  for (const path of KERNEL_TREES) planned.push({ path, how: 'as it is' });
  return planned.sort((a, b) => depthOf(a.path) - depthOf(b.path) || (a.path < b.path ? -1 : 1));
}

/** Those that a path leads to: not what lies below another mount. */
function visibleMounts(entries: readonly MountEntry[]): MountEntry[] {
  const tops = new Map<Name, MountEntry>();
  for (const { mountpoint } of entries) {
    const top = topMountAt(entries, mountpoint);
    if (top !== undefined) tops.set(mountpoint, top);
  }
  const byId = new Map(entries.map((entry) => [entry.mountId, entry]));
  return [...tops.values()].filter((entry) => {
    // At its own place mounts may be stacked: the lowest of them hangs in the mount that shows there.
    let lowest = entry;
    for (let below = byId.get(lowest.parentId); below?.mountpoint === entry.mountpoint; ) {
      if (below === lowest) break;
      lowest = below;
      below = byId.get(lowest.parentId);
    }
    const above = nearestAbove(tops, entry.mountpoint);
    return above === undefined || lowest.parentId === above.mountId;
  });
}

function nearestAbove(tops: ReadonlyMap<Name, MountEntry>, path: Name): MountEntry | undefined {
  for (let at = path; at !== '/'; ) {
    at = at.slice(0, at.lastIndexOf('/')) || '/';
    const top = tops.get(at);
    if (top !== undefined) return top;
  }
  return undefined;
}

function isAtOrBelow(path: Name, folder: Name): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`);
}

function depthOf(path: Name): number {
  return path === '/' ? 0 : path.split('/').length - 1;
}
