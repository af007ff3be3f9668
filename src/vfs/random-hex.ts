/** Random names, from the kernel: Node's crypto is 16 modules of its own, a tenth of what a short command takes. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { hasCode } from '../errno/error-code.js';

const SOURCE = '/dev/urandom';

/** @returns two digits a byte, which nobody can foresee. @param bytes 256 at most. */
export function randomHex(bytes: number): string {
  const buffer = Buffer.alloc(bytes);
  if (!fillFrom(SOURCE, buffer)) process.getBuiltinModule('node:crypto').randomFillSync(buffer);
  return buffer.toString('hex');
}

/** @returns false where that device is not, as in a bare chroot. */
function fillFrom(device: string, buffer: Buffer): boolean {
  let fd: number;
  try {
    fd = openSync(device, 'r');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENXIO', 'EACCES', 'EPERM')) return false;
    throw error;
  }
  try {
    // random(4): up to 256 bytes come at once.
    return fstatSync(fd).isCharacterDevice() && readSync(fd, buffer) === buffer.length;
  } finally {
    closeSync(fd);
  }
}
