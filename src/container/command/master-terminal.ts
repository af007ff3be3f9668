/**
 * A command's terminal by its master: what is printed on it, what is typed, its size.
 */

import { readSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { hasCode } from '../../errno/error-code.js';
import { check } from '../../errno/fs-error.js';
import { close } from '../../linux/files/open.js';
import { ioctlBuffer } from '../../linux/ioctl.js';
import { pidfdGetfd, pidfdOpen } from '../../linux/process/pidfd.js';
import { isFatalDefault, type SignalName } from '../record/signal.js';
import type { TerminalSize } from './attach/frames.js';

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

const TCGETS = 0x5401;
const TIOCGPGRP = 0x540f;
const TIOCSWINSZ = 0x5414;
const LFLAG_OFFSET = 12;
const KEYS_OFFSET = 17;
const ISIG = 1;

/** Signals by the index of their key in termios. */
const KEY_SIGNALS: readonly SignalName[] = ['SIGINT', 'SIGQUIT'];

export class Terminal {
  /** A Duplex, whatever its name says: it writes as much as the terminal takes, and waits with the rest. */
  readonly stream: ReadStream;
  /** The last user of the terminal has closed it, and all that was printed has been read. */
  readonly ended: Promise<void>;
  readonly #masterFd: number;
  readonly #pid: number;

  /** @param onOutput gets what the command, process `pid`, prints. */
  constructor(pid: number, masterFd: number, onOutput: (bytes: Buffer) => void) {
    this.#pid = pid;
    this.#masterFd = masterFd;
    this.stream = new ReadStream(masterFd);
    this.stream.on('data', onOutput);
    this.stream.on('end', () => {
      const words = lastWords(masterFd);
      if (words.length > 0) onOutput(words);
    });
    this.ended = new Promise((resolve) => {
      // EIO is how Linux says that the last user of the terminal has closed it.
      for (const event of ['error', 'end', 'close']) this.stream.on(event, () => resolve());
    });
  }

  resize({ rows, columns }: TerminalSize): void {
    const size = Buffer.alloc(STABLE_BYTES);
    size.writeUInt16LE(rows, 0);
    size.writeUInt16LE(columns, 2);
    ioctlBuffer(this.#masterFd, TIOCSWINSZ, size);
  }

  /**
   * The signal that a key among those typed stands for, when the command would end of it but is not reached: the
   * terminal's own signal does not come to the first process of a pid namespace that has no handler for it.
   */
  lostSignal(typed: Buffer): SignalName | undefined {
    const termios = Buffer.alloc(STABLE_BYTES);
    if (ioctlBuffer(this.#masterFd, TCGETS, termios) < 0) return undefined;
    if ((termios.readUInt32LE(LFLAG_OFFSET) & ISIG) === 0) return undefined;
    const signal = KEY_SIGNALS.find((_, index) => typed.includes(termios[KEYS_OFFSET + index] ?? 0));
    if (signal === undefined) return undefined;
    const group = Buffer.alloc(STABLE_BYTES);
    if (ioctlBuffer(this.#masterFd, TIOCGPGRP, group) < 0 || group.readInt32LE(0) !== this.#pid)
      return undefined;
    return isFatalDefault(this.#pid, signal) ? signal : undefined;
  }
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
      if (!hasCode(error, 'EIO', 'EAGAIN', 'EBADF')) throw error;
      return Buffer.concat(words);
    }
  }
}
