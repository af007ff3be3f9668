/**
 * A file of a layer held open while it changes: what programs see of it, what that costs in requests, and what
 * `-o passthrough=all` does instead, exactly. The suite `held-open` has the cases; without passthrough: user.long.test.ts.
 */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Fs, Operator, outcome } from '../helpers/operator-client.js';
import {
  LOCK_EX,
  LOCK_NB,
  MAP_PRIVATE,
  MAP_SHARED,
  O_APPEND,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  PROT_READ,
  SEEK_END,
} from '../helpers/test-constants.js';
import { Tree } from './many-files.js';

const PAGE = 4096;
/** Node has no name for ESTALE. */
const STALE = 'Unknown system error -116';

interface Held {
  readonly fd: number;
  readonly shared: bigint;
  readonly own: bigint;
}

async function hold(fs: Fs, name: string): Promise<Held> {
  const fd = await fs.open(name, O_RDONLY);
  const shared = await fs.mmap(fd, PAGE, PROT_READ, MAP_SHARED);
  const own = await fs.mmap(fd, PAGE, PROT_READ, MAP_PRIVATE);
  expect(await seenBy(fs, { fd, shared, own })).toEqual(['lower', 'lower', 'lower']);
  return { fd, shared, own };
}

async function seenBy(fs: Fs, held: Held): Promise<string[]> {
  return [
    (await fs.read(held.fd, 5, 0)).toString(),
    await fs.mapRead(held.shared, 0, 5),
    await fs.mapRead(held.own, 0, 5),
  ];
}

async function readAgain(fs: Fs, { fd }: Held): Promise<string> {
  return (await fs.read(await fs.open({ fd }, O_RDONLY), 5, 0)).toString();
}

describe('with -o passthrough=all', () => {
  let tree: Tree;
  let operator: Operator;
  let writer: Operator;
  let fs: Fs;
  let other: Fs;

  beforeEach(async () => {
    const layer = 'printf "%-8192s" lower > f; cp f g; cp f h; ln h h2; ln h h3';
    tree = new Tree(layer, ['-o', 'passthrough=all']);
    operator = await Operator.start();
    writer = await Operator.start();
    fs = operator.fs(tree.mountpoint);
    other = writer.fs(tree.mountpoint);
  });
  afterEach(async () => {
    await operator.stop();
    await writer.stop();
    tree.dispose();
  });

  it('descriptor and maps keep the data of the layer, and tell the attributes of the file', async () => {
    const held = await hold(fs, 'f');
    const { ino } = await fs.fstat(held.fd);
    await other.writeFile('f', 'UPPER', O_WRONLY);
    await other.writeFile('f', 'more', O_WRONLY | O_APPEND);
    expect(await seenBy(fs, held)).toEqual(['lower', 'lower', 'lower']);
    expect((await fs.read(held.fd, 10, 8192)).length).toBe(0);
    expect(await fs.fstat(held.fd)).toMatchObject({ ino, size: 8196 });
    expect(await fs.lseek(held.fd, 0, SEEK_END)).toBe(8196);
    expect(await fs.readFile('f')).toMatch(/^UPPER *more$/);
  });

  it('opened again through /proc/self/fd it reads the data of the layer, and cannot be written', async () => {
    const held = await hold(fs, 'f');
    expect(await outcome(fs.open({ fd: held.fd }, O_RDWR))).toBe(STALE);
    await other.writeFile('f', 'UPPER', O_WRONLY);
    expect(await readAgain(fs, held)).toBe('lower');
    expect(await outcome(fs.open({ fd: held.fd }, O_RDWR))).toBe(STALE);
    expect(await outcome(fs.open({ fd: held.fd }, O_WRONLY | O_APPEND))).toBe(STALE);
    expect(await fs.readFile('f')).toMatch(/^UPPER/);
  });

  it('a lock of before does not keep out who opens the file after its first change', async () => {
    const { fd } = await hold(fs, 'g');
    await fs.flock(fd, LOCK_EX);
    const opened = await other.open('g', O_RDWR);
    expect(await outcome(other.flock(opened, LOCK_EX | LOCK_NB))).toBe('ok');
  });

  it('a file with several names shows what was written by each of them, to who opens it by name', async () => {
    const held = await hold(fs, 'h2');
    await other.writeFile('h', 'UPPER', O_WRONLY);
    expect(await fs.readFile('h2')).toMatch(/^UPPER/);
    expect(await fs.readFile('h3')).toMatch(/^UPPER/);
    expect(await seenBy(fs, held)).toEqual(['lower', 'lower', 'lower']);
  });

  it('one with several names is read again through /proc/self/fd, also when it is opened by name between', async () => {
    const held = await hold(fs, 'h2');
    await fs.close(await fs.open('h3'));
    await other.writeFile('h', 'UPPER', O_WRONLY);
    expect(await readAgain(fs, held)).toBe('lower');
    expect(await fs.readFile('h3')).toMatch(/^UPPER/);
    expect(await readAgain(fs, held)).toBe('lower');
    expect(await fs.readFile('h2')).toMatch(/^UPPER/);
    expect(await readAgain(fs, held)).toBe('lower');
    expect(await outcome(fs.open({ fd: held.fd }, O_RDWR))).toBe(STALE);
  });
});

describe('a layer that is read while it changes', () => {
  let tree: Tree;

  beforeAll(() => {
    const layer = `mkdir small; for f in {1..40}; do echo $f > small/f$f; done; echo first > log; echo 1 > watched
      echo 1 > locked; cp /bin/true program; cp /bin/true library.so.1; chmod 644 library.so.1; chmod 755 small/f1
      printf '#!/bin/sh\necho old\n' > script; chmod 755 script; head -c 8M /dev/zero > big
      printf '%-8192s' lower > data`;
    tree = new Tree(layer, ['-v', 'data:/vol']);
  });
  afterAll(() => tree.dispose());

  it('tail -f follows a log of the layer', () => {
    const seen = tree.shell(
      '.',
      `tail -n +1 -s 0.05 -f mnt/log > seen & tail=$!
      trap 'kill $tail' EXIT
      until grep -q first seen; do sleep 0.02; done
      for n in 1 2 3; do
        echo line $n >> mnt/log
        until grep -q "line $n" seen; do sleep 0.02; done
      done
      cat seen`,
    );
    expect(seen).toBe('first\nline 1\nline 2\nline 3\n');
  });

  it('inotify tells who has the file open of each change, as on overlayfs', () => {
    const script = [
      'import ctypes, os, struct',
      'libc = ctypes.CDLL(None, use_errno=True)',
      "held = os.open('watched', os.O_RDONLY)",
      'queue = libc.inotify_init1(0)',
      "libc.inotify_add_watch(queue, b'watched', 0xfff)",
      "with open('watched', 'a') as file: file.write('2')",
      "os.chmod('watched', 0o600)",
      "os.truncate('watched', 1)",
      'seen = set()',
      'while seen < {2, 4, 8}: # MODIFY, ATTRIB, CLOSE_WRITE',
      '    data = os.read(queue, 4096)',
      "    seen.add(struct.unpack_from('iIII', data)[1]) if len(data) == 16 else [",
      "        seen.add(struct.unpack_from('iIII', data, at)[1]) for at in range(0, len(data), 16)]",
      'print(sorted(seen & {2, 4, 8}), os.read(held, 9), os.fstat(held).st_size)',
    ].join('\n');
    expect(tree.inside(`timeout 10 python3 -c "${script}"`)).toBe("[2, 4, 8] b'1' 1\n");
  });

  it('SQLite reads what was written after it had opened the database of the layer', () => {
    const script = [
      'import sqlite3',
      "reader = sqlite3.connect('file:small/db?mode=ro', uri=True)",
      "count = lambda one: one.execute('select count(*) from t').fetchone()[0]",
      'before = count(reader)',
      "writer = sqlite3.connect('small/db', isolation_level=None)",
      "writer.execute('delete from t where id % 3 = 0')",
      "writer.execute('pragma wal_checkpoint(restart)')",
      "writer.execute('insert into t(v) select v from t limit 300')",
      'print(before, count(writer), count(reader))',
    ].join('\n');
    const make = [
      'import sqlite3',
      "made = sqlite3.connect('db')",
      "made.execute('pragma journal_mode=wal')",
      "made.execute('create table t(id integer primary key, v)')",
      "made.executemany('insert into t(v) values(?)', (('x' * 300,) for _ in range(6000)))",
      'made.commit()',
      'made.close()',
    ].join('\n');
    const own = new Tree(`mkdir small; cd small; python3 -c "${make}"`);
    try {
      expect(own.inside(`timeout 10 python3 -c "${script}"`)).toBe('6000 4300 4300\n');
    } finally {
      own.dispose();
    }
  });

  it.each([
    ['flock', 'fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)', 'fcntl.flock(held, fcntl.LOCK_SH)'],
    ['fcntl', 'fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)', 'fcntl.lockf(held, fcntl.LOCK_SH)'],
  ])('%s: a reader of before keeps a later writer out', (_, exclusive, shared) => {
    const script = [
      'import fcntl, os',
      "held = os.open('locked', os.O_RDONLY)",
      shared,
      'if os.fork() == 0:',
      "    fd = os.open('locked', os.O_RDWR | os.O_APPEND)",
      "    os.write(fd, b'2')",
      '    try:',
      `        ${exclusive}`,
      "        print('taken', flush=True)",
      "    except BlockingIOError: print('held', flush=True)",
      '    os._exit(0)',
      'os.wait()',
    ].join('\n');
    expect(tree.inside(`timeout 10 python3 -c "${script}"`)).toBe('held\n');
  });

  it('is read through the daemon once, with a request of up to a MiB; what lies in upper not at all', async () => {
    // Small files come with the answer to their open; unless somebody on this machine drops all caches just then.
    const cold = [];
    for (const tens of ['f1?', 'f2?', 'f3?'])
      cold.push(await tree.requestsOf(`cat small/${tens} > /dev/null`));
    expect(cold.map(({ OPEN }) => OPEN)).toEqual([10, 10, 10]);
    expect(cold.map(({ READ }) => READ)).toContain(undefined);
    expect(tree.inside('cat small/f40 small/f2')).toBe('40\n2\n');
    const big = await tree.requestsOf('cat big > /dev/null');
    expect(big.READ).toBeGreaterThan(0);
    expect(big.READ).toBeLessThanOrEqual(12);
    expect(await tree.requestsOf('cat big > /dev/null')).not.toHaveProperty('READ');
    const written = await tree.requestsOf(
      'for f in small/f*; do printf 9 1<> $f; done; cat small/f* > /dev/null',
    );
    expect(written).not.toHaveProperty('READ');
    expect(written).not.toHaveProperty('WRITE');
    expect(tree.inside('cat small/f7')).toBe('9\n');
  });

  it('lets the kernel read program code by itself, by its first bytes, not by its mode', async () => {
    const counts = await tree.requestsOf('cat program library.so.1 > /dev/null; ./program');
    expect(counts.OPEN).toBeGreaterThanOrEqual(3);
    expect(counts).not.toHaveProperty('READ');
    tree.inside('./script');
    tree.inside('sed -i s/old/new/ script; sed -i s/old/new/ --in-place=.kept script');
    expect(tree.inside('./script')).toBe('new\n');
  });

  it('lets the kernel read and write files of volumes by itself', async () => {
    const counts = await tree.requestsOf('echo 1 > vol/f; echo 2 >> vol/f; cat vol/f > /dev/null');
    expect(counts.OPEN).toBeGreaterThan(0);
    expect(counts).not.toHaveProperty('READ');
    expect(counts).not.toHaveProperty('WRITE');
  });

  it('a program written in place: who has it open or maps it goes on with the old one, whole', async () => {
    const operator = await Operator.start();
    try {
      const fs = operator.fs(tree.mountpoint);
      const fd = await fs.open('library.so.1', O_RDONLY);
      const map = await fs.mmap(fd, PAGE, PROT_READ, MAP_PRIVATE);
      tree.inside('printf 12345678 1<> library.so.1');
      expect((await fs.read(fd, 4, 0)).toString('latin1')).toBe('\x7fELF');
      expect(await fs.mapRead(map, 0, 4)).toBe('\x7fELF');
      expect(tree.inside('head -c 8 library.so.1')).toBe('12345678');
      await fs.close(fd);
    } finally {
      await operator.stop();
    }
  });
});
