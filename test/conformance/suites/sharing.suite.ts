/** Two processes on one file: shared maps, flock and fcntl locks. */

import { expect } from 'vitest';
import { dir, file, layers } from '../../helpers/layers.js';
import { outcome } from '../../helpers/operator-client.js';
import {
  F_RDLCK,
  F_UNLCK,
  F_WRLCK,
  LOCK_EX,
  LOCK_NB,
  LOCK_SH,
  LOCK_UN,
  MAP_PRIVATE,
  MAP_SHARED,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  PROT_READ,
  PROT_WRITE,
} from '../../helpers/test-constants.js';
import type { Case, Suite } from '../suite.js';

const PAGE = 4096;
const BOTH = PROT_READ | PROT_WRITE;

const cases: Case[] = [
  {
    name: 'two shared maps of a file see each other, and read and write see them',
    async run(fs, t) {
      const other = await t.other();
      await fs.writeFile('f', 'a'.repeat(2 * PAGE));
      const mine = await fs.open('f', O_RDWR);
      const theirs = await other.open('f', O_RDWR);
      const myMap = await fs.mmap(mine, 2 * PAGE, BOTH, MAP_SHARED);
      const theirMap = await other.mmap(theirs, 2 * PAGE, BOTH, MAP_SHARED);
      await fs.mapWrite(myMap, 100, 'from me');
      expect(await other.mapRead(theirMap, 100, 7)).toBe('from me');
      await other.mapWrite(theirMap, PAGE, 'from them');
      expect((await fs.read(mine, 9, PAGE)).toString()).toBe('from them');
      await fs.write(mine, 'by write', 200);
      expect(await other.mapRead(theirMap, 200, 8)).toBe('by write');
      await fs.msync(myMap);
      expect((await other.readFile('f')).slice(100, 107)).toBe('from me');
    },
  },
  {
    name: 'a shared map of a lower file opened for writing lands in the union, not in the layer',
    layers: layers(dir({ f: file('lower '.repeat(1000)) })),
    async run(fs, t) {
      const fd = await fs.open('f', O_RDWR);
      const map = await fs.mmap(fd, PAGE, BOTH, MAP_SHARED);
      expect(await fs.mapRead(map, 0, 5)).toBe('lower');
      await fs.mapWrite(map, 0, 'UPPER');
      await fs.msync(map);
      await fs.munmap(map);
      await fs.close(fd);
      await t.remount();
      expect((await fs.readFile('f')).slice(0, 11)).toBe('UPPER lower');
    },
  },
  {
    name: 'a private map keeps its writes to itself',
    layers: layers(dir({ f: file('lower '.repeat(1000)) })),
    async run(fs) {
      const map = await fs.mmap(await fs.open('f', O_RDONLY), PAGE, BOTH, MAP_PRIVATE);
      await fs.mapWrite(map, 0, 'MINE!');
      expect((await fs.readFile('f')).slice(0, 5)).toBe('lower');
      expect(await fs.mapRead(map, 0, 5)).toBe('MINE!');
    },
  },
  {
    name: 'a map outlives close and unlink',
    async run(fs) {
      await fs.writeFile('f', 'x'.repeat(PAGE));
      const fd = await fs.open('f', O_RDWR);
      const map = await fs.mmap(fd, PAGE, BOTH, MAP_SHARED);
      await fs.close(fd);
      await fs.unlink('f');
      await fs.mapWrite(map, 5, 'still');
      await fs.msync(map);
      expect(await fs.mapRead(map, 4, 7)).toBe('xstillx');
    },
  },
  {
    name: 'a shared writable map wants a descriptor open for both',
    async run(fs) {
      await fs.writeFile('f', 'x');
      const reader = await fs.open('f', O_RDONLY);
      const writer = await fs.open('f', O_WRONLY);
      expect(await outcome(fs.mmap(reader, PAGE, BOTH, MAP_SHARED))).toBe('EACCES');
      expect(await outcome(fs.mmap(writer, PAGE, PROT_READ, MAP_SHARED))).toBe('EACCES');
    },
  },
  {
    name: 'flock excludes other processes and other opens, not readers from readers',
    layers: layers(dir({ f: file('x') })),
    async run(fs, t) {
      const other = await t.other();
      const mine = await fs.open('f', O_RDWR);
      const again = await fs.open('f', O_RDWR);
      const theirs = await other.open('f', O_RDWR);
      await fs.flock(mine, LOCK_EX);
      expect(await outcome(other.flock(theirs, LOCK_EX | LOCK_NB))).toBe('EAGAIN');
      expect(await outcome(fs.flock(again, LOCK_SH | LOCK_NB))).toBe('EAGAIN');
      await fs.flock(mine, LOCK_SH);
      expect(await outcome(other.flock(theirs, LOCK_SH | LOCK_NB))).toBe('ok');
      expect(await outcome(fs.flock(mine, LOCK_EX | LOCK_NB))).toBe('EAGAIN');
      await other.flock(theirs, LOCK_UN);
      expect(await outcome(fs.flock(mine, LOCK_EX | LOCK_NB))).toBe('ok');
    },
  },
  {
    name: 'a process that waits for a flock gets it when the other closes',
    async run(fs, t) {
      const other = await t.other();
      const mine = await fs.open('f', O_RDWR | O_CREAT);
      const theirs = await other.open('f', O_RDWR);
      await fs.flock(mine, LOCK_EX);
      let got = false;
      const waiting = other.flock(theirs, LOCK_EX).then(() => {
        got = true;
      });
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(got).toBe(false);
      await fs.close(mine);
      await waiting;
      expect(got).toBe(true);
    },
  },
  {
    name: 'fcntl locks exclude ranges between processes and name the holder',
    layers: layers(dir({ f: file('x'.repeat(100)) })),
    async run(fs, t) {
      const other = await t.other();
      const mine = await fs.open('f', O_RDWR);
      const theirs = await other.open('f', O_RDWR);
      await fs.setLock(mine, F_WRLCK, 10, 20);
      expect(await outcome(other.setLock(theirs, F_WRLCK, 25, 10))).toBe('EAGAIN');
      expect(await outcome(other.setLock(theirs, F_WRLCK, 30, 10))).toBe('ok');
      expect(await other.getLock(theirs, F_RDLCK, 0, 15)).toMatchObject({
        type: F_WRLCK,
        start: 10,
        length: 20,
        pid: await fs.pid(),
      });
      await fs.setLock(mine, F_UNLCK, 15, 15);
      expect(await outcome(other.setLock(theirs, F_WRLCK, 20, 5))).toBe('ok');
      expect(await fs.getLock(mine, F_WRLCK, 0, 5)).toBeUndefined();
    },
  },
  {
    name: 'fcntl locks wait, are shared by readers, and go when the process closes any descriptor',
    async run(fs, t) {
      const other = await t.other();
      const mine = await fs.open('f', O_RDWR | O_CREAT);
      const theirs = await other.open('f', O_RDWR);
      await fs.setLock(mine, F_RDLCK, 0, 0);
      expect(await outcome(other.setLock(theirs, F_RDLCK, 0, 0))).toBe('ok');
      await other.setLock(theirs, F_UNLCK, 0, 0);
      const waiting = other.waitLock(theirs, F_WRLCK, 0, 10);
      await fs.close(await fs.open('f'));
      await waiting;
      expect(await outcome(fs.setLock(mine, F_RDLCK, 0, 5))).toBe('EAGAIN');
    },
  },
  {
    name: 'locks of open files part two opens of one process, and stay when another descriptor is closed',
    layers: layers(dir({ f: file('x'.repeat(100)) })),
    async run(fs) {
      const [mine, again] = [await fs.open('f', O_RDWR), await fs.open('f', O_RDWR)];
      await fs.setFileLock(mine, F_WRLCK, 10, 20);
      expect(await outcome(fs.setFileLock(again, F_RDLCK, 25, 10))).toBe('EAGAIN');
      expect(await outcome(fs.setLock(again, F_RDLCK, 25, 10))).toBe('EAGAIN');
      await fs.close(await fs.open('f'));
      expect(await outcome(fs.setFileLock(again, F_RDLCK, 25, 10))).toBe('EAGAIN');
      await fs.close(mine);
      expect(await outcome(fs.setFileLock(again, F_RDLCK, 25, 10))).toBe('ok');
    },
  },
  {
    name: 'a signal ends the wait for a lock, and who is killed leaves none',
    layers: layers(dir({ f: file('x') })),
    async run(fs) {
      const mine = await fs.open('f', O_RDWR);
      await fs.flock(mine, LOCK_EX);
      const waited = await fs.run('timeout', '0.2', 'flock', 'f', 'true');
      expect(waited.status).toBe(124);
      await fs.flock(mine, LOCK_UN);
      expect((await fs.run('sh', '-c', 'exec 9< f; flock -x 9 && kill -9 $$')).status).toBeNull();
      expect(await outcome(fs.flock(mine, LOCK_EX | LOCK_NB))).toBe('ok');
    },
  },
];

export const sharing: Suite = { name: 'sharing', cases };
