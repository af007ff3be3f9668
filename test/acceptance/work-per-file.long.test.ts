/** What a file costs in each workload: requests of the kernel, and syscalls of the daemon beside reading requests and answering them. */

import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Tree } from './many-files.js';

const FILES = 400;

/** What each copy-up takes; a look more where a helper thread copies, as while the disk is slow. */
const COPY_UP = {
  openat: 1.2,
  close: 1.2,
  ftruncate: 1.1,
  linkat: 1.1,
  utimensat: 2.2,
  fchownat: 1.1,
  name_to_handle_at: 1.1,
  setxattrat: 2.1,
  listxattrat: 1.1,
  fchmodat2: 1.1,
  file_getattr: 1.1,
};

/** A workload, by $TREE a directory of its own with 4 times 100 small files in the layer; the most requests and syscalls that a file takes. */
const workloads = [
  ['a removal of layer files', 'rm -r $TREE', 3.2, { statx: 4.4, linkat: 1.1, unlinkat: 1.1 }],
  [
    'a removal of new files',
    'rm -r new-$TREE',
    3.2,
    { statx: 4.4, openat: 1.2, unlinkat: 1.1, close: 1.2, ioctl: 1.1 },
    'cp -r $TREE new-$TREE',
  ],
  [
    'an unpacked archive',
    'tar xf ../lower/$TREE.tar',
    9.4,
    { statx: 6.4, openat: 1.1, open_tree: 1, ioctl: 1.1, close: 2.1, utimensat: 1.1, fchownat: 1.1 },
  ],
  [
    'a creation',
    'for f in {1..400}; do echo > $TREE/new$f; done',
    5.2,
    { statx: 4.2, openat: 1.1, open_tree: 1, ioctl: 1.1, close: 2.1 },
  ],
  [
    'a second write',
    'for f in {1..400}; do echo 1 > $TREE/new$f; done',
    2.2,
    { statx: 2.2, openat: 1.1, ftruncate: 1.1, close: 1.1, fstatfs: 1.1 },
    'for f in {1..400}; do echo > $TREE/new$f; done',
  ],
  ['a read of a known file', 'cat $TREE/*/* > /dev/null', 2.2, {}, 'cat $TREE/*/* > /dev/null'],
  [
    'a look at what is missing',
    'for f in {1..400}; do [ ! -e $TREE/gone$f ]; done',
    0.2,
    {},
    'for f in {1..400}; do [ ! -e $TREE/gone$f ]; done',
  ],
  [
    'a chown of new files',
    'chown -R 1:1 new-$TREE',
    2.2,
    { statx: 1.4, fchownat: 1.1 },
    'cp -r $TREE new-$TREE',
  ],
  ['a chown of layer files', 'chown -R 1:1 $TREE', 3.2, { ...COPY_UP, statx: 8.4, fchownat: 2.1 }],
  [
    'an append to layer files',
    'for f in $TREE/*/*; do echo x >> $f; done',
    4.2,
    {
      ...COPY_UP,
      statx: 7.4,
      openat: 3.2,
      close: 3.2,
      lseek: 2.1,
      copy_file_range: 1.1,
      fdatasync: 1.1,
      fstatfs: 1.1,
      ioctl: 2.1,
    },
  ],
] as const;

/** Calls whose count is no file's; getrusage(2) is asked of looks that took long, and under strace all do. */
const QUIET =
  'futex,sched_yield,epoll_wait,epoll_pwait,mprotect,madvise,munmap,mmap,getpid,restart_syscall,read,write,getrusage';
let tree: Tree;

beforeAll(() => {
  tree = new Tree(`for t in {0..${workloads.length - 1}}; do
    for d in {1..4}; do mkdir -p t$t/d$d; for f in {1..100}; do echo $f > t$t/d$d/f$f; done; done
    mkdir un; cp -a t$t un; (cd un; mv t$t x$t; tar cf ../t$t.tar x$t); rm -r un
  done`);
  // What helper threads load is no file's.
  tree.inside('touch warm; sleep 0.1; rm warm');
}, 120_000);
afterAll(() => tree.dispose());

describe.skipIf(!existsSync('/usr/bin/strace'))('for each file', () => {
  it.each(
    workloads.map((one, number) => [...one, number] as const),
  )('%s takes no more than it needs', async (_, script, mostRequests, most, ...rest) => {
    const number = rest.at(-1) as number;
    const prepare = typeof rest[0] === 'string' ? rest[0] : 'true';
    const named = (text: string): string => `TREE=t${number}; ${text}`;
    tree.inside(named(prepare));
    const before = await tree.requests();
    const calls = callsOf(named(script));
    const after = await tree.requests();
    const total = (counts: Readonly<Record<string, number>>): number =>
      Object.entries(counts).reduce((sum, [, count]) => sum + count, 0);
    expect((total(after) - total(before)) / FILES).toBeLessThanOrEqual(mostRequests);
    const perFile = [...calls].map(([name, count]) => [name, count / FILES] as const);
    for (const [name, count] of perFile)
      expect(count, name).toBeLessThanOrEqual((most as Readonly<Record<string, number>>)[name] ?? 0.3);
  });
});

/** Syscalls of the daemon while the script runs. */
function callsOf(script: string): Map<string, number> {
  tree.shell(
    '.',
    `strace -f -qq -c -U name,calls -e trace='!${QUIET}' -o trace -p ${tree.pid()} & tracer=$!
    while grep -qs '^TracerPid:.0$' /proc/${tree.pid()}/task/*/status; do sleep 0.05; done
    (cd mnt; ${script}); sleep 0.3; kill -INT $tracer; wait $tracer || true`,
  );
  const lines = readFileSync(`${tree.root}/trace`, 'utf8').split('\n');
  const found = lines.flatMap((line) => {
    const match = /^(\w+)\s+(\d+)$/.exec(line.trim());
    return match === null || match[1] === 'total' ? [] : [[match[1]!, Number(match[2])] as const];
  });
  return new Map(found);
}
