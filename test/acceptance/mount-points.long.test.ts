/**
 * Mount points that their owner swaps: however often a symlink stands in the place of the directory, or of one above it, root
 * mounts nowhere else and takes no other mount away. The canaries are what the symlinks lead to.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { attach, detachMount } from '../../src/engine/kernel/attach-mount.js';
import { readMountinfo } from '../../src/engine/kernel/attach-mountinfo.js';
import { UserError } from '../../src/errno/user-error.js';
import { MNT_DETACH } from '../../src/linux/constants.js';
import { unmountAt } from '../../src/linux/mounts/held-mount-point.js';
import { mount } from '../../src/linux/mounts/mount.js';

const RACE_MS = 10_000;
/** How often each outcome comes in a race that was one: where both sides have one CPU, it takes longer. */
const FEWEST = 100;
const MOST_MS = 90_000;

let root: string;
let racer: ChildProcess | undefined;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'plyfs-points-')));
  for (const name of ['own/m', 'canary/m']) mkdirSync(`${root}/${name}`, { recursive: true });
});
afterEach(() => {
  racer?.kill('SIGKILL');
  for (const point of mounted().reverse()) unmountAt(point, MNT_DETACH);
  rmSync(root, { recursive: true });
});

const mounted = () =>
  readMountinfo()
    .map(({ mountpoint }) => mountpoint)
    .filter((point) => point.startsWith(`${root}/`));

/** Exchanges two names for ever, as fast as it goes. */
function swap(a: string, b: string): void {
  const script = `
import ctypes
libc = ctypes.CDLL(None)
a, b = ${JSON.stringify(a)}.encode(), ${JSON.stringify(b)}.encode()
while True: libc.renameat2(-100, a, -100, b, 2)
`;
  racer = spawn('python3', ['-c', script], { stdio: 'ignore' });
}

const options = (mountpoint: string) => ({
  mountpoint,
  readOnly: false,
  vfsOptions: [],
  fsname: 'plyfs',
  allowOther: false,
});

/** Mounts and unmounts until both have come of it often enough; nobody serves. */
async function race(mountpoint: string): Promise<void> {
  const end = Date.now() + RACE_MS;
  let refused = 0;
  let stood = 0;
  while (Date.now() < end || Math.min(refused, stood) <= FEWEST) {
    if (Date.now() > end + MOST_MS)
      throw new Error(`no race: refused ${refused} times, mounted ${stood} times`);
    try {
      const { fuseFd, place } = await attach(options(mountpoint));
      stood++;
      const points = mounted().filter((point) => point.includes('/canary'));
      expect(points).toEqual([]);
      closeSync(fuseFd);
      await detachMount(mountpoint, { lazy: true, privileged: true, place });
      expect(mounted()).toEqual([]);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      expect(error.message).toBe(
        `cannot mount on '${mountpoint}': something else has taken its place meanwhile`,
      );
      refused++;
    }
  }
}

test('a symlink in the place of the mount point', async () => {
  symlinkSync(`${root}/canary/m`, `${root}/own/link`);
  swap(`${root}/own/m`, `${root}/own/link`);
  await race(`${root}/own/m`);
}, 120_000);

test('a symlink in the place of a directory above it', async () => {
  symlinkSync(`${root}/canary`, `${root}/link`);
  swap(`${root}/own`, `${root}/link`);
  await race(`${root}/own/m`);
}, 120_000);

test('the mount goes, and no other, when a directory above it got another name', async () => {
  expect(mount('none', `${root}/canary/m`, 'tmpfs', 0, '')).toBe(0);
  const { fuseFd, place } = await attach(options(`${root}/own/m`));
  closeSync(fuseFd);
  renameSync(`${root}/own`, `${root}/moved`);
  symlinkSync(`${root}/canary`, `${root}/own`);
  // By its path alone it is not found; nor is the other.
  await expect(detachMount(`${root}/own/m`, { lazy: true, privileged: true })).rejects.toThrow();
  expect(mounted().sort()).toEqual([`${root}/canary/m`, `${root}/moved/m`]);
  await detachMount(`${root}/own/m`, { lazy: true, privileged: true, place });
  expect(mounted()).toEqual([`${root}/canary/m`]);
});
