/** The session loop's promise: each request is answered exactly once, whatever the file system does. */

import { openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EINTR, EIO, EMFILE, ENOENT, ENOSYS, EPROTO, EROFS } from '../../../src/errno/errno.js';
import { fsError } from '../../../src/errno/fs-error.js';
import * as op from '../../../src/fuse/abi/abi-opcodes.js';
import type { FileSystem, Session } from '../../../src/vfs/file-system.js';
import { type Job, Wait } from '../../../src/vfs/wait.js';
import { distPath } from '../../helpers/project-paths.js';
import { cstring, hex, u64, wireRequest } from '../../helpers/wire-requests.js';
import { fakeFileSystem } from './fake-file-system.js';
import { FakeKernel, type Reply } from './fake-kernel.js';

// The helper threads run JavaScript, which vitest does not make of the sources: the compiled one stands in.
vi.mock('../../../src/engine/jobs/job-slots.js', async (original) => ({
  ...(await original<object>()),
  JOB_WORKER: pathToFileURL(distPath('src/engine/jobs/job-worker.js')),
}));

/** What becomes of callers, by thread. */
const fates = vi.hoisted(() => new Map<number, string>());
vi.mock('../../../src/linux/process/caller-fate.js', () => ({
  fateOf: (taskId: number) => {
    if (taskId === UNREADABLE) throw new Error('a mistake');
    return fates.get(taskId) ?? 'unknown';
  },
}));
const ENDING = 70;
const STAYING = 71;
const UNREADABLE = 72;

const NONE = Buffer.alloc(0);
const FLAG_RESEND = 1n << 63n;

let kernel: FakeKernel;
beforeEach(() => {
  kernel = new FakeKernel();
  fates.set(ENDING, 'ending').set(STAYING, 'staying');
});
afterEach(() => kernel.close());

/** A job that only the test ends. */
class StillJob implements Job {
  readonly spec = { kind: 'fsync', fd: -1, dataOnly: false } as const;
  done = false;
  result = 0;
}

function readlinkFails(error: unknown): FileSystem {
  return fakeFileSystem({
    readlink: () => {
      throw error;
    },
  });
}

describe('the session loop', () => {
  it('answers INIT, and tells what was obtained', () => {
    const body = hex(
      `07 00 00 00 2d 00 00 00 00 00 02 00 fb ff ff 73 ff 07 00 00 ${'00 '.repeat(44).trimEnd()}`,
    );
    const served = kernel.serve(fakeFileSystem({}), [
      () => kernel.send(op.FUSE_INIT, body),
      ([reply]) => {
        expect(reply).toMatchObject({ unique: 2n, error: 0 });
        expect(reply?.body.slice(0, 16)).toBe('070000002d000000');
      },
    ]);
    expect(served.features).toMatchObject({ passthrough: false, noOpendir: true, setxattrExt: true });
    expect(served.loop.setxattrExt).toBe(true);
    expect(served.log).toEqual([]);
  });

  it('refuses a kernel of another protocol with EPROTO and a line in the log', () => {
    const served = kernel.serve(fakeFileSystem({}), [
      () => kernel.send(op.FUSE_INIT, hex('07 00 00 00 1e 00 00 00 00 00 02 00 00 00 00 00')),
      (replies) => {
        expect(replies).toEqual([{ unique: 2n, error: -EPROTO, body: '' }]);
      },
    ]);
    expect(served.log).toHaveLength(1);
    expect(served.features).toBeUndefined();
  });

  it('answers an opcode without a handler, known or not, with ENOSYS', () => {
    kernel.serve(fakeFileSystem({}), [
      () => {
        for (const opcode of [op.FUSE_POLL, 7, 63, 64, 4096, 0xffff_fffe]) kernel.send(opcode, NONE);
      },
      (replies) => {
        expect(replies.map(({ error }) => error)).toEqual(Array(6).fill(-ENOSYS));
      },
    ]);
  });

  it('answers an FsError with its errno and without a body', () => {
    const served = kernel.serve(readlinkFails(fsError(ENOENT, 'readlink')), [
      () => kernel.send(op.FUSE_READLINK, NONE, { unique: 9n }),
      (replies) => {
        expect(replies).toEqual([{ unique: 9n, error: -ENOENT, body: '' }]);
      },
    ]);
    expect(served.log).toEqual([]);
  });

  it('answers any other throw with EIO each time, and logs it once', () => {
    const served = kernel.serve(readlinkFails(new TypeError('a mistake')), [
      () => {
        for (const unique of [2n, 4n, 6n]) kernel.send(op.FUSE_READLINK, NONE, { unique });
      },
      (replies) => {
        expect(replies).toEqual([2n, 4n, 6n].map((unique) => ({ unique, error: -EIO, body: '' })));
      },
    ]);
    expect(served.log).toHaveLength(1);
    expect(served.log[0]).toMatch(
      /^READLINK of node \d+ by uid \d+, gid \d+, pid \d+: TypeError: a mistake\n/,
    );
  });

  it('logs a request that made it throw as it was decoded, without what is the users', () => {
    const mistake = (): never => {
      throw new RangeError('a mistake');
    };
    const served = kernel.serve(fakeFileSystem({ lookup: mistake, setxattr: mistake }), [
      () => {
        kernel.send(op.FUSE_LOOKUP, cstring('na\nme'), { unique: 2n, nodeId: 7, pid: 70 });
      },
      () => {
        const sizeAndFlags = Buffer.from([6, 0, 0, 0, 0, 0, 0, 0]);
        const body = Buffer.concat([sizeAndFlags, cstring('user.a'), Buffer.from('secret')]);
        kernel.send(op.FUSE_SETXATTR, body, { unique: 4n });
      },
      (replies) => expect(replies).toEqual([{ unique: 4n, error: -EIO, body: '' }]),
    ]);
    expect(served.log[0]).toMatch(
      /^LOOKUP of node 7 by uid \d+, gid \d+, pid 70 \{"name":"na\\nme"\}: RangeError: a mistake\n/,
    );
    expect(served.log[1]).toMatch(/^SETXATTR .*"name":"user.a".*: RangeError/);
    expect(served.log.join()).not.toContain('secret');
  });

  it('answers what lacked descriptors or memory in Node itself with that errno', () => {
    const scarce = Object.assign(new Error('EMFILE'), { code: 'EMFILE', syscall: 'open', errno: -EMFILE });
    const served = kernel.serve(readlinkFails(scarce), [
      () => kernel.send(op.FUSE_READLINK, NONE, { unique: 2n }),
      (replies) => expect(replies).toEqual([{ unique: 2n, error: -EMFILE, body: '' }]),
    ]);
    expect(served.log).toHaveLength(1);
  });

  it('goes on after a request that is cut off, and one without a whole header', () => {
    const served = kernel.serve(fakeFileSystem({ readlink: () => 'target' }), [
      () => {
        kernel.sendBytes(wireRequest(op.FUSE_LOOKUP, cstring('a')).subarray(0, 20));
        kernel.send(op.FUSE_LOOKUP, Buffer.from('no end'), { unique: 4n });
        kernel.send(op.FUSE_READLINK, NONE, { unique: 6n });
      },
      (replies) => {
        expect(replies).toEqual([
          { unique: 4n, error: -EPROTO, body: '' },
          { unique: 6n, error: 0, body: Buffer.from('target').toString('hex') },
        ]);
      },
    ]);
    expect(served.log).toHaveLength(1);
  });

  it('never answers FORGET, though the file system throws', () => {
    const forgotten: unknown[] = [];
    const forget = (node: number, count: number): void => {
      forgotten.push([node, count]);
      throw new Error('a mistake');
    };
    const served = kernel.serve(fakeFileSystem({ forget }), [
      () => {
        kernel.send(op.FUSE_FORGET, u64(3), { nodeId: 7 });
        kernel.send(
          op.FUSE_BATCH_FORGET,
          hex('01 00 00 00 00 00 00 00 09 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00'),
        );
        kernel.send(op.FUSE_FORGET, hex('01'), { nodeId: 7 });
      },
      (replies) => {
        expect(replies).toEqual([]);
      },
    ]);
    expect(forgotten).toEqual([
      [7, 3],
      [9, 2],
    ]);
    expect(served.log.length).toBeGreaterThan(0);
  });

  it('gives an INTERRUPT that is malformed or names no parked request no answer', () => {
    kernel.serve(fakeFileSystem({}), [
      () => {
        kernel.send(op.FUSE_INTERRUPT, u64(77));
        kernel.send(op.FUSE_INTERRUPT, hex('01 02'));
      },
      (replies) => {
        expect(replies).toEqual([]);
      },
    ]);
  });

  it('looks at messages while requests keep coming', () => {
    const seen: number[] = [];
    kernel.serve(fakeFileSystem({ readlink: () => 'x' }), [
      () => {
        for (let i = 0; i < 150; i++) kernel.send(op.FUSE_READLINK, NONE, { unique: BigInt(2 * i + 2) });
      },
      (replies) => {
        seen.push(replies.length);
      },
      (replies) => {
        seen.push(replies.length);
      },
    ]);
    expect(seen[0]).toBeGreaterThan(0);
    expect(seen[0]).toBeLessThan(150);
    expect(seen[0]! + seen[1]!).toBe(150);
  });

  it('counts requests by the name of their operation', () => {
    const { loop } = kernel.serve(fakeFileSystem({ readlink: () => 'x' }), [
      () => {
        kernel.send(op.FUSE_READLINK, NONE);
        kernel.send(op.FUSE_READLINK, NONE);
        kernel.send(op.FUSE_OPENDIR, NONE);
      },
    ]);
    expect(loop.counts()).toEqual({ READLINK: 2, OPENDIR: 1 });
  });
});

describe('a request that waits for a job', () => {
  /** readlink waits for the sync of a file, as often as `waits` says, then answers the node's number. */
  function waitingFileSystem(waits: number): { fs: FileSystem; calls: unknown[] } {
    const calls: unknown[] = [];
    let session: Session | undefined;
    let left = waits;
    let job: Job | undefined;
    const fs = fakeFileSystem({
      attach: (given) => {
        session = given;
      },
      readlink: (node) => {
        calls.push([node, session!.replaying]);
        if (left === 0 && job?.done === true) return `node ${node}, result ${job.result}`;
        if (job === undefined || job.done) {
          left--;
          job = session!.startJob({ kind: 'fsync', fd: openSync(tmpdir(), 'r'), dataOnly: false });
        }
        throw new Wait(job);
      },
      getxattr: () => undefined,
    });
    return { fs, calls };
  }

  const answerOf = (node: number) => Buffer.from(`node ${node}, result 0`).toString('hex');

  it('holds up no other, and is dispatched again from its own bytes when the job is done', () => {
    const { fs, calls } = waitingFileSystem(1);
    kernel.serve(fs, [
      () => {
        kernel.send(op.FUSE_READLINK, NONE, { unique: 2n, nodeId: 5 });
        kernel.send(op.FUSE_OPENDIR, NONE, { unique: 4n, nodeId: 6 });
      },
      (replies) => {
        expect(replies[0]).toEqual({ unique: 4n, error: -ENOSYS, body: '' });
        // The disk may have been faster than this turn.
        if (replies.length === 2) kernel.send(op.FUSE_OPENDIR, NONE, { unique: 6n });
        return replies.length === 2 ? undefined : 'wait';
      },
    ]);
    expect(calls).toEqual([
      [5, false],
      [5, true],
    ]);
  });

  it('may wait again, and several may wait for one job', () => {
    const { fs, calls } = waitingFileSystem(2);
    const answers: unknown[] = [];
    const collect = (replies: Reply[]): unknown => {
      answers.push(...replies.map(({ unique, body }) => [unique, body]));
      return answers.length === 2 ? undefined : 'wait';
    };
    kernel.serve(fs, [
      () => {
        kernel.send(op.FUSE_READLINK, NONE, { unique: 2n, nodeId: 5 });
        kernel.send(op.FUSE_READLINK, NONE, { unique: 4n, nodeId: 6 });
        return 'wait';
      },
      collect,
      collect,
    ]);
    expect(answers).toEqual([
      [2n, answerOf(5)],
      [4n, answerOf(6)],
    ]);
    expect(calls.length).toBe(6);
  });

  it('ends with EINTR when the caller is about to end, and is not answered again', () => {
    kernel.serve(readlinkFails(new Wait(new StillJob())), [
      () => {
        kernel.send(op.FUSE_READLINK, NONE, { unique: 2n, pid: ENDING });
        kernel.send(op.FUSE_READLINK, NONE, { unique: 4n, pid: ENDING });
        kernel.send(op.FUSE_INTERRUPT, u64(2n), { unique: 3n });
        kernel.send(op.FUSE_INTERRUPT, u64(2n), { unique: 5n });
      },
      (replies) => {
        expect(replies).toEqual([{ unique: 2n, error: -EINTR, body: '' }]);
      },
    ]);
  });

  it('is found by an INTERRUPT also when one of the two carries the mark of a resent request', () => {
    kernel.serve(readlinkFails(new Wait(new StillJob())), [
      () => {
        kernel.send(op.FUSE_READLINK, NONE, { unique: 2n | FLAG_RESEND, pid: ENDING });
        kernel.send(op.FUSE_INTERRUPT, u64(2n), { unique: 3n });
      },
      (replies) => {
        expect(replies).toEqual([{ unique: 2n | FLAG_RESEND, error: -EINTR, body: '' }]);
      },
    ]);
  });

  it('tells its observer of what is full or broken, and of no missing name', () => {
    const failed: number[] = [];
    const observer = { failed: (errno: number) => failed.push(errno), slow: () => undefined };
    const errnos = [ENOENT, EROFS, EIO];
    const fs = fakeFileSystem({
      readlink: () => {
        throw fsError(errnos.shift()!, 'readlink');
      },
    });
    const turns = errnos.map(() => () => kernel.send(op.FUSE_READLINK, NONE));
    kernel.serve(fs, [...turns, () => undefined], { observer });
    expect(failed).toEqual([EROFS, EIO]);
  });

  it('goes on, as others do, when its caller cannot be judged by our mistake', () => {
    const served = kernel.serve(readlinkFails(new Wait(new StillJob())), [
      () => {
        kernel.send(op.FUSE_READLINK, NONE, { unique: 2n, pid: UNREADABLE });
        kernel.send(op.FUSE_INTERRUPT, u64(2n), { unique: 3n });
      },
      (replies) => {
        expect(replies).toEqual([]);
        kernel.send(op.FUSE_LINK + 1000, NONE, { unique: 4n });
      },
      (replies) => expect(replies).toEqual([{ unique: 4n, error: -ENOSYS, body: '' }]),
    ]);
    expect(served.log[0]).toMatch(/^requests that wait: Error: a mistake/);
  });

  it.each([
    ['is not about to end', STAYING],
    ['cannot be seen', 99],
  ])('is answered its outcome when an interrupted caller %s, though it waits twice', (_, pid) => {
    const { fs, calls } = waitingFileSystem(2);
    const answers: unknown[] = [];
    kernel.serve(fs, [
      () => {
        kernel.send(op.FUSE_READLINK, NONE, { unique: 2n, nodeId: 5, pid });
        kernel.send(op.FUSE_INTERRUPT, u64(2n), { unique: 3n });
        return 'wait';
      },
      ...Array.from({ length: 2 }, () => (replies: Reply[]): unknown => {
        answers.push(...replies.map(({ unique, body }) => [unique, body]));
        return answers.length > 0 ? undefined : 'wait';
      }),
    ]);
    expect(answers).toEqual([[2n, answerOf(5)]]);
    expect(calls).toHaveLength(3);
  });
});
