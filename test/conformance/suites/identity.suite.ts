/** Inode numbers, device numbers and link counts: what tools take files to be the same by. */

import { expect } from 'vitest';
import { dir, fifo, file, hardlink, layers, symlink } from '../../helpers/layers.js';
import { outcome } from '../../helpers/operator-client.js';
import { O_RDONLY, O_WRONLY } from '../../helpers/test-constants.js';
import type { Case, Suite } from '../suite.js';

const cases: Case[] = [
  {
    name: 'st_ino stays through copy-up, rename and remount',
    layers: layers(dir({ f: file('x'), d: dir({ g: file('y') }), l: symlink('f'), p: fifo() })),
    async run(fs, t) {
      const paths = ['f', 'd', 'd/g', 'l', 'p'];
      const inodes = (): Promise<bigint[]> =>
        Promise.all(paths.map(async (path) => (await fs.lstat(path)).ino));
      const before = await inodes();
      expect(new Set(before).size).toBe(paths.length);
      await fs.writeFile('f', 'changed', O_WRONLY);
      await fs.chmod('d/g', 0o600);
      await fs.lchown('l', 5, 5);
      await fs.utimens('p', 1n, 1n);
      await fs.chmod('d', 0o700);
      expect(await inodes()).toEqual(before);
      await fs.rename('d/g', 'd/h');
      expect((await fs.lstat('d/h')).ino).toBe(before[2]);
      await fs.rename('d/h', 'd/g');
      await t.remount();
      expect(await inodes()).toEqual(before);
    },
  },
  {
    name: 'a file or directory that moved has the st_ino of before, also after a remount',
    layers: layers(
      dir({ f: file('x'), d: dir({ g: file('y'), s: dir() }), low: dir(), o: dir() }),
      dir({ d: dir({ h: file('z') }) }),
    ),
    async run(fs, t) {
      const inodes = (...paths: string[]): Promise<bigint[]> =>
        Promise.all(paths.map(async (path) => (await fs.lstat(path)).ino));
      const before = await inodes('f', 'd', 'd/g', 'd/h', 'd/s', 'low');
      await fs.rename('f', 'o/file');
      await fs.rename('d', 'o/dir');
      await fs.rename('o/dir/s', 's');
      await fs.rename('low', 'o/low');
      const after = ['o/file', 'o/dir', 'o/dir/g', 'o/dir/h', 's', 'o/low'];
      expect(await inodes(...after)).toEqual(before);
      await t.remount();
      expect(await inodes(...after)).toEqual(before);
    },
  },
  {
    name: 'all files and directories are on one device, which is that of the descriptor too',
    layers: layers(
      dir({ f: file(), d: dir({ g: file() }) }),
      dir({ d: dir({ h: file() }), l: symlink('x') }),
    ),
    async run(fs) {
      await fs.writeFile('d/up', 'x');
      const device = (await fs.lstat('')).dev;
      for (const path of ['f', 'd', 'd/g', 'd/h', 'd/up', 'l'])
        expect([path, (await fs.lstat(path)).dev]).toEqual([path, device]);
      expect((await fs.fstat(await fs.open('f', O_RDONLY))).dev).toBe(device);
    },
  },
  {
    name: 'd_ino is st_ino for files of layers, of upper, and copied up',
    layers: layers(
      dir({ d: dir({ a: file('1'), b: file('2'), s: dir() }) }),
      dir({ d: dir({ c: file('3'), s: dir() }) }),
    ),
    async run(fs, t) {
      await fs.writeFile('d/b', 'changed', O_WRONLY);
      await fs.writeFile('d/n', 'new');
      await fs.mkdir('d/m');
      const check = async (): Promise<void> => {
        for (const { name, ino } of await fs.readdir('d')) {
          expect([name, ino]).toEqual([name, (await fs.lstat(`d/${name}`)).ino]);
        }
      };
      await check();
      await t.remount();
      await check();
    },
  },
  {
    name: 'different files have different inode numbers, links the same',
    layers: layers(
      dir({ a: file('1'), b: file('2'), c: hardlink('a') }),
      dir({ d: file('3'), e: hardlink('d') }),
    ),
    async run(fs) {
      const [a, b, c, d, e] = await Promise.all(
        ['a', 'b', 'c', 'd', 'e'].map(async (name) => (await fs.lstat(name)).ino),
      );
      expect([c, e]).toEqual([a, d]);
      expect(new Set([a, b, d]).size).toBe(3);
      await fs.writeFile('b', 'changed', O_WRONLY);
      expect((await fs.lstat('b')).ino).toBe(b);
    },
  },
  {
    name: 'a descriptor and the path name the same inode after a copy-up through another descriptor',
    layers: layers(dir({ f: file('x') })),
    async run(fs) {
      const fd = await fs.open('f', O_RDONLY);
      const before = await fs.fstat(fd);
      await fs.writeFile('f', 'yy', O_WRONLY);
      expect((await fs.fstat(fd)).ino).toBe(before.ino);
      expect((await fs.lstat('f')).ino).toBe(before.ino);
    },
  },
  {
    name: 'a directory of upper has two links and one for each directory in it, a merged one has one',
    layers: layers(dir({ m: dir({ s: dir(), u: dir() }) }), dir({ m: dir({ t: dir() }) })),
    needs: ['layers'],
    async run(fs, t) {
      const links = async (path: string): Promise<number> => (await fs.lstat(path)).nlink;
      await fs.mkdir('up');
      expect(await links('up')).toBe(2);
      await fs.mkdir('up/a');
      await fs.mkdir('up/b');
      expect([await links('up'), await links('m')]).toEqual([4, 1]);
      await fs.rmdir('up/a');
      await fs.mkdir('m/new');
      await fs.rename('m/s', 'up/s');
      expect([await links('up'), await links('m')]).toEqual([4, 1]);
      await t.remount();
      expect([await links('up'), await links('m')]).toEqual([4, 1]);
      expect((await fs.run('find', '.', '-type', 'd')).stdout.trim().split('\n')).toHaveLength(8);
    },
  },
  {
    name: 'a file handle opens the file that it was made of, or there is none, or it is stale',
    layers: layers(dir({ f: file('x'), d: dir() })),
    async run(fs, t) {
      await fs.writeFile('up', 'u');
      for (const name of ['f', 'd', 'up']) {
        const answer = await outcome(fs.handleOf(name));
        if (answer !== 'ok') {
          expect([name, answer]).toEqual([name, 'EOPNOTSUPP']);
          continue;
        }
        const handle = await fs.handleOf(name);
        const { ino } = await fs.lstat(name);
        await t.remount();
        const at = await fs.open('');
        const opened = await outcome(fs.openByHandle(at, handle));
        if (opened === 'ok') {
          const fd = await fs.openByHandle(at, handle);
          expect([name, (await fs.fstat(fd)).ino]).toEqual([name, ino]);
        } else expect([name, opened]).toEqual([name, 'ESTALE']);
      }
    },
  },
  {
    name: 'find, git and du agree with themselves over a union',
    layers: layers(
      dir({ d: dir({ a: file('1'), s: dir({ b: file('2') }) }) }),
      dir({ d: dir({ s: dir({ c: file('3') }) }) }),
    ),
    async run(fs) {
      const found = await fs.run('find', '.', '-type', 'f', '-printf', '%p\\n');
      expect({ ...found, stdout: found.stdout.trim().split('\n').sort() }).toEqual({
        status: 0,
        stdout: ['./d/a', './d/s/b', './d/s/c'],
        stderr: '',
      });
      expect((await fs.run('find', '.', '-xdev')).stdout).toBe((await fs.run('find', '.')).stdout);
      expect((await fs.run('diff', '-r', '.', '.')).status).toBe(0);
    },
  },
];

export const identity: Suite = { name: 'identity', cases };
