/** fallocate, SEEK_DATA and SEEK_HOLE, copy_file_range, statfs. */

import { expect } from 'vitest';
import { dir, file, layers, sparse } from '../../helpers/layers.js';
import { outcome } from '../../helpers/operator-client.js';
import {
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_ZERO_RANGE,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  SEEK_DATA,
  SEEK_END,
  SEEK_HOLE,
  SEEK_SET,
} from '../../helpers/test-constants.js';
import type { Case, Suite } from '../suite.js';

const KIB = 1024;
const MIB = 2 ** 20;

const cases: Case[] = [
  {
    name: 'fallocate lengthens with zeros, KEEP_SIZE only takes the space',
    layers: layers(dir({ f: file('low') })),
    async run(fs) {
      const fd = await fs.open('f', O_RDWR);
      await fs.fallocate(fd, 0, 0, 64 * KIB);
      expect((await fs.fstat(fd)).size).toBe(64 * KIB);
      expect((await fs.fstat(fd)).blocks).toBeGreaterThanOrEqual(128);
      expect((await fs.read(fd, 6, 0)).toString('latin1')).toBe('low\0\0\0');
      await fs.fallocate(fd, FALLOC_FL_KEEP_SIZE, 64 * KIB, 64 * KIB);
      expect((await fs.fstat(fd)).size).toBe(64 * KIB);
      expect((await fs.fstat(fd)).blocks).toBeGreaterThanOrEqual(256);
    },
  },
  {
    name: 'a punched hole and a zeroed range read as zeros',
    layers: layers(dir({ f: file('x'.repeat(64 * KIB)) })),
    async run(fs) {
      const fd = await fs.open('f', O_RDWR);
      await fs.fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8 * KIB, 16 * KIB);
      await fs.fallocate(fd, FALLOC_FL_ZERO_RANGE, 40 * KIB, 4 * KIB);
      const data = (await fs.read(fd, 64 * KIB, 0)).toString('latin1');
      const zeros = (n: number): string => '\0'.repeat(n * KIB);
      const kept = (n: number): string => 'x'.repeat(n * KIB);
      expect(data === kept(8) + zeros(16) + kept(16) + zeros(4) + kept(20)).toBe(true);
      expect((await fs.fstat(fd)).blocks).toBeLessThanOrEqual(96 + 16);
    },
  },
  {
    name: 'fallocate collapses and inserts ranges',
    layers: layers(dir({ f: file('a'.repeat(4 * KIB) + 'b'.repeat(4 * KIB) + 'c'.repeat(4 * KIB)) })),
    async run(fs) {
      const fd = await fs.open('f', O_RDWR);
      await fs.fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 4 * KIB, 4 * KIB);
      expect((await fs.readFile('f')) === 'a'.repeat(4 * KIB) + 'c'.repeat(4 * KIB)).toBe(true);
      await fs.fallocate(fd, FALLOC_FL_INSERT_RANGE, 0, 4 * KIB);
      expect((await fs.readFile('f')).slice(0, 5 * KIB) === '\0'.repeat(4 * KIB) + 'a'.repeat(KIB)).toBe(
        true,
      );
    },
  },
  {
    name: 'fallocate refuses wrong ranges, descriptors and flags',
    async run(fs) {
      const fd = await fs.open('f', O_RDWR | O_CREAT);
      expect(await outcome(fs.fallocate(fd, 0, 0, 0))).toBe('EINVAL');
      expect(await outcome(fs.fallocate(fd, 0, -1, 5))).toBe('EINVAL');
      expect(await outcome(fs.fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 5))).toBe('EOPNOTSUPP');
      const reader = await fs.open('f', O_RDONLY);
      expect(await outcome(fs.fallocate(reader, 0, 0, 5))).toBe('EBADF');
    },
  },
  {
    name: 'SEEK_DATA and SEEK_HOLE find the pieces of a file of a layer and of upper',
    layers: layers(
      dir({
        low: sparse(4 * MIB, [
          [MIB, 'a'],
          [3 * MIB, 'b'],
        ]),
      }),
    ),
    async run(fs) {
      const made = await fs.open('up', O_RDWR | O_CREAT);
      await fs.ftruncate(made, 4 * MIB);
      await fs.write(made, 'a', MIB);
      await fs.write(made, 'b', 3 * MIB);
      for (const fd of [await fs.open('low'), made]) {
        expect(await fs.lseek(fd, 0, SEEK_DATA)).toBe(MIB);
        expect(await fs.lseek(fd, MIB, SEEK_HOLE)).toBe(MIB + 4 * KIB);
        expect(await fs.lseek(fd, MIB + 4 * KIB, SEEK_DATA)).toBe(3 * MIB);
        expect(await fs.lseek(fd, 0, SEEK_HOLE)).toBe(0);
        expect(await outcome(fs.lseek(fd, 3 * MIB + 4 * KIB, SEEK_DATA))).toBe('ENXIO');
        expect(await outcome(fs.lseek(fd, 4 * MIB, SEEK_HOLE))).toBe('ENXIO');
        expect(await fs.lseek(fd, 0, SEEK_END)).toBe(4 * MIB);
        expect(await outcome(fs.lseek(fd, -1, SEEK_SET))).toBe('EINVAL');
      }
    },
  },
  {
    name: 'copy_file_range copies within a file and from a layer into upper',
    layers: layers(dir({ low: file('0123456789'.repeat(1000)) })),
    async run(fs) {
      const source = await fs.open('low', O_RDONLY);
      const target = await fs.open('up', O_RDWR | O_CREAT);
      let copied = 0;
      while (copied < 9000)
        copied += await fs.copyFileRange(source, 1000 + copied, target, copied, 9000 - copied);
      expect((await fs.fstat(target)).size).toBe(9000);
      expect(await fs.readFile('up')).toBe('0123456789'.repeat(900));
      expect(await fs.copyFileRange(target, 0, target, 20_000, 10)).toBe(10);
      expect((await fs.read(target, 20, 19_990)).toString('latin1')).toBe(`${'\0'.repeat(10)}0123456789`);
      expect(await fs.copyFileRange(source, 10_000, target, 0, 10)).toBe(0);
    },
  },
  {
    name: 'SEEK_DATA and SEEK_HOLE find them also where metadata alone was copied',
    layers: layers(dir({ f: sparse(4 * MIB, [[2 * MIB, 'a']]) })),
    async run(fs, t) {
      await fs.chmod('f', 0o600);
      const check = async (): Promise<void> => {
        const fd = await fs.open('f');
        expect(await fs.lseek(fd, 0, SEEK_DATA)).toBe(2 * MIB);
        expect(await fs.lseek(fd, 2 * MIB, SEEK_HOLE)).toBe(2 * MIB + 4 * KIB);
        await fs.close(fd);
      };
      await check();
      await t.remount();
      await check();
    },
  },
  {
    name: 'copy_file_range copies from a file of one layer into one of another, either way',
    layers: layers(dir({ low: file('0123456789') }), dir({ top: file('abcdefghij') })),
    async run(fs, t) {
      const [low, top] = [await fs.open('low', O_RDWR), await fs.open('top', O_RDONLY)];
      expect(await fs.copyFileRange(top, 2, low, 4, 3)).toBe(3);
      const back = await fs.open('top', O_RDWR);
      expect(await fs.copyFileRange(low, 0, back, 8, 10)).toBe(10);
      await fs.close(low);
      await fs.close(back);
      await t.remount();
      expect(await fs.readFile('low')).toBe('0123cde789');
      expect(await fs.readFile('top')).toBe('abcdefgh0123cde789');
    },
  },
  {
    name: 'copy_file_range refuses wrong descriptors and overlapping ranges',
    async run(fs) {
      await fs.writeFile('f', '0123456789');
      const both = await fs.open('f', O_RDWR);
      const reader = await fs.open('f', O_RDONLY);
      const writer = await fs.open('f', O_WRONLY);
      expect(await outcome(fs.copyFileRange(both, 0, reader, 5, 2))).toBe('EBADF');
      expect(await outcome(fs.copyFileRange(writer, 0, both, 5, 2))).toBe('EBADF');
      expect(await outcome(fs.copyFileRange(both, 0, both, 2, 5))).toBe('EINVAL');
    },
  },
  {
    name: 'statfs shows the disk of upper',
    needs: ['layers'],
    layers: layers(dir({ f: file() })),
    async run(fs, t) {
      await fs.chmod('f', 0o600);
      const [mount, upper] = [await fs.statfs(''), await t.upper.statfs('')];
      expect([mount.bsize, mount.blocks, mount.files]).toEqual([upper.bsize, upper.blocks, upper.files]);
      expect(Number(mount.bfree) / Number(upper.bfree)).toBeCloseTo(1, 1);
    },
  },
];

export const space: Suite = { name: 'space', cases };
