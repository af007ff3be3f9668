/** Which of the layers a name shows, and what is never seen: semantics.md section 2, first item. */

import { expect } from 'vitest';
import { diffTrees } from '../../helpers/diff-trees.js';
import { dir, fifo, file, hardlink, layers, symlink, whiteout } from '../../helpers/layers.js';
import type { Fs } from '../../helpers/operator-client.js';
import { outcome } from '../../helpers/operator-client.js';
import { DT_DIR, DT_REG } from '../../helpers/test-constants.js';
import type { Case, CaseContext, Suite } from '../suite.js';

async function expectUnion(fs: Fs, t: CaseContext): Promise<void> {
  expect(diffTrees(await t.mergedTree(), await fs.readTree())).toEqual([]);
}

const cases: Case[] = [
  {
    name: 'a file of a later layer wins with content and attributes',
    layers: layers(
      dir({ a: file('below', { mode: 0o600, uid: 5 }), b: file('only below') }),
      dir({ a: file('above', { mode: 0o640, gid: 7, mtimeNs: 5n }) }),
    ),
    async run(fs, t) {
      expect(await fs.readFile('a')).toBe('above');
      expect(await fs.lstat('a')).toMatchObject({ mode: 0o640, uid: 0, gid: 7, mtimeNs: 5n });
      await expectUnion(fs, t);
    },
  },
  {
    name: 'directories merge names and take attributes from the topmost',
    layers: layers(
      dir({ d: dir({ a: file('1'), b: file('1'), sub: dir({ x: file('1') }) }, { mode: 0o700, uid: 3 }) }),
      dir({ d: dir({ b: file('2'), c: file('2'), sub: dir({ y: file('2') }) }, { mode: 0o711, uid: 4 }) }),
      dir({ d: dir({ c: file('3'), sub: dir({ z: file('3') }) }, { mode: 0o751, mtimeNs: 77n }) }),
    ),
    async run(fs, t) {
      expect(await fs.names('d')).toEqual(['a', 'b', 'c', 'sub']);
      expect(await fs.names('d/sub')).toEqual(['x', 'y', 'z']);
      expect(await fs.lstat('d')).toMatchObject({ mode: 0o751, uid: 0, mtimeNs: 77n });
      await expectUnion(fs, t);
    },
  },
  {
    name: 'a file hides a directory below, and what a layer above adds does not bring it back',
    layers: layers(
      dir({ x: dir({ old: file() }) }),
      dir({ x: file('file') }),
      dir({ x: dir({ new: file() }) }),
    ),
    async run(fs, t) {
      expect(await fs.names('x')).toEqual(['new']);
      expect(await outcome(fs.lstat('x/old'))).toBe('ENOENT');
      await expectUnion(fs, t);
    },
  },
  {
    name: 'a symlink hides a directory below and is not followed for merging',
    layers: layers(dir({ x: dir({ old: file() }), y: dir({ in: file() }) }), dir({ x: symlink('y') })),
    async run(fs, t) {
      expect(await fs.names('x')).toEqual(['in']);
      expect((await fs.lstat('x')).type).toBe('symlink');
      await expectUnion(fs, t);
    },
  },
  {
    name: 'a directory hides a file below',
    layers: layers(dir({ x: file('f'), y: fifo() }), dir({ x: dir({ a: file() }), y: dir() })),
    async run(fs, t) {
      expect(await fs.names('x')).toEqual(['a']);
      expect(await fs.names('y')).toEqual([]);
      await expectUnion(fs, t);
    },
  },
  {
    name: 'a whiteout hides a file and a directory below and is not listed',
    layers: layers(
      dir({ f: file(), d: dir({ in: file() }), keep: file() }),
      dir({ f: whiteout(), d: whiteout(), nothing: whiteout() }),
    ),
    async run(fs, t) {
      expect(await fs.names('')).toEqual(['keep']);
      for (const name of ['f', 'd', 'd/in', 'nothing']) expect(await outcome(fs.lstat(name))).toBe('ENOENT');
      await expectUnion(fs, t);
    },
  },
  {
    name: 'a whiteout is not listed in a directory that merges with none either',
    layers: layers(
      dir({ bottom: dir({ w: whiteout(), f: file() }) }),
      dir({ own: dir({ w: whiteout(), g: file() }) }),
    ),
    async run(fs) {
      expect(await fs.names('bottom')).toEqual(['f']);
      expect(await fs.names('own')).toEqual(['g']);
      expect(await outcome(fs.lstat('own/w'))).toBe('ENOENT');
    },
  },
  {
    name: 'a name whited out in the middle comes back in a layer above',
    layers: layers(
      dir({ f: file('old'), d: dir({ old: file() }) }),
      dir({ f: whiteout(), d: whiteout() }),
      dir({ f: file('new'), d: dir({ new: file() }) }),
    ),
    async run(fs, t) {
      expect(await fs.readFile('f')).toBe('new');
      expect(await fs.names('d')).toEqual(['new']);
      await expectUnion(fs, t);
    },
  },
  {
    name: 'an opaque directory hides all of it below, however deep',
    layers: layers(
      dir({ d: dir({ a: file(), sub: dir({ deep: file() }) }) }),
      dir({ d: dir({ b: file(), sub: dir({ new: file() }) }, { opaque: true }) }),
      dir({ d: dir({ c: file() }) }),
    ),
    async run(fs, t) {
      expect(await fs.names('d')).toEqual(['b', 'c', 'sub']);
      expect(await fs.names('d/sub')).toEqual(['new']);
      await expectUnion(fs, t);
    },
  },
  {
    name: 'a .wh. name in a directory is an ordinary name',
    layers: layers(
      dir({ x: file('x'), '.wh.x': file('1') }),
      dir({ '.wh..wh..opq': file('2'), d: dir({ '.wh.y': dir() }) }),
    ),
    async run(fs) {
      expect(await fs.names('')).toEqual(['.wh..wh..opq', '.wh.x', 'd', 'x']);
      expect(await fs.readFile('x')).toBe('x');
      await fs.writeFile('.wh.new', 'n');
      await fs.unlink('.wh.x');
      expect(await fs.names('')).toEqual(['.wh..wh..opq', '.wh.new', 'd', 'x']);
    },
  },
  {
    name: 'overlay xattrs of the layers are neither listed nor read',
    layers: layers(
      dir({ d: dir({ a: file() }) }),
      dir({
        d: dir({}, { opaque: true, xattrs: { 'user.kept': 'v' } }),
        f: file('', { xattrs: { 'user.k': '1' } }),
      }),
    ),
    async run(fs) {
      expect(await fs.listxattr('d')).toEqual(['user.kept']);
      expect(await outcome(fs.getxattr('d', 'trusted.overlay.opaque'))).toBe('ENODATA');
      expect(await fs.listxattr('f')).toEqual(['user.k']);
      expect(await fs.getxattr('d', 'user.kept')).toBe('v');
    },
  },
  {
    name: 'hard links of a layer show one inode',
    layers: layers(dir({ a: file('x'), d: dir({ b: hardlink('a') }) }), dir({ other: file() })),
    async run(fs, t) {
      const [a, b] = [await fs.lstat('a'), await fs.lstat('d/b')];
      expect(a.nlink).toBe(2);
      expect(b.ino).toBe(a.ino);
      await expectUnion(fs, t);
    },
  },
  {
    name: 'readdir gives each name once, with type and the inode number of stat, and . and ..',
    layers: layers(
      dir({ d: dir({ f: file(), sub: dir(), p: fifo(), l: symlink('f') }) }),
      dir({ d: dir({ f: file(), sub: dir() }) }),
    ),
    async run(fs) {
      const fd = await fs.open('d');
      const raw = await fs.getdents(fd, 32_768);
      expect(raw.map((entry) => entry.name).sort()).toEqual(['.', '..', 'f', 'l', 'p', 'sub']);
      const types = Object.fromEntries(raw.map((entry) => [entry.name, entry.type]));
      expect(types).toMatchObject({ '.': DT_DIR, '..': DT_DIR, f: DT_REG, sub: DT_DIR, p: 1, l: 10 });
      for (const entry of raw.filter(({ name }) => name !== '..')) {
        expect([entry.name, entry.ino]).toEqual([entry.name, (await fs.lstat(`d/${entry.name}`)).ino]);
      }
    },
  },
  {
    name: 'a tree of four layers equals the merged tree, before and after a remount',
    layers: layers(
      dir({ a: dir({ b: dir({ c: file('0'), d: file('0') }), e: symlink('b') }), gone: dir({ x: file() }) }),
      dir({ a: dir({ b: dir({ c: whiteout(), n: file('1') }) }), gone: whiteout() }),
      dir({ a: dir({ b: dir({ d: dir({ q: file() }) }), e: dir({ r: file() }, { opaque: true }) }) }),
      dir({ a: dir({ b: dir({ c: file('3', { mode: 0o4755 }) }) }), gone: dir({ y: file() }) }),
    ),
    async run(fs, t) {
      const expected = await t.mergedTree();
      expect(diffTrees(expected, await fs.readTree())).toEqual([]);
      await t.remount();
      expect(diffTrees(expected, await fs.readTree())).toEqual([]);
    },
  },
  {
    name: 'a missing name is ENOENT, a name below a file ENOTDIR',
    layers: layers(dir({ f: file() }), dir({ g: file() })),
    async run(fs) {
      expect(await outcome(fs.lstat('no'))).toBe('ENOENT');
      expect(await outcome(fs.lstat('no/more'))).toBe('ENOENT');
      expect(await outcome(fs.lstat('f/x'))).toBe('ENOTDIR');
      expect(await outcome(fs.open('g/x'))).toBe('ENOTDIR');
    },
  },
];

export const lookup: Suite = { name: 'lookup', cases };
