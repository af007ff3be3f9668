/**
 * A terminal from the container's own /dev/pts as standard input, output and error, and as the session's terminal.
 */

import { closeSync, openSync } from 'node:fs';
import { EEXIST } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import { reasonOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import {
  AT_FDCWD,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_WRONLY,
  OPEN_TREE_CLONE,
} from '../../linux/constants.js';
import { close, dup2, openat } from '../../linux/files/open.js';
import { ioctlBuffer, ioctlNumber } from '../../linux/ioctl.js';
import { openTree } from '../../linux/mounts/mount.js';
import { closeOnExec, setsid } from '../../linux/process/namespace.js';
import { attachTo } from './namespace/root-tree.js';

const TIOCGPTN = 0x80045430;
const TIOCSPTLCK = 0x40045431;
const TIOCSCTTY = 0x540e;
/** V8 may move the content of smaller typed arrays. */
const STABLE_BYTES = 128;

/** @param handOver has to take the master over: it is closed when this returns. */
export function takeTerminal(
  handOver: (masterFd: number) => void,
  { asConsole }: { readonly asConsole: boolean },
): void {
  const masterFd = openMaster();
  const number = Buffer.alloc(STABLE_BYTES);
  check(ioctlBuffer(masterFd, TIOCGPTN, number), 'ask the number of', '/dev/ptmx');
  check(ioctlBuffer(masterFd, TIOCSPTLCK, Buffer.alloc(STABLE_BYTES)), 'unlock', '/dev/ptmx');
  const slave = `/dev/pts/${number.readUInt32LE(0)}`;
  handOver(masterFd);
  if (asConsole) showAs(slave, '/dev/console');
  // Not the leader of a group: `unshare` and `nsenter` fork.
  check(setsid(), 'setsid');
  const slaveFd = openSync(slave, 'r+');
  check(ioctlNumber(slaveFd, TIOCSCTTY, 0), 'take the terminal', slave);
  for (const fd of [0, 1, 2]) check(dup2(slaveFd, fd), 'dup2');
  if (slaveFd > 2) closeSync(slaveFd);
  closeSync(masterFd);
}

/** The console of a /dev that is the user's is there already, and not to be opened. */
function showAs(slave: string, place: string): void {
  const made = openat(AT_FDCWD, place, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  if (made !== -EEXIST) close(check(made, 'create', place));
  const target = check(openat(AT_FDCWD, place, O_PATH | O_NOFOLLOW), 'open', place);
  const clone = check(openTree(AT_FDCWD, slave, OPEN_TREE_CLONE), 'clone', slave);
  attachTo(clone, target, place);
  close(target);
  close(clone);
}

function openMaster(): number {
  try {
    const fd = openSync('/dev/pts/ptmx', 'r+');
    closeOnExec(fd);
    return fd;
  } catch (error) {
    throw new UserError(`cannot make a terminal: ${reasonOf(error)}`, { cause: error });
  }
}
