/**
 * Our end of a command's terminal: the master, copied to and from standard input and output, or into a log.
 */

import { createWriteStream, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { check } from '../errno/fs-error.js';
import { ioctlBuffer } from '../linux/ioctl.js';
import { close } from '../linux/open.js';
import { pidfdGetfd, pidfdOpen } from '../linux/pidfd.js';

const TIOCSWINSZ = 0x5414;
/** V8 may move the content of smaller typed arrays. */
const STABLE_BYTES = 128;

/** A copy of the master that the process `pid` has as `masterFd`. */
export function takeMaster(pid: number, masterFd: number): number {
  const pidfd = check(pidfdOpen(pid), 'pidfd_open', String(pid));
  try {
    return check(pidfdGetfd(pidfd, masterFd), 'take the terminal of', String(pid));
  } finally {
    close(pidfd);
  }
}

export interface Connection extends AsyncDisposable {}

/** What the command prints goes to `outputFd`; what is typed goes to the command, when `input` is a terminal's. */
export function connectTerminal(masterFd: number, outputFd: number, interactive: boolean): Connection {
  const master = new ReadStream(masterFd);
  const output = createWriteStream('', { fd: outputFd, autoClose: false });
  const ended = new Promise<void>((resolve) => {
    // EIO is how Linux says that the last user of the terminal has closed it.
    master.on('error', () => resolve());
    master.on('end', () => resolve());
    master.on('close', () => resolve());
  });
  master.on('data', (chunk: Buffer) => {
    output.write(chunk);
  });
  const isTerminal = interactive && process.stdin.isTTY;
  const type = (chunk: Buffer) => {
    writeSync(masterFd, chunk);
  };
  const resize = () => setSize(masterFd, process.stdout.columns ?? 80, process.stdout.rows ?? 24);
  if (process.stdout.isTTY) {
    resize();
    process.stdout.on('resize', resize);
  }
  if (isTerminal) process.stdin.setRawMode(true);
  if (interactive) process.stdin.on('data', type).on('end', () => endInput(masterFd));
  return {
    [Symbol.asyncDispose]: async () => {
      await ended;
      process.stdout.off('resize', resize);
      if (isTerminal) process.stdin.setRawMode(false);
      if (interactive) process.stdin.off('data', type).pause();
      master.destroy();
      await new Promise((resolve) => output.end(resolve));
    },
  };
}

const CTRL_D = 4;

/** A pipe as our input has ended: to a terminal that is Ctrl-D. */
function endInput(masterFd: number): void {
  try {
    writeSync(masterFd, Buffer.from([CTRL_D]));
  } catch (error) {
    if (!['EIO', 'EBADF'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

function setSize(masterFd: number, columns: number, rows: number): void {
  const size = Buffer.alloc(STABLE_BYTES);
  size.writeUInt16LE(rows, 0);
  size.writeUInt16LE(columns, 2);
  ioctlBuffer(masterFd, TIOCSWINSZ, size);
}
