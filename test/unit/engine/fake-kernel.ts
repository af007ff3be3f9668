/**
 * A kernel for the session loop: a pair of sequenced-packet sockets, which keep the limits of messages as /dev/fuse
 * does, and an eventfd.
 *
 * The loop blocks its thread, so the test speaks from within: `serve()` calls one turn after another whenever the loop
 * looks at the eventfd, each with what was answered since the last. INVARIANT: it ends; a watchdog thread wakes the loop
 * in the end, and then the turn that never came is an error.
 */

import { readSync, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { ServingLoop } from '../../../src/engine/kernel/serving-loop.js';
import { type LoopOptions, SessionLoop } from '../../../src/engine/kernel/session-loop.js';
import type { Negotiated } from '../../../src/fuse/negotiate.js';
import { EFD_NONBLOCK } from '../../../src/linux/constants.js';
import { close } from '../../../src/linux/files/open.js';
import { eventfd, eventfdWrite } from '../../../src/linux/io/poll.js';
import { bind } from '../../../src/linux/library.js';
import type { FileSystem } from '../../../src/vfs/file-system.js';
import { type RequestOptions, wireRequest } from '../../helpers/wire-requests.js';

const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const LIMIT_MS = 15_000;

const sysSocketpair = bind<(domain: number, type: number, protocol: number, out: Uint8Array) => number>(
  'socketpair',
  'int',
  ['int', 'int', 'int', 'void *'],
);

export interface Reply {
  readonly unique: bigint;
  /** 0 or a negated errno. */
  readonly error: number;
  /** In hex. */
  readonly body: string;
}

/** Returns 'wait' when the next turn is to come with the end of a job; else it comes when what was sent is served. */
export type Turn = (replies: Reply[]) => unknown;

interface Served {
  readonly log: readonly string[];
  readonly features: Negotiated | undefined;
  readonly loop: SessionLoop;
}

export class FakeKernel {
  readonly wakeFd = eventfd(0, EFD_NONBLOCK);
  readonly fuseFd: number;
  readonly #kernelFd: number;

  constructor() {
    const fds = Buffer.alloc(128);
    if (sysSocketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) !== 0)
      throw new Error('cannot make a pair of sockets');
    this.fuseFd = fds.readInt32LE(0);
    this.#kernelFd = fds.readInt32LE(4);
  }

  send(opcode: number, body: Buffer, options: RequestOptions = {}): void {
    this.sendBytes(wireRequest(opcode, body, options));
  }

  sendBytes(bytes: Buffer): void {
    writeSync(this.#kernelFd, bytes);
  }

  /** Serves until the turns are over. */
  serve(fs: FileSystem, turns: readonly Turn[], options: Partial<LoopOptions> = {}): Served {
    const log: string[] = [];
    let features: Negotiated | undefined;
    const coming = [...turns];
    const deadline = Date.now() + LIMIT_MS;
    const loop = new SessionLoop({
      fs,
      fuseFd: this.fuseFd,
      wakeFd: this.wakeFd,
      passthrough: false,
      debug: false,
      log: (line) => log.push(line),
      onInit: (obtained) => {
        features = obtained;
      },
      ...options,
    });
    const serving = new ServingLoop({
      wakeFd: this.wakeFd,
      onWake: () => {
        if (Date.now() > deadline) throw new Error(`${coming.length} turns were still to come`);
        const turn = coming.shift();
        if (turn === undefined) return true;
        if (turn(this.replies()) !== 'wait') eventfdWrite(this.wakeFd);
        return false;
      },
      onEnd: (_, error) => {
        throw error instanceof Error
          ? error
          : new Error(`the session ended before its turns: ${String(error)}`);
      },
    });
    serving.add(loop);
    const watchdog = this.#watch();
    eventfdWrite(this.wakeFd);
    try {
      serving.run();
    } finally {
      void watchdog.terminate();
    }
    return { log, features, loop };
  }

  close(): void {
    for (const fd of [this.fuseFd, this.#kernelFd, this.wakeFd]) close(fd);
  }

  /** What was answered since it was asked last. */
  replies(): Reply[] {
    const found: Reply[] = [];
    const bytes = Buffer.alloc(65536);
    for (;;) {
      const length = this.#readOrNone(bytes);
      if (length === 0) return found;
      if (bytes.readUInt32LE(0) !== length) throw new Error('a reply states another length than it has');
      found.push({
        error: bytes.readInt32LE(4),
        unique: bytes.readBigUInt64LE(8),
        body: bytes.toString('hex', 16, length),
      });
    }
  }

  #readOrNone(into: Buffer): number {
    try {
      return readSync(this.#kernelFd, into);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
      throw error;
    }
  }

  #watch(): Worker {
    const code = `
      const { workerData } = require('node:worker_threads');
      const one = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
      setTimeout(() => require('node:fs').writeSync(workerData.fd, one), workerData.afterMs);`;
    const worker = new Worker(code, {
      eval: true,
      workerData: { fd: this.wakeFd, afterMs: LIMIT_MS + 100 },
    });
    worker.unref();
    return worker;
  }
}
