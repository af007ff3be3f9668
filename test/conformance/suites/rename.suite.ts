/** renameat2(2) with all flags, of upper and lower files and directories. */

import { expect } from 'vitest';
import { dir, file, layers, symlink, whiteout } from '../../helpers/layers.js';
import { outcome } from '../../helpers/operator-client.js';
import { O_RDONLY, RENAME_EXCHANGE, RENAME_NOREPLACE } from '../../helpers/test-constants.js';
import type { Case, Suite } from '../suite.js';

const OLD = 987_654_321_123_456_789n;

const cases: Case[] = [
  {
    name: 'a lower file moves with content and attributes, within and between directories',
    layers: layers(
      dir({ a: dir({ f: file('one', { mode: 0o640, uid: 9, mtimeNs: OLD }), g: file('two') }), b: dir() }),
    ),
    async run(fs, t) {
      await fs.rename('a/f', 'a/h');
      await fs.rename('a/g', 'b/g');
      await t.remount();
      expect(await fs.names('a')).toEqual(['h']);
      expect(await fs.names('b')).toEqual(['g']);
      expect(await fs.readFile('a/h')).toBe('one');
      expect(await fs.lstat('a/h')).toMatchObject({ mode: 0o640, uid: 9, mtimeNs: OLD });
      expect(await outcome(fs.lstat('a/f'))).toBe('ENOENT');
    },
  },
  {
    name: 'an upper file moves and leaves nothing',
    needs: ['layers'],
    layers: layers(dir({ x: file() })),
    async run(fs, t) {
      await fs.writeFile('new', '1');
      await fs.rename('new', 'newer');
      expect(await t.upper.names('')).toEqual(['newer']);
      await fs.rename('x', 'y');
      expect(await t.upper.names('')).toEqual(['newer', 'x', 'y']);
      expect(await t.upper.lstat('x')).toMatchObject({ type: 'char', rdev: '0:0' });
    },
  },
  {
    name: 'a rename over an existing file replaces it, upper or lower',
    layers: layers(dir({ low1: file('l1'), low2: file('l2'), low3: file('l3') })),
    async run(fs, t) {
      await fs.writeFile('up1', 'u1');
      await fs.writeFile('up2', 'u2');
      await fs.rename('up1', 'low1');
      await fs.rename('low2', 'low3');
      await fs.rename('low1', 'up2');
      await t.remount();
      expect(await fs.names('')).toEqual(['low3', 'up2']);
      expect(await fs.readFile('low3')).toBe('l2');
      expect(await fs.readFile('up2')).toBe('u1');
    },
  },
  {
    name: 'the replaced file stays readable where it is open',
    layers: layers(dir({ f: file('old'), g: file('new') })),
    async run(fs) {
      const fd = await fs.open('f', O_RDONLY);
      await fs.rename('g', 'f');
      expect((await fs.read(fd, 10, 0)).toString()).toBe('old');
      expect(await fs.readFile('f')).toBe('new');
    },
  },
  {
    name: 'a rename onto itself or onto another link of the same file does nothing',
    layers: layers(dir({ f: file('x') })),
    async run(fs) {
      await fs.rename('f', 'f');
      await fs.link('f', 'g');
      await fs.rename('f', 'g');
      expect(await fs.names('')).toEqual(['f', 'g']);
    },
  },
  {
    name: 'types must agree',
    layers: layers(dir({ f: file(), d: dir(), full: dir({ x: file() }) })),
    async run(fs) {
      await fs.mkdir('up');
      await fs.writeFile('uf', '');
      expect(await outcome(fs.rename('f', 'd'))).toBe('EISDIR');
      expect(await outcome(fs.rename('up', 'f'))).toBe('ENOTDIR');
      expect(await outcome(fs.rename('up', 'uf'))).toBe('ENOTDIR');
      expect(await outcome(fs.rename('up', 'full'))).toBe('ENOTEMPTY');
      expect(await outcome(fs.rename('up', 'up/sub'))).toBe('EINVAL');
      expect(await outcome(fs.rename('no', 'x'))).toBe('ENOENT');
      expect(await outcome(fs.rename('uf', 'no/x'))).toBe('ENOENT');
      expect(await outcome(fs.rename('uf', 'f/x'))).toBe('ENOTDIR');
    },
  },
  {
    name: 'NOREPLACE refuses an existing name and takes a free or whited out one',
    layers: layers(dir({ a: file('a'), b: file('b'), w: file() }), dir({ w: whiteout() })),
    async run(fs) {
      expect(await outcome(fs.rename('a', 'b', RENAME_NOREPLACE))).toBe('EEXIST');
      expect(await outcome(fs.rename('a', 'w', RENAME_NOREPLACE))).toBe('ok');
      expect(await outcome(fs.rename('w', 'c', RENAME_NOREPLACE))).toBe('ok');
      expect(await fs.names('')).toEqual(['b', 'c']);
    },
  },
  {
    name: 'EXCHANGE swaps two files, whichever layer they are in',
    layers: layers(
      dir({ a: file('lower a', { mode: 0o600 }), b: file('lower b'), d: dir({ c: file('lower c') }) }),
    ),
    async run(fs, t) {
      await fs.writeFile('up', 'upper');
      await fs.rename('a', 'up', RENAME_EXCHANGE);
      await fs.rename('b', 'd/c', RENAME_EXCHANGE);
      await t.remount();
      expect(await fs.readFile('a')).toBe('upper');
      expect(await fs.readFile('up')).toBe('lower a');
      expect((await fs.lstat('up')).mode).toBe(0o600);
      expect(await fs.readFile('b')).toBe('lower c');
      expect(await fs.readFile('d/c')).toBe('lower b');
      expect(await outcome(fs.rename('a', 'none', RENAME_EXCHANGE))).toBe('ENOENT');
    },
  },
  {
    name: 'EXCHANGE swaps a file with a directory, and two directories, of upper',
    async run(fs, t) {
      await fs.mkdir('d');
      await fs.writeFile('d/in', 'd');
      await fs.mkdir('e');
      await fs.symlink('x', 'e/in');
      await fs.writeFile('f', 'f');
      await fs.rename('d', 'f', RENAME_EXCHANGE);
      await fs.rename('e', 'f', RENAME_EXCHANGE);
      await t.remount();
      expect(await fs.readFile('d')).toBe('f');
      expect((await fs.lstat('e/in')).type).toBe('file');
      expect((await fs.lstat('f/in')).type).toBe('symlink');
    },
  },
  {
    name: 'EXCHANGE with NOREPLACE and unknown flags are refused',
    async run(fs) {
      await fs.writeFile('a', '');
      await fs.writeFile('b', '');
      expect(await outcome(fs.rename('a', 'b', RENAME_EXCHANGE | RENAME_NOREPLACE))).toBe('EINVAL');
      expect(await outcome(fs.rename('a', 'b', 128))).toBe('EINVAL');
    },
  },
  {
    name: 'an upper directory moves with its tree, over an empty directory too',
    layers: layers(dir({ empty: dir(), gone: dir({ x: file() }) })),
    async run(fs, t) {
      await fs.mkdir('a');
      await fs.mkdir('a/b');
      await fs.writeFile('a/b/f', 'x');
      await fs.rename('a', 'empty');
      await fs.rename('empty/b', 'b');
      await fs.unlink('gone/x');
      await fs.rename('b', 'gone');
      await t.remount();
      expect(await fs.names('')).toEqual(['empty', 'gone']);
      expect(await fs.names('empty')).toEqual([]);
      expect(await fs.readFile('gone/f')).toBe('x');
      expect(await fs.names('gone')).toEqual(['f']);
    },
  },
  {
    name: 'an upper directory moved over a removed lower directory does not show what was below',
    layers: layers(dir({ d: dir({ old: file() }) })),
    async run(fs, t) {
      await fs.run('rm', '-rf', 'd');
      await fs.mkdir('n');
      await fs.writeFile('n/new', '');
      await fs.rename('n', 'd');
      await t.remount();
      expect(await fs.names('d')).toEqual(['new']);
    },
  },
  {
    name: 'a lower directory moves with its tree',
    layers: layers(dir({ d: dir({ f: file('x'), sub: dir({ g: file('y') }) }, { mode: 0o750 }), o: dir() })),
    async run(fs, t) {
      await fs.rename('d', 'e');
      expect(await fs.readFile('e/sub/g')).toBe('y');
      await fs.rename('e/sub', 'o/sub');
      await fs.writeFile('e/new', 'n');
      await t.remount();
      expect(await fs.names('')).toEqual(['e', 'o']);
      expect(await fs.names('e')).toEqual(['f', 'new']);
      expect(await fs.readFile('o/sub/g')).toBe('y');
      expect((await fs.lstat('e')).mode).toBe(0o750);
    },
  },
  {
    name: 'a directory merged of three layers moves, and a new one takes its name',
    layers: layers(
      dir({ d: dir({ a: file('0'), k: dir({ x: file() }) }) }),
      dir({ d: dir({ b: file('1'), k: dir({ y: file() }) }) }),
    ),
    async run(fs, t) {
      await fs.writeFile('d/c', '2');
      await fs.rename('d', 'moved');
      await fs.mkdir('d');
      await fs.writeFile('d/fresh', '');
      await t.remount();
      expect(await fs.names('moved')).toEqual(['a', 'b', 'c', 'k']);
      expect(await fs.names('moved/k')).toEqual(['x', 'y']);
      expect(await fs.names('d')).toEqual(['fresh']);
      await fs.unlink('moved/a');
      await fs.rename('moved/k', 'k');
      await t.remount();
      expect(await fs.names('moved')).toEqual(['b', 'c']);
      expect(await fs.names('k')).toEqual(['x', 'y']);
    },
  },
  {
    name: 'symlinks and a file in a moved directory keep their names',
    layers: layers(dir({ l: symlink('f'), f: file('x') })),
    async run(fs) {
      await fs.mkdir('d');
      await fs.rename('l', 'd/l');
      await fs.rename('f', 'd/f');
      expect(await fs.readFile('d/l')).toBe('x');
      await fs.rename('d', 'e');
      expect(await fs.readFile('e/l')).toBe('x');
      expect(await fs.readlink('e/l')).toBe('f');
    },
  },
  {
    name: 'open descriptors follow a renamed file and directory',
    layers: layers(dir({ f: file('x') })),
    async run(fs) {
      await fs.mkdir('d');
      const dirFd = await fs.open('d');
      const fd = await fs.open('f');
      await fs.rename('f', 'd/g');
      await fs.rename('d', 'e');
      await fs.writeFile({ fd: dirFd, name: 'in' }, 'through');
      expect(await fs.readFile('e/in')).toBe('through');
      expect((await fs.read(fd, 5, 0)).toString()).toBe('x');
    },
  },
  {
    name: 'a rename changes ctime of the file and times of both parents, not mtime of the file',
    layers: layers(
      dir({ a: dir({ f: file('x', { mtimeNs: OLD }) }, { mtimeNs: OLD }), b: dir({}, { mtimeNs: OLD }) }),
    ),
    async run(fs) {
      await fs.rename('a/f', 'b/f');
      expect((await fs.lstat('b/f')).mtimeNs).toBe(OLD);
      expect((await fs.lstat('a')).mtimeNs).toBeGreaterThan(OLD);
      expect((await fs.lstat('b')).mtimeNs).toBeGreaterThan(OLD);
    },
  },
];

export const rename: Suite = { name: 'rename', cases };
