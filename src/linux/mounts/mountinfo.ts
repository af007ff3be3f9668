/**
 * What is mounted where, read from /proc/self/mountinfo (man 5 proc).
 *
 * Reading the table touches no file system, so it is safe while a FUSE server hangs or is dead. Paths are names of
 * bytes (latin1); the kernel writes space, tab, newline and backslash in them as three octal digits.
 */

import { readFileSync } from 'node:fs';
import type { Name } from '../../vfs/name.js';

export interface MountEntry {
  readonly mountId: number;
  readonly parentId: number;
  /** `major:minor` of the file system, the name of its directory in /sys/fs/fuse/connections (minor). */
  readonly device: string;
  /** The directory of the file system that is mounted: `/`, or another of a bind. */
  readonly root?: Name;
  readonly mountpoint: Name;
  readonly type: string;
  readonly source: Name;
  /** Options of the file system, comma-separated: `rw,lowerdir=...`. */
  readonly superOptions: Name;
  /** How mounts below it spread: `shared:N master:N`; empty for a private one. */
  readonly propagation?: Name;
}

/** Every mount of this process's mount namespace, in the kernel's order. */
export function readMountinfo(): MountEntry[] {
  return parseMountinfo(readFileSync('/proc/self/mountinfo', 'latin1'));
}

/** The entries of a mountinfo text; lines that are not of its form are left out. */
export function parseMountinfo(text: string): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of text.split('\n')) {
    const fields = line.split(' ');
    // Optional fields (propagation) stand between the sixth field and a lone dash.
    const dash = fields.indexOf('-', 6);
    if (dash === -1) continue;
    const [mountId, parentId, device, root, mountpoint] = fields;
    entries.push({
      mountId: Number(mountId),
      parentId: Number(parentId),
      device: device ?? '',
      root: unescapeOctal(root ?? ''),
      mountpoint: unescapeOctal(mountpoint ?? ''),
      type: fields[dash + 1] ?? '',
      source: unescapeOctal(fields[dash + 2] ?? ''),
      superOptions: unescapeOctal(fields[dash + 3] ?? ''),
      propagation: fields.slice(6, dash).join(' '),
    });
  }
  return entries;
}

/** The mount that a path lookup of `mountpoint` ends in: of several stacked there, the one on top. */
export function topMountAt(entries: readonly MountEntry[], mountpoint: Name): MountEntry | undefined {
  const stack = entries.filter((entry) => entry.mountpoint === mountpoint);
  return stack.find((entry) => !stack.some((other) => other.parentId === entry.mountId));
}

/** Whether an entry read later is of the same mount: the kernel gives the number of one that is gone to the next. */
export function isSameMount(one: MountEntry, other: MountEntry): boolean {
  return (
    one.mountId === other.mountId &&
    one.device === other.device &&
    one.type === other.type &&
    one.mountpoint === other.mountpoint
  );
}

function unescapeOctal(field: string): Name {
  return field.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
