/** Large requests that wait for a job: the kernel keeps what they carry, beyond a limit, and is asked for it again. */

import { afterEach, beforeEach, expect, it } from 'vitest';
import * as op from '../../../src/fuse/abi/abi-opcodes.js';
import type { FileSystem } from '../../../src/vfs/file-system.js';
import { type Job, Wait } from '../../../src/vfs/wait.js';
import { hex, u32, u64 } from '../../helpers/wire-requests.js';
import { fakeFileSystem } from './fake-file-system.js';
import { FakeKernel, type Reply, type Turn } from './fake-kernel.js';

const RESENT = 1n << 63n;
/** FUSE_NOTIFY_RESEND as a reply: without a unique, with a code for an error. */
const ASKED = { unique: 0n, error: 7, body: '' };
const PIECE = 32 * 1024;
/** As many as one user has kept for him, and some more. */
const KEPT = 255;
const WRITES = KEPT + 3;

let kernel: FakeKernel;
let job: { -readonly [K in keyof Job]: Job[K] };
let written: string[];
let fs: FileSystem;

beforeEach(() => {
  kernel = new FakeKernel();
  job = { spec: { kind: 'fsync', fd: -1, dataOnly: false }, done: false, result: 0 };
  written = [];
  fs = fakeFileSystem({
    write: (_node, _handle, { offset, bytes }) => {
      if (!job.done) throw new Wait(job);
      written.push(`${offset} ${bytes[0]} ${bytes.length}`);
      return bytes.length;
    },
    readlink: () => 'target',
  });
});
afterEach(() => kernel.close());

const init = (): void =>
  kernel.send(
    op.FUSE_INIT,
    hex(`07 00 00 00 2d 00 00 00 00 00 02 00 fb ff ff 73 ff 07 00 00 ${'00 '.repeat(44).trimEnd()}`),
  );

function write(at: number, mark = 0n, uid = 1000): void {
  const header = [u64(1), u64(at * PIECE), u32(PIECE), u32(0), u64(0), u32(0), u32(0)];
  const unique = BigInt(at * 2 + 4) | mark;
  kernel.send(op.FUSE_WRITE, Buffer.concat([...header, Buffer.alloc(PIECE, at)]), { unique, uid });
}

const all = Array.from({ length: WRITES }, (_, at) => at);
const LEFT = all.slice(KEPT);
const expected = all.map((at) => `${at * PIECE} ${at % 256} ${PIECE}`);

/** The socket holds a few such requests at a time. */
const sent = (mark: bigint): Turn[] => all.map((at) => () => write(at, mark));

function serve(...turns: readonly Turn[]): void {
  const replies: Reply[] = [];
  const listening = turns.map(
    (turn): Turn =>
      (now) => {
        replies.push(...now);
        return turn(replies);
      },
  );
  expect(kernel.serve(fs, [init, ...listening, () => undefined]).log).toEqual([]);
}

/** The job is done and the loop looks. */
const finish = (): void => {
  job.done = true;
};

/** Turns until all that is kept is answered and the kernel is asked: some at a time. */
const answered = (then: () => void): Turn[] => {
  let isAsked = false;
  return Array.from({ length: 8 }, () => (replies: Reply[]): void => {
    if (isAsked || replies.every(({ error }) => error !== ASKED.error)) return;
    isAsked = true;
    // The question comes after all answers.
    expect(replies.at(-1)).toEqual(ASKED);
    expect(written).toEqual(expected.slice(0, KEPT));
    // As the kernel does it, before the loop reads again.
    then();
  });
};

const uniqueOf = (at: number): bigint => BigInt(at * 2 + 4) | RESENT;

it('are answered once each, after those that were left with the kernel have come again', () => {
  let last: readonly Reply[] = [];
  serve(
    ...sent(0n),
    finish,
    ...answered(() => {
      for (const at of LEFT) write(at, RESENT);
      kernel.send(op.FUSE_READLINK, Buffer.alloc(0), { unique: 2000n });
    }),
    (replies) => {
      last = replies.slice(-LEFT.length - 1);
    },
  );
  expect(written).toEqual(expected);
  expect(last.map(({ unique }) => unique)).toEqual([...LEFT.map(uniqueOf), 2000n]);
});

it('of another user are kept, and answered by the new name when they come again too', () => {
  const other: typeof job = { ...job };
  const { write: writeFirst } = fs;
  fs = fakeFileSystem({
    write: (node, handle, data) => {
      if (data.offset === WRITES * PIECE && !other.done) throw new Wait(other);
      return writeFirst(node, handle, data);
    },
  });
  let last: Reply | undefined;
  serve(
    ...sent(0n),
    () => write(WRITES, 0n, 5),
    finish,
    ...answered(() => {
      write(WRITES, RESENT, 5);
      for (const at of LEFT) write(at, RESENT);
    }),
    () => {
      other.done = true;
    },
    () => undefined,
    (replies) => {
      last = replies.at(-1);
      expect(replies.filter(({ error }) => error === ASKED.error)).toHaveLength(1);
    },
  );
  expect(written).toEqual([...expected, `${WRITES * PIECE} ${WRITES % 256} ${PIECE}`]);
  expect(last).toMatchObject({ unique: uniqueOf(WRITES), error: 0 });
});

it('are forgotten when they do not come again: their callers have ended', () => {
  let givenUp = 0;
  job.onGivenUp = () => {
    givenUp++;
  };
  serve(
    ...sent(0n),
    finish,
    ...answered(() => {
      write(LEFT[0]!, RESENT);
      // Somebody else's, without the mark: nothing more comes.
      kernel.send(op.FUSE_READLINK, Buffer.alloc(0), { unique: 2000n });
    }),
    (replies) => expect(replies.at(-1)).toMatchObject({ unique: 2000n, error: 0 }),
  );
  expect(written).toEqual(expected.slice(0, KEPT + 1));
  expect(givenUp).toBe(LEFT.length - 1);
});
