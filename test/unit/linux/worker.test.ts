/**
 * The calls in a worker thread: memory and errno of its own, a poll that blocks it and an eventfd that wakes it, and
 * an identity that is the thread's alone.
 */

import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ENOENT } from '../../../src/errno/errno.js';
import { EFD_NONBLOCK, O_RDONLY } from '../../../src/linux/constants.js';
import { openat } from '../../../src/linux/files/open.js';
import { Statx, statx } from '../../../src/linux/files/statx.js';
import { eventfd, eventfdWrite } from '../../../src/linux/io/poll.js';
import { CAP_SETPCAP, CAP_SETUID, hasCapability, setfsuid } from '../../../src/linux/process/process.js';
import { type Compiled, compileLinux } from './compiled.js';
import { closing, newFile, ok, tempDirectory } from './temp-directory.js';

let compiled: Compiled;
beforeAll(() => {
  compiled = compileLinux();
});
afterAll(() => {
  compiled.remove();
});

/** Runs the body of an async function in a worker, with `load(file)`, `data` and `post(message)`. */
function start(
  body: string,
  data: unknown,
): { worker: Worker; messages: Promise<unknown[]>; first: Promise<void> } {
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    const load = (file) => import(workerData.url + file);
    const post = (message) => parentPort.postMessage(message);
    (async (data) => { ${body} })(workerData.data);`;
  const worker = new Worker(code, { eval: true, workerData: { url: compiled.linuxUrl, data } });
  const received: unknown[] = [];
  const first = new Promise<void>((resolve) => worker.once('message', () => resolve()));
  worker.on('message', (message) => received.push(message));
  const messages = new Promise<unknown[]>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', () => resolve(received));
  });
  return { worker, messages, first };
}

test('an eventfd written on the main thread wakes a worker that blocks in poll', async () => {
  const wake = closing(eventfd(0, EFD_NONBLOCK));
  const { messages, first } = start(
    `const { PollSet, poll, eventfdDrain } = await load('io/poll.js');
     post('ready');
     const set = new PollSet([data]);
     const start = performance.now();
     const found = poll(set, -1);
     post([found, set.revents(0), eventfdDrain(data), performance.now() - start > 50]);`,
    wake,
  );
  await first;
  await new Promise((resolve) => setTimeout(resolve, 120));
  expect(eventfdWrite(wake)).toBe(8);
  expect(await messages).toEqual(['ready', [1, 1, 1, true]]);
});

test('both threads call at the same time without mixing names, results or errnos', async () => {
  const dir = tempDirectory();
  newFile(dir, 'main');
  newFile(dir, 'worker');
  const rounds = 20_000;
  const { messages, first } = start(
    `const { Statx, statx } = await load('files/statx.js');
     const { openat } = await load('files/open.js');
     const st = new Statx();
     statx(data.fd, 'worker', 0, 0x7ff, st);
     const ino = st.ino;
     let wrong = 0;
     post('ready');
     for (let i = 0; i < data.rounds; i++) {
       if (statx(data.fd, 'worker', 0, 0x7ff, st) !== 0 || st.ino !== ino) wrong++;
       if (openat(data.fd, 'worker/x', 0) !== -20) wrong++;
     }
     post(wrong);`,
    { fd: dir.fd, rounds },
  );
  await first;
  const st = new Statx();
  ok(statx(dir.fd, 'main', 0, 0x7ff, st));
  const ino = st.ino;
  let wrong = 0;
  for (let i = 0; i < rounds; i++) {
    if (statx(dir.fd, 'main', 0, 0x7ff, st) !== 0 || st.ino !== ino) wrong++;
    if (openat(dir.fd, 'none', O_RDONLY) !== -ENOENT) wrong++;
  }
  expect(wrong).toBe(0);
  expect(await messages).toEqual(['ready', 0]);
});

test.runIf(hasCapability(CAP_SETUID) && hasCapability(CAP_SETPCAP))(
  "keepCapabilities() keeps them while fsuid is another; fsuid, umask and thread id are the thread's own",
  async () => {
    const dir = tempDirectory();
    const { messages } = start(
      `const p = await load('process/process.js');
       const { mkdirat } = await load('files/directory.js');
       const { umask } = await load('files/inode.js');
       const { Statx, statx } = await load('files/statx.js');
       const CAP_FOWNER = 3;
       p.setfsuid(1234);
       const dropped = p.hasCapability(CAP_FOWNER);
       p.setfsuid(0);
       const kept = p.keepCapabilities();
       const before = [p.setfsuid(1234), p.setfsgid(1235), p.hasCapability(CAP_FOWNER)];
       const unshared = p.unshareFs();
       umask(0);
       const made = mkdirat(data, 'd', 0o777);
       const st = new Statx();
       statx(data, 'd', 0, 0x7ff, st);
       post([dropped, kept, ...before, unshared, made, st.uid, st.gid, st.mode & 0o777]);`,
      dir.fd,
    );
    const [found] = await messages;
    expect(found).toEqual([false, 0, 0, 0, true, 0, 0, 1234, 1235, 0o777]);
    expect(setfsuid(-1)).toBe(process.geteuid!());
  },
);
