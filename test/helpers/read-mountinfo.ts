/** Reads /proc/self/mountinfo (proc(5)), which tells of mounts without touching them. */

import { readFileSync } from 'node:fs';

interface MountEntry {
  readonly mountpoint: string;
  readonly fsType: string;
  readonly source: string;
  /** Minor device number: for FUSE the number of the connection under /sys/fs/fuse/connections. */
  readonly minor: number;
}

/** All mounts of this mount namespace, oldest first. */
export function readMounts(): MountEntry[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const fields = before.split(' ');
    const [fsType = '', source = ''] = after.split(' ');
    return {
      mountpoint: unescapeOctal(fields[4] ?? ''),
      fsType,
      source: unescapeOctal(source),
      minor: Number(fields[2]?.split(':')[1]),
    };
  });
}

/** The topmost mount on a directory. */
export function findMount(mountpoint: string): MountEntry | undefined {
  return readMounts().findLast((entry) => entry.mountpoint === mountpoint);
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
