/**
 * A file of a layer held open while it changes, by passthrough and with `-o coherent` (without passthrough:
 * user.test.ts). The suite `held-open` has the cases; here stands what the first does instead, exactly, and what the
 * second costs in requests.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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
} from '../helpers/constants.js';
import { type Fs, Operator, outcome } from '../helpers/operator-client.js';
import { Tree } from './tree.js';

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

describe('by passthrough', () => {
  let tree: Tree;
  let operator: Operator;
  let writer: Operator;
  let fs: Fs;
  let other: Fs;

  beforeEach(async () => {
    tree = new Tree('printf "%-8192s" lower > f; cp f g; cp f h; ln h h2; ln h h3');
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

describe('with -o coherent', () => {
  let tree: Tree;

  beforeEach(() => {
    tree = new Tree('for f in {1..40}; do echo $f > f$f; done; echo first > log', ['-o', 'coherent']);
  });
  afterEach(() => tree.dispose());

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

  it('reads a file of a layer once, and one of upper not at all', async () => {
    tree.inside('cat f* > /dev/null');
    expect((await tree.requests()).READ).toBeGreaterThanOrEqual(40);
    const warm = await tree.requestsOf('cat f* > /dev/null');
    expect(warm.OPEN).toBe(40);
    expect(warm).not.toHaveProperty('READ');
    const written = await tree.requestsOf('for f in f*; do printf 9 1<> $f; cat $f > /dev/null; done');
    expect(written).not.toHaveProperty('READ');
    expect(written).not.toHaveProperty('WRITE');
    expect(tree.inside('cat f7')).toBe('9\n');
  });
});
