/**
 * A disk that fails on demand: shows a directory at a mount point, by our engine and mirror, and answers what it is told
 * to with an errno, each operation by itself and each time alike. Runs as a process: SOURCE MOUNTPOINT CONTROL.
 *
 * CONTROL is a file, empty or with a line `OPERATION ERRNO [SKIP [FROM TO]]`: the method of vfs.FileSystem that fails, the
 * number of the errno, how many calls are let pass before, and which bytes of a file a read or write must touch (one block
 * of the disk is bad). With `trace` nothing fails. What fails, or is traced, is appended to CONTROL.hits. Once it serves it
 * says so in a line.
 */

import { appendFileSync, readFileSync } from 'node:fs';
import { EINTR } from '../../src/errno/errno.js';
import { fsError } from '../../src/errno/fs-error.js';
import type { WriteData } from '../../src/vfs/file-system.js';
import type { NodeId } from '../../src/vfs/node-id.js';
import { serveDisk } from './served-disk.js';

interface Fault {
  readonly operation: string;
  readonly errno: number;
  readonly from: number;
  readonly to: number;
}

class Faults {
  readonly #control: string;
  #text = '';
  #passed = 0;

  constructor(control: string) {
    this.#control = control;
  }

  /** @throws FsError when the call is to fail. */
  meet(operation: string, args: readonly unknown[]): void {
    const text = readFileSync(this.#control, 'utf8').trim();
    if (text !== this.#text) this.#passed = 0;
    this.#text = text;
    if (text === 'trace') this.#note(operation);
    if (text === '' || text === 'trace') return;
    const [wanted = '', errno, skip = 0, from = 0, to = Number.POSITIVE_INFINITY] = text
      .split(' ')
      .map((word, at) => (at === 0 ? word : Number(word))) as [string, number, number?, number?, number?];
    if (operation !== wanted || !touches({ operation, errno, from, to }, args)) return;
    const passed = this.#passed++;
    // An interruption comes once: who tries again is let pass.
    if (passed < skip || (errno === EINTR && passed > skip)) return;
    this.#note(operation);
    throw fsError(errno, operation);
  }

  #note(operation: string): void {
    appendFileSync(`${this.#control}.hits`, `${operation}\n`);
  }
}

function touches({ operation, from, to }: Fault, args: readonly unknown[]): boolean {
  if (operation === 'read') {
    const [, , offset, into] = args as [NodeId, number, number, Uint8Array];
    return offset < to && offset + into.byteLength > from;
  }
  if (operation !== 'write') return true;
  const { offset, bytes } = args[2] as WriteData;
  return offset < to && offset + bytes.byteLength > from;
}

const [source = '', mountpoint = '', control = ''] = process.argv.slice(2);
const faults = new Faults(control);
await serveDisk(source, mountpoint, (operation, args) => faults.meet(operation, args));
