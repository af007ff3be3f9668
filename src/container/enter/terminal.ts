/**
 * A terminal from the container's own /dev/pts as standard input, output and error, and as the session's terminal.
 */

import { closeSync, openSync, writeFileSync } from 'node:fs';
import { check } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import { MS_BIND } from '../../linux/constants.js';
import { ioctlBuffer, ioctlNumber } from '../../linux/ioctl.js';
import { mount } from '../../linux/mount.js';
import { closeOnExec, dup2, setsid } from '../../linux/namespace.js';

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
  if (asConsole) {
    writeFileSync('/dev/console', '');
    check(mount(slave, '/dev/console', '', MS_BIND, ''), 'bind', '/dev/console');
  }
  // Not the leader of a group: `unshare` and `nsenter` fork.
  check(setsid(), 'setsid');
  const slaveFd = openSync(slave, 'r+');
  check(ioctlNumber(slaveFd, TIOCSCTTY, 0), 'take the terminal', slave);
  for (const fd of [0, 1, 2]) check(dup2(slaveFd, fd), 'dup2');
  if (slaveFd > 2) closeSync(slaveFd);
  closeSync(masterFd);
}

function openMaster(): number {
  try {
    const fd = openSync('/dev/pts/ptmx', 'r+');
    closeOnExec(fd);
    return fd;
  } catch (error) {
    throw new UserError(`cannot make a terminal: ${(error as Error).message}`, { cause: error });
  }
}
