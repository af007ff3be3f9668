/** Our own terminal while a command has it: everything as typed and as printed. */

import { check } from '../../../errno/fs-error.js';
import { ioctlBuffer } from '../../../linux/ioctl.js';

const TCGETS = 0x5401;
const TCSETS = 0x5402;
const OFLAG_OFFSET = 4;
const OPOST = 1;
/** V8 may move the content of smaller typed arrays. */
const STABLE_BYTES = 128;

/**
 * Node's raw mode still makes a carriage return and a newline of a newline, which the container's terminal has done
 * already where it is wanted; a full-screen program moves down with a bare newline.
 */
export function makeRaw(): void {
  process.stdin.setRawMode(true);
  const termios = Buffer.alloc(STABLE_BYTES);
  check(ioctlBuffer(0, TCGETS, termios), 'read the modes of', 'the terminal');
  termios.writeUInt32LE((termios.readUInt32LE(OFLAG_OFFSET) & ~OPOST) >>> 0, OFLAG_OFFSET);
  check(ioctlBuffer(0, TCSETS, termios), 'set the modes of', 'the terminal');
}
