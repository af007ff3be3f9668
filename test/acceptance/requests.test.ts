/** What the kernel answers by itself: reads and writes of files, and all of a tree that it has seen. */

import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Tree } from './many-files.js';

const DIRECTORIES = 30;
let tree: Tree;

beforeAll(() => {
  tree =
    new Tree(`for d in {1..${DIRECTORIES}}; do mkdir d$d; for f in {1..40}; do echo $f > d$d/f$f; done; done
    head -c 3M /dev/urandom > data`);
});
afterAll(() => tree.dispose());

describe('find over the tree', () => {
  it('asks nothing once the kernel knows the tree, but what it does not cache', async () => {
    await tree.requestsOf('find . -ls > /dev/null');
    const second = await tree.requestsOf('find . > /dev/null');
    // fuse_readdir_uncached() marks a directory's atime unknown: one question each, the first time it is looked at again.
    expect(second.GETATTR ?? 0).toBeLessThanOrEqual(DIRECTORIES + 1);
    const { STATFS: _, GETXATTR: __, GETATTR: ___, ...rest } = second;
    expect(rest).toEqual({});
    const {
      STATFS: ____,
      GETXATTR: _____,
      ...third
    } = await tree.requestsOf('find . -newer data > /dev/null');
    expect(third).toEqual({});
  });
});

describe('passthrough', () => {
  it('reads and writes files of upper without READ and WRITE', async () => {
    const counts =
      await tree.requestsOf(`head -c 3M /dev/zero > made; cp made copy; echo x >> data; cmp -n 1000 made copy
      cat data > /dev/null; dd if=copy of=other bs=64k conv=fsync status=none; cat data other > /dev/null; rm other`);
    expect(counts).not.toHaveProperty('READ');
    expect(counts).not.toHaveProperty('WRITE');
    expect(counts.OPEN).toBeGreaterThan(0);
  });

  it.each([
    ['a layer file is opened a second time', 'exec 3< d1/f1', 'exec 3< mnt/d1/f1; exec 3<&-'],
    ['a layer file is synced', 'exec 3< d1/f2', 'sync mnt/d1/f2; sync -d mnt/d1/f2'],
  ])('without a syscall but the reply %s', (_, first, script) => {
    if (!existsSync('/usr/bin/strace')) return;
    tree.inside(first);
    expect(callsOfDaemon(script)).toEqual(['read', 'write']);
  });
});

/** Syscalls of the daemon while the script runs, but for waiting. */
function callsOfDaemon(script: string): string[] {
  const trace = tree.shell(
    '.',
    `strace -f -qq -e trace='!futex,restart_syscall' -o trace -p ${tree.pid()} & tracer=$!
    while grep -qs '^TracerPid:.0$' /proc/${tree.pid()}/task/*/status; do sleep 0.05; done
    ${script}; sleep 0.3; kill $tracer; wait $tracer || true; cat trace`,
  );
  const calls = trace.split('\n').flatMap((line) => /^\d+ +(\w+)\(/.exec(line)?.[1] ?? []);
  // statfs: some df of another on this machine.
  const waiting = ['poll', 'sched_yield', 'epoll_wait', 'epoll_pwait', 'fstatfs'];
  // V8 compiles, and the helper of the first change starts, when the machine lets them.
  const memory = ['getpid', 'madvise', 'mmap', 'mprotect', 'munmap'];
  const noise = [...waiting, ...memory];
  return [...new Set(calls)].sort().filter((call) => !noise.includes(call));
}
