/**
 * Gives memory back after much was forgotten or listed.
 *
 * A thread that serves makes little garbage once nobody walks trees any more, so V8 has no reason to look for any: of a
 * million names that the kernel has forgotten, 500 MiB stayed (README of engine/kernel). So it is told to, when the
 * thread has been idle for a while: the collection takes some 10 ms, and longer when much is still known.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { FUSE_BATCH_FORGET, FUSE_FORGET, FUSE_READDIRPLUS } from '../fuse/abi/abi-opcodes.js';

/** References forgotten, or listed, since the last collection that make one worth its time. */
const ENOUGH = 50_000;
/** Names of one READDIRPLUS, or less: of what it makes little stays. */
const LISTED = 100;
/** How long nothing may have come. */
export const IDLE_MS = 500;

export class IdleCollector {
  #forgotten = 0;
  #collect: (() => void) | undefined;

  noteRequest(opcode: number, length: number): void {
    if (opcode === FUSE_FORGET) this.note(1);
    // A fuse_forget_one of 16 bytes each.
    else if (opcode === FUSE_BATCH_FORGET) this.note(length >> 4);
    else if (opcode === FUSE_READDIRPLUS) this.note(LISTED);
  }

  note(references: number): void {
    this.#forgotten += references;
  }

  get isDue(): boolean {
    return this.#forgotten >= ENOUGH;
  }

  collect(): void {
    this.#forgotten = 0;
    this.#collect ??= exposedCollector();
    this.#collect();
  }
}

/** V8 shows its collector to contexts that are made while the flag is set. */
function exposedCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return collect;
}
