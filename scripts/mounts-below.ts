/**
 * What /proc/self/mountinfo says of a mount point. Reads nothing below it, so a server that hangs cannot stop us.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Mount {
  readonly device: string;
  readonly path: string;
}

function mounts(): Mount[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return lines.flatMap((line) => {
    const [, , device, , path] = line.split(' ');
    return device === undefined || path === undefined ? [] : [{ device, path: withoutEscapes(path) }];
  });
}

function withoutEscapes(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

export function isMounted(mountpoint: string): boolean {
  return mounts().some(({ path }) => path === mountpoint);
}

/** All mount points below a folder, the deepest first. */
export function mountsBelow(folder: string): string[] {
  const found = mounts().filter(({ path }) => path.startsWith(`${folder}/`));
  return found.map(({ path }) => path).reverse();
}

/** The minor number of the mount's device, which for a FUSE mount is the id of its connection. */
export function deviceMinor(mountpoint: string): string | undefined {
  return mounts()
    .findLast(({ path }) => path === mountpoint)
    ?.device.split(':')[1];
}

/**
 * Makes the kernel answer every request of a FUSE mount with an error, so that who waits for its server wakes up. The
 * control files are mounted for this moment only: not every machine has them under /sys/fs/fuse/connections.
 */
export function abortFuse(mountpoint: string): void {
  const minor = deviceMinor(mountpoint);
  if (minor === undefined) return;
  const control = mkdtempSync(join(tmpdir(), 'plyfs-fusectl-'));
  try {
    execFileSync('mount', ['-t', 'fusectl', 'fusectl', control]);
    const file = join(control, minor, 'abort');
    // Missing: no FUSE mount, or its connection has gone by itself.
    if (existsSync(file)) writeFileSync(file, '1');
    execFileSync('umount', [control]);
  } finally {
    rmdirSync(control);
  }
}
