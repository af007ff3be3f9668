/**
 * Our end of a command's terminal: the master, copied to and from standard input and output, or into a log.
 */

import { readSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { check } from '../errno/fs-error.js';
import { ioctlBuffer } from '../linux/ioctl.js';
import { close } from '../linux/open.js';
import { pidfdGetfd, pidfdOpen } from '../linux/pidfd.js';
import { isFatalDefault, type SignalName } from './signal.js';

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

/** What the command, process `pid`, prints goes to standard output; what is typed goes to it, when `interactive`. */
export function connectTerminal(pid: number, masterFd: number, interactive: boolean): Connection {
  // A Duplex, whatever its name says: it writes as much as the terminal takes, and waits with the rest.
  const master = new ReadStream(masterFd);
  const { stdin, stdout } = process;
  const ended = new Promise<void>((resolve) => {
    // EIO is how Linux says that the last user of the terminal has closed it.
    for (const event of ['error', 'end', 'close']) master.on(event, () => resolve());
  });
  // Nobody reads any more: a hang-up, as when a terminal's window is closed.
  const hangUp = () => master.destroy();
  stdout.on('error', hangUp);
  master.pipe(stdout, { end: false });
  master.on('end', () => stdout.write(lastWords(masterFd)));
  const resize = () => setSize(masterFd, stdout.columns ?? 80, stdout.rows ?? 24);
  if (stdout.isTTY) {
    resize();
    stdout.on('resize', resize);
  }
  const isTerminal = interactive && stdin.isTTY;
  if (isTerminal) makeRaw();
  const endInput = () => master.write(CTRL_D);
  if (interactive) {
    stdin.pipe(master, { end: false });
    stdin.on('end', endInput);
  }
  const interrupt = (typed: Buffer) => signalOfKeys(typed, pid, masterFd);
  if (isTerminal) stdin.on('data', interrupt);
  return {
    [Symbol.asyncDispose]: async () => {
      await ended;
      stdout.off('resize', resize);
      if (isTerminal) stdin.off('data', interrupt).setRawMode(false);
      if (interactive) stdin.off('end', endInput).unpipe(master).pause();
      master.destroy();
      await new Promise<void>((resolve) => stdout.write('', () => resolve()));
      stdout.off('error', hangUp);
    },
  };
}

const LAST_BYTES = 64 * 1024;

/** libuv ends a stream at a hang-up after a short read, though the terminal may have more: its own end is EIO. */
function lastWords(masterFd: number): Buffer {
  const words: Buffer[] = [];
  for (;;) {
    const chunk = Buffer.allocUnsafe(LAST_BYTES);
    try {
      const bytes = readSync(masterFd, chunk);
      if (bytes === 0) return Buffer.concat(words);
      words.push(chunk.subarray(0, bytes));
    } catch (error) {
      if (!['EIO', 'EAGAIN', 'EBADF'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      return Buffer.concat(words);
    }
  }
}

/** A pipe as our input has ended: to a terminal that is Ctrl-D. */
const CTRL_D = Buffer.from([4]);

const TCGETS = 0x5401;
const TCSETS = 0x5402;
const TIOCGPGRP = 0x540f;
const OFLAG_OFFSET = 4;
const LFLAG_OFFSET = 12;
const KEYS_OFFSET = 17;
const OPOST = 1;
const ISIG = 1;

/** Signals by the index of their key in termios. */
const KEY_SIGNALS: readonly SignalName[] = ['SIGINT', 'SIGQUIT'];

/**
 * The terminal's own signal for Ctrl-C does not reach the first process of a pid namespace that has no handler for it.
 * Then it comes from us, as if it had been sent to plyfs.
 */
function signalOfKeys(typed: Buffer, pid: number, masterFd: number): void {
  const termios = Buffer.alloc(STABLE_BYTES);
  if (ioctlBuffer(masterFd, TCGETS, termios) < 0) return;
  if ((termios.readUInt32LE(LFLAG_OFFSET) & ISIG) === 0) return;
  const signal = KEY_SIGNALS.find((_, index) => typed.includes(termios[KEYS_OFFSET + index] ?? 0));
  if (signal === undefined) return;
  const group = Buffer.alloc(STABLE_BYTES);
  if (ioctlBuffer(masterFd, TIOCGPGRP, group) < 0 || group.readInt32LE(0) !== pid) return;
  if (isFatalDefault(pid, signal)) process.kill(process.pid, signal);
}

/**
 * Everything as typed and as printed. Node's raw mode still makes a carriage return and a newline of a newline, which
 * the container's terminal has done already where it is wanted; a full-screen program moves down with a bare newline.
 */
function makeRaw(): void {
  process.stdin.setRawMode(true);
  const termios = Buffer.alloc(STABLE_BYTES);
  check(ioctlBuffer(0, TCGETS, termios), 'read the modes of', 'the terminal');
  termios.writeUInt32LE((termios.readUInt32LE(OFLAG_OFFSET) & ~OPOST) >>> 0, OFLAG_OFFSET);
  check(ioctlBuffer(0, TCSETS, termios), 'set the modes of', 'the terminal');
}

function setSize(masterFd: number, columns: number, rows: number): void {
  const size = Buffer.alloc(STABLE_BYTES);
  size.writeUInt16LE(rows, 0);
  size.writeUInt16LE(columns, 2);
  ioctlBuffer(masterFd, TIOCSWINSZ, size);
}
