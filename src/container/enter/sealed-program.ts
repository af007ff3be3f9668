/**
 * The Node that becomes a container's command, as a file that nothing in the container can change.
 *
 * Whoever runs `/proc/self/exe` there runs Node, and finds it as its own program: root could write to the host's file, give
 * it away or make it setuid (CVE-2019-5736 was that of runc). So it is executed from a read-only mount of its own, which
 * no path leads to. Linux before 5.12 cannot make one (mount_setattr).
 */

import { ENOSYS, EPERM } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import { AT_FDCWD, O_PATH } from '../../linux/constants.js';
import { close, keepOnExec, openat } from '../../linux/files/open.js';
import { clonePrivate } from '../../linux/mounts/mount.js';
import { execve } from '../../linux/process/namespace.js';
import { unshareMounts } from '../../linux/process/process.js';
import { nameFromText } from '../../vfs/name.js';

/** Says that the process is to seal itself: it has the privilege only in its user namespace. */
export const SEAL_FLAG = '--seal';

/** A descriptor of the sealed program; undefined where it cannot be had here. @throws FsError */
export function openSealedProgram(): number | undefined {
  const fd = check(openat(AT_FDCWD, nameFromText(process.execPath), O_PATH), 'open', process.execPath);
  const clone = clonePrivate(fd, { readOnly: true });
  close(fd);
  if (clone === -EPERM || clone === -ENOSYS) return undefined;
  return check(clone, 'clone', process.execPath);
}

/**
 * Begins this process anew as the sealed program; comes back when that cannot be.
 * @param kept descriptors that the new program needs.
 * @throws FsError
 */
export function becomeSealed(kept: readonly number[]): void {
  // That of the host belongs to its user namespace.
  check(unshareMounts(), 'unshare');
  const fd = openSealedProgram();
  if (fd === undefined) return;
  for (const one of kept) keepOnExec(one);
  const args = [process.execPath, ...process.argv.slice(1).filter((arg) => arg !== SEAL_FLAG)];
  const env = Object.entries(process.env).map(([name, value]) => nameFromText(`${name}=${value ?? ''}`));
  check(execve(`/proc/self/fd/${fd}`, args.map(nameFromText), env), 'execute', process.execPath);
}
