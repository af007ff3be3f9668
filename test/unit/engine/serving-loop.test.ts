/** Several sessions in one loop: what goes wrong with one is no other's business. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LoopBuffers } from '../../../src/engine/kernel/loop-buffers.js';
import { ServingLoop } from '../../../src/engine/kernel/serving-loop.js';
import { SessionLoop } from '../../../src/engine/kernel/session-loop.js';
import * as op from '../../../src/fuse/abi/abi-opcodes.js';
import { EFD_NONBLOCK } from '../../../src/linux/constants.js';
import { close } from '../../../src/linux/files/open.js';
import { eventfd, eventfdWrite } from '../../../src/linux/io/poll.js';
import type { FileSystem } from '../../../src/vfs/file-system.js';
import { fakeFileSystem } from './fake-file-system.js';
import { FakeKernel } from './fake-kernel.js';

const NONE = Buffer.alloc(0);

let wakeFd: number;
let kernels: FakeKernel[];
beforeEach(() => {
  wakeFd = eventfd(0, EFD_NONBLOCK);
  kernels = [new FakeKernel(), new FakeKernel()];
});
afterEach(() => {
  for (const kernel of kernels) kernel.close();
  close(wakeFd);
});

const answering = (content: string): FileSystem => fakeFileSystem({ readlink: () => content });

interface Run {
  readonly sessions: readonly SessionLoop[];
  readonly ended: readonly (readonly [SessionLoop, unknown])[];
  readonly turns: readonly SessionLoop[];
}

/** Serves both until `isDone`, which is asked in each look at the eventfd. */
function serve(systems: readonly FileSystem[], isDone: (round: number) => boolean): Run {
  const buffers = new LoopBuffers();
  const ended: (readonly [SessionLoop, unknown])[] = [];
  const turns: SessionLoop[] = [];
  let round = 0;
  const serving = new ServingLoop({
    wakeFd,
    onWake: () => {
      eventfdWrite(wakeFd);
      return isDone(round++) || round > 10_000;
    },
    onEnd: (session, end) => ended.push([session, end]),
  });
  const sessions = systems.map((fs, index) => {
    const session: SessionLoop = new SessionLoop({
      fs: fakeFileSystem({
        readlink: (node) => {
          turns.push(session);
          return fs.readlink(node);
        },
      }),
      fuseFd: kernels[index]!.fuseFd,
      wakeFd,
      buffers,
      passthrough: false,
      debug: false,
      log: () => undefined,
      onInit: () => {
        throw new RangeError('an invariant is broken');
      },
    });
    serving.add(session);
    return session;
  });
  eventfdWrite(wakeFd);
  serving.run();
  return { sessions, ended, turns };
}

describe('a loop with two sessions', () => {
  it('answers each over its own descriptor, in one buffer', () => {
    const [one, other] = kernels as [FakeKernel, FakeKernel];
    one.send(op.FUSE_READLINK, NONE, { unique: 1n });
    other.send(op.FUSE_READLINK, NONE, { unique: 2n });
    serve([answering('first'), answering('second')], (round) => round === 3);
    expect(one.replies()).toEqual([{ unique: 1n, error: 0, body: Buffer.from('first').toString('hex') }]);
    expect(other.replies()).toEqual([{ unique: 2n, error: 0, body: Buffer.from('second').toString('hex') }]);
  });

  it('gives turns to both while one has requests without end', () => {
    const [one, other] = kernels as [FakeKernel, FakeKernel];
    for (let index = 0; index < 100; index++) one.send(op.FUSE_READLINK, NONE, { unique: BigInt(index + 1) });
    for (let index = 0; index < 3; index++) other.send(op.FUSE_READLINK, NONE, { unique: BigInt(index + 1) });
    const { turns, sessions } = serve([answering('a'), answering('b')], (round) => round === 20);
    expect(turns).toHaveLength(103);
    // Not behind the 100 of the first.
    expect(turns.lastIndexOf(sessions[1]!)).toBeLessThan(40);
  });

  it('ends a session that throws, and goes on with the other', () => {
    const [one, other] = kernels as [FakeKernel, FakeKernel];
    // 7.45, flags of no kind: negotiated, and then told to who throws.
    const init = Buffer.alloc(64);
    init.writeUInt32LE(7, 0);
    init.writeUInt32LE(45, 4);
    one.send(op.FUSE_INIT, init, { unique: 1n });
    one.send(op.FUSE_READLINK, NONE, { unique: 2n });
    other.send(op.FUSE_READLINK, NONE, { unique: 3n });
    const { ended, sessions } = serve([answering('first'), answering('second')], (round) => round === 5);
    expect(ended).toEqual([[sessions[0], { error: expect.any(RangeError) as unknown }]]);
    expect(one.replies()).toEqual([]);
    expect(other.replies().map(({ unique }) => unique)).toEqual([3n]);
  });

  it('answers EIO for a method that throws, and goes on with both', () => {
    const [one, other] = kernels as [FakeKernel, FakeKernel];
    one.send(op.FUSE_READLINK, NONE, { unique: 9n });
    other.send(op.FUSE_READLINK, NONE, { unique: 3n });
    const broken = fakeFileSystem({
      readlink: () => {
        throw new Error('a mistake in a method');
      },
    });
    const { ended } = serve([broken, answering('second')], (round) => round === 5);
    expect(ended).toEqual([]);
    expect(one.replies().map(({ error }) => error)).toEqual([-5]);
    expect(other.replies().map(({ unique }) => unique)).toEqual([3n]);
  });
});

describe('work of the thread itself', () => {
  it('is done in slices when nothing comes, and a request that comes has its turn before the next slice', () => {
    const [kernel] = kernels as [FakeKernel];
    const order: string[] = [];
    const serving = new ServingLoop({
      wakeFd,
      onWake: () => true,
      onEnd: () => undefined,
      idleWork: {
        get isDue() {
          return order.length < 5;
        },
        run: () => {
          order.push('slice');
          if (order.length === 2) kernel.send(op.FUSE_READLINK, NONE, { unique: 1n });
          if (order.length === 5) eventfdWrite(wakeFd);
        },
      },
    });
    const fs = fakeFileSystem({
      readlink: () => {
        order.push('request');
        return 'content';
      },
    });
    const options = {
      wakeFd,
      passthrough: false,
      debug: false,
      log: () => undefined,
      onInit: () => undefined,
    };
    serving.add(new SessionLoop({ fs, fuseFd: kernel.fuseFd, ...options }));
    serving.run();
    expect(order).toEqual(['slice', 'slice', 'request', 'slice', 'slice']);
    expect(kernel.replies()).toHaveLength(1);
  });
});
