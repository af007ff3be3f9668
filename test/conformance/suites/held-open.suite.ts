/**
 * What an open descriptor and its maps see when another process changes the file: everything, on one file system. Over
 * layers the change moves the file to upper first.
 */

import { expect } from 'vitest';
import { dir, file, hardlink, layers } from '../../helpers/layers.js';
import { type Fs, outcome } from '../../helpers/operator-client.js';
import {
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  LOCK_EX,
  LOCK_NB,
  MAP_PRIVATE,
  MAP_SHARED,
  O_APPEND,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  PROT_READ,
  PROT_WRITE,
  SEEK_END,
} from '../../helpers/test-constants.js';
import type { Case, Suite } from '../suite.js';

const PAGE = 4096;
const SIZE = 2 * PAGE;
const LARGE = 3 * 2 ** 20;

interface Change {
  /** Ends 'sees ...'. */
  readonly what: string;
  readonly make: (other: Fs) => Promise<void>;
  /** What the file `f` begins with afterwards; by default UPPER and the length that it had. */
  readonly starts?: string;
  readonly size?: number;
  /** Bytes of the file before; a large one is copied up by a helper thread of plyfs. */
  readonly sizeBefore?: number;
}

const changes: Change[] = [
  { what: 'a write', make: (other) => other.writeFile('f', 'UPPER', O_WRONLY) },
  {
    what: 'a write into a large file',
    make: (other) => other.writeFile('f', 'UPPER', O_RDWR),
    sizeBefore: LARGE,
  },
  {
    what: 'an append',
    make: (other) => other.writeFile('f', 'more', O_WRONLY | O_APPEND),
    starts: 'lower',
    size: SIZE + 4,
  },
  {
    what: 'an open that empties it, and a write',
    make: (other) => other.writeFile('f', 'UPPER'.repeat(1000), O_WRONLY | O_TRUNC),
    size: 5000,
  },
  {
    what: 'a truncation through another descriptor, and a write',
    async make(other) {
      const fd = await other.open('f', O_RDWR);
      await other.ftruncate(fd, 0);
      await other.ftruncate(fd, SIZE - 1);
      await other.write(fd, 'UPPER', 0);
    },
    size: SIZE - 1,
  },
  {
    what: 'a chmod, and a write',
    async make(other) {
      await other.chmod('f', 0o600);
      await other.writeFile('f', 'UPPER', O_WRONLY);
    },
  },
  {
    what: 'a rename, and a write by the new name',
    async make(other) {
      await other.rename('f', 'g');
      await other.writeFile('g', 'UPPER', O_WRONLY);
    },
  },
  {
    what: 'a rename over it, of a link made before, and a write',
    async make(other) {
      await other.link('f', 'g');
      await other.rename('g', 'f');
      await other.unlink('g');
      await other.writeFile('f', 'UPPER', O_WRONLY);
    },
  },
  {
    what: 'a write after the name went',
    async make(other) {
      const fd = await other.open('f', O_RDWR);
      await other.unlink('f');
      await other.write(fd, 'UPPER', 0);
    },
  },
  { what: 'a write by another of its names', make: (other) => other.writeFile('h', 'UPPER', O_WRONLY) },
  {
    what: 'a write through a shared map',
    async make(other) {
      const fd = await other.open('f', O_RDWR);
      await other.mapWrite(await other.mmap(fd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED), 0, 'UPPER');
    },
  },
  {
    what: 'a hole punched into it',
    async make(other) {
      const fd = await other.open('f', O_RDWR);
      await other.fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE);
    },
    starts: '\0\0\0\0\0',
  },
  {
    what: 'a range copied into it',
    async make(other) {
      await other.writeFile('from', 'UPPER');
      const [from, to] = [await other.open('from'), await other.open('f', O_RDWR)];
      expect(await other.copyFileRange(from, 0, to, 0, 5)).toBe(5);
    },
  },
];

const layersOf = ({ sizeBefore = SIZE }: Change) =>
  layers(dir({ f: file('lower'.padEnd(sizeBefore, '.')), h: hardlink('f') }));

const cases: Case[] = [
  ...changes.map(
    (change): Case => ({
      name: `a descriptor open for reading sees ${change.what}`,
      layers: layersOf(change),
      async run(fs, t) {
        const fd = await fs.open('f', O_RDONLY);
        expect((await fs.read(fd, 5, 0)).toString()).toBe('lower');
        const { ino } = await fs.fstat(fd);
        await change.make(await t.other());
        const size = change.size ?? change.sizeBefore ?? SIZE;
        expect((await fs.read(fd, 5, 0)).toString()).toBe(change.starts ?? 'UPPER');
        expect(await fs.fstat(fd)).toMatchObject({ size, ino });
        expect(await fs.lseek(fd, 0, SEEK_END)).toBe(size);
        expect((await fs.read(fd, 10, size - 4)).length).toBe(4);
      },
    }),
  ),
  ...changes.map(
    (change): Case => ({
      name: `maps made before show ${change.what}`,
      layers: layersOf(change),
      async run(fs, t) {
        const fd = await fs.open('f', O_RDONLY);
        const shared = await fs.mmap(fd, PAGE, PROT_READ, MAP_SHARED);
        const own = await fs.mmap(fd, PAGE, PROT_READ, MAP_PRIVATE);
        await fs.close(fd);
        expect(await fs.mapRead(shared, 0, 5)).toBe('lower');
        expect(await fs.mapRead(own, 0, 5)).toBe('lower');
        await change.make(await t.other());
        expect(await fs.mapRead(shared, 0, 5)).toBe(change.starts ?? 'UPPER');
        expect(await fs.mapRead(own, 0, 5)).toBe(change.starts ?? 'UPPER');
      },
    }),
  ),
  {
    name: 'a private map keeps the page that it changed',
    layers: layers(dir({ f: file('lower'.padEnd(SIZE, '.')) })),
    async run(fs, t) {
      const map = await fs.mmap(await fs.open('f'), PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
      await fs.mapWrite(map, 100, 'mine');
      await (await t.other()).writeFile('f', 'UPPER', O_WRONLY);
      expect(await fs.mapRead(map, 0, 5)).toBe('lower');
      expect(await fs.readFile('f')).toMatch(/^UPPER\.+$/);
    },
  },
  {
    name: 'an open descriptor is opened again for reading through /proc/self/fd',
    layers: layers(dir({ f: file('lower') })),
    async run(fs, t) {
      const fd = await fs.open('f');
      await (await t.other()).writeFile('f', 'UPPER', O_WRONLY);
      const again = await fs.open({ fd }, O_RDONLY);
      expect(['lower', 'UPPER']).toContain((await fs.read(again, 10, 0)).toString());
      expect((await fs.fstat(again)).ino).toBe((await fs.fstat(fd)).ino);
    },
  },
  {
    name: 'opened again for reading through /proc/self/fd, it sees what was written since',
    layers: layers(dir({ f: file('lower'), h: hardlink('f') })),
    async run(fs, t) {
      const fd = await fs.open('f');
      await (await t.other()).writeFile('h', 'UPPER', O_WRONLY);
      expect((await fs.read(await fs.open({ fd }), 10, 0)).toString()).toBe('UPPER');
    },
  },
  {
    name: 'a descriptor open for reading is opened again for writing through /proc/self/fd',
    layers: layers(dir({ f: file('lower') })),
    async run(fs, t) {
      const fd = await fs.open('f');
      const again = await fs.open({ fd }, O_RDWR);
      await fs.write(again, 'VIAFD', 0);
      expect((await fs.read(fd, 10, 0)).toString()).toBe('VIAFD');
      expect(await (await t.other()).readFile('f')).toBe('VIAFD');
    },
  },
  {
    name: 'it is opened again for writing after another wrote',
    layers: layers(dir({ f: file('lower') })),
    async run(fs, t) {
      const fd = await fs.open('f');
      await (await t.other()).writeFile('f', 'UPPER', O_WRONLY);
      await fs.write(await fs.open({ fd }, O_WRONLY | O_APPEND), '+');
      expect(await fs.readFile('f')).toBe('UPPER+');
    },
  },
  {
    name: 'a lock of a descriptor from before excludes those who open the file later',
    layers: layers(dir({ f: file('lower') })),
    async run(fs, t) {
      const other = await t.other();
      await fs.flock(await fs.open('f'), LOCK_EX);
      const writer = await other.open('f', O_RDWR);
      expect(await outcome(other.flock(writer, LOCK_EX | LOCK_NB))).toBe('EAGAIN');
    },
  },
  {
    name: 'many who hold a file open see each of many appends',
    layers: layers(dir({ f: file('') })),
    async run(fs, t) {
      const other = await t.other();
      const readers = [await fs.open('f'), await other.open('f'), await fs.open('f', O_RDWR)];
      const writer = await other.open('f', O_WRONLY | O_APPEND);
      for (let count = 1; count <= 20; count++) {
        await other.write(writer, `line ${count}\n`);
        const seen = await Promise.all([
          fs.read(readers[0]!, 1000, 0),
          other.read(readers[1]!, 1000, 0),
          fs.read(readers[2]!, 1000, 0),
        ]);
        for (const text of seen) expect(text.toString().split('\n').length).toBe(count + 1);
      }
    },
  },
  {
    name: 'a file changed and closed is read as it is by those who open it then',
    layers: layers(dir({ f: file('lower'.padEnd(SIZE, '.')) })),
    async run(fs, t) {
      const other = await t.other();
      for (let round = 0; round < 3; round++) {
        const before = await fs.readFile('f');
        const fd = await other.open('f', O_RDWR);
        const map = await other.mmap(fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
        await other.mapWrite(map, 0, `map ${round}`);
        await other.munmap(map);
        await other.write(fd, `write ${round}`, PAGE);
        await other.close(fd);
        const after = await fs.readFile('f');
        expect(after).not.toBe(before);
        expect(after.slice(0, 5)).toBe(`map ${round}`);
        expect(after.slice(PAGE, PAGE + 7)).toBe(`write ${round}`);
      }
    },
  },
];

export const heldOpen: Suite = { name: 'held-open', cases };
