/**
 * What lies below a volume's `_data`: mounted by mount(8), unmounted by umount2(2), seen in /proc/self/mountinfo.
 *
 * mount(8) and not mount(2): the helpers (mount.nfs, mount.cifs, mount.fuse, loop devices) are its business.
 */

import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EBUSY, EINVAL, ENOENT } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import { MNT_DETACH } from '../../linux/constants.js';
import { unmountAt } from '../../linux/mounts/held-mount-point.js';
import { readMountinfo, topMountAt } from '../../linux/mounts/mountinfo.js';
import { CAP_SYS_ADMIN, hasCapability } from '../../linux/process/process.js';
import { isMissing } from '../../store/atomic-file.js';
import { nameFromText } from '../../vfs/name.js';
import { IMAGE_FILE } from './disk-image.js';
import type { Backing } from './driver-options.js';

/** Storage that does not answer must not keep a command for ever. */
const MOUNT_TIMEOUT_MS = 45_000;
const APPEARS_MS = 10_000;
const APPEARS_POLL_MS = 5;

/** The type of what is mounted on `home/_data`; undefined: nothing is. Does not touch it. */
export function mountedType(home: string, entries = readMountinfo()): string | undefined {
  return topMountAt(entries, nameFromText(`${realHome(home)}/_data`))?.type;
}

/** mountinfo has no symlinks. */
function realHome(home: string): string {
  try {
    return realpathSync(home);
  } catch (error) {
    if (isMissing(error)) return home;
    throw error;
  }
}

/**
 * Mounts it on `home/_data`. PRECONDITION: it is not mounted there.
 * @param what as messages call it: `volume 'x'`.
 * @throws UserError with what mount(8) says, in one line.
 */
export function mountBacking(
  what: string,
  home: string,
  backing: Exclude<Backing, { kind: 'directory' }>,
): void {
  if (!hasCapability(CAP_SYS_ADMIN)) {
    throw new UserError(`cannot mount ${what}: its options need mount(8), which needs root`, {
      hint: 'run plyfs as root, or bind a directory where you have mounted it yourself',
    });
  }
  const target = `${home}/_data`;
  const [type, device, options] =
    backing.kind === 'image'
      ? ['ext4', `${home}/${IMAGE_FILE}`, 'loop,discard']
      : [backing.type, backing.device, backing.options];
  const said = runMount(['-t', type, ...(options === '' ? [] : ['-o', options]), '--', device, target]);
  const failure = said ?? (appears(home) ? undefined : 'mount: it reports success, and nothing is mounted');
  if (failure === undefined) return;
  // A helper that was killed may have mounted it all the same.
  if (mountedType(home) !== undefined) unmountBacking(home);
  throw new UserError(`cannot mount ${what}: ${failure.replaceAll(`${target}: `, '')}`);
}

/** @returns undefined when it went well, else why not. */
function runMount(args: readonly string[]): string | undefined {
  // Not a pipe: a FUSE server that mount(8) starts would keep it open, and we would wait for its end.
  const scratch = mkdtempSync(join(tmpdir(), 'plyfs-mount-'));
  const fd = openSync(join(scratch, 'said'), 'w+');
  try {
    const { error, status, signal } = spawnSync('mount', args, {
      stdio: ['ignore', fd, fd],
      cwd: '/',
      env: { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`, HOME: process.env.HOME ?? '/', LC_ALL: 'C' },
      timeout: MOUNT_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    if (signal !== null && error !== undefined) return `mount: no answer in ${MOUNT_TIMEOUT_MS / 1000} s`;
    if (error !== undefined) return error.message;
    if (status === 0) return undefined;
    const said = readFileSync(join(scratch, 'said'), 'utf8');
    return oneLine(said).replace(/\.$/, '') || `mount: status ${status}`;
  } finally {
    closeSync(fd);
    rmSync(scratch, { recursive: true, force: true });
  }
}

const nap = new Int32Array(new SharedArrayBuffer(4));

/**
 * Whether it is mounted, or is so soon: mount.nfs with `bg` ends well and goes on trying (nfs(5)). Who would go on before
 * it has done it would write into the directory below.
 */
function appears(home: string): boolean {
  const deadline = Date.now() + APPEARS_MS;
  while (mountedType(home) === undefined) {
    if (Date.now() > deadline) return false;
    Atomics.wait(nap, 0, 0, APPEARS_POLL_MS);
  }
  return true;
}

/** mount(8) ends with advice on dmesg, which is left out. */
function oneLine(said: string): string {
  const lines = said.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('dmesg(1)')).join('; ');
}

/** Takes the mount away; one whose files somebody still has open goes when they are closed. */
export function unmountBacking(home: string): void {
  const target = nameFromText(`${home}/_data`);
  let result = unmountAt(target, 0);
  if (result === -EBUSY) result = unmountAt(target, MNT_DETACH);
  // It is not mounted (any more).
  if (result === -EINVAL || result === -ENOENT) return;
  check(result, 'umount', `${home}/_data`);
}
