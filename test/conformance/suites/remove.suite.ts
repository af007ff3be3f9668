/** unlink, rmdir and making again: whiteouts, opaque directories, and that none of both shows. */

import { expect } from 'vitest';
import { dir, file, layers, symlink, whiteout } from '../../helpers/layers.js';
import { outcome } from '../../helpers/operator-client.js';
import type { Case, Suite } from '../suite.js';

const cases: Case[] = [
  {
    name: 'unlink of a lower file hides it for good',
    layers: layers(dir({ f: file(), d: dir({ g: file(), h: file() }) })),
    async run(fs, t) {
      await fs.unlink('f');
      await fs.unlink('d/g');
      await t.remount();
      expect(await fs.names('')).toEqual(['d']);
      expect(await fs.names('d')).toEqual(['h']);
      expect(await outcome(fs.open('f'))).toBe('ENOENT');
      expect(await outcome(fs.unlink('f'))).toBe('ENOENT');
    },
  },
  {
    name: 'removing a lower file or directory leaves a whiteout in upper, one of upper nothing',
    needs: ['layers'],
    layers: layers(dir({ f: file(), d: dir(), g: file() }), dir({ g: whiteout() })),
    async run(fs, t) {
      await fs.unlink('f');
      await fs.rmdir('d');
      for (const name of ['d', 'f'])
        expect(await t.upper.lstat(name)).toMatchObject({ type: 'char', rdev: '0:0' });
      await fs.writeFile('new', 'x');
      await fs.unlink('new');
      await fs.mkdir('newdir');
      await fs.rmdir('newdir');
      expect(await t.upper.names('')).toEqual(['d', 'f']);
    },
  },
  {
    name: 'unlink refuses a directory, rmdir a file',
    layers: layers(dir({ f: file(), d: dir(), l: symlink('d') })),
    async run(fs) {
      expect(await outcome(fs.unlink('d'))).toBe('EISDIR');
      expect(await outcome(fs.rmdir('f'))).toBe('ENOTDIR');
      expect(await outcome(fs.rmdir('l'))).toBe('ENOTDIR');
      expect(await outcome(fs.rmdir('no'))).toBe('ENOENT');
      expect(await outcome(fs.rmdir('d/.'))).toBe('EINVAL');
      expect(await outcome(fs.rmdir('d/..'))).toBe('ENOTEMPTY');
    },
  },
  {
    name: 'rmdir wants an empty directory, whichever layer its entries are in',
    layers: layers(
      dir({ low: dir({ f: file() }), both: dir({ f: file() }) }),
      dir({ both: dir(), top: dir({ g: file() }) }),
    ),
    async run(fs) {
      for (const name of ['low', 'both', 'top']) expect(await outcome(fs.rmdir(name))).toBe('ENOTEMPTY');
      await fs.unlink('low/f');
      await fs.unlink('both/f');
      await fs.unlink('top/g');
      for (const name of ['low', 'both', 'top']) expect(await outcome(fs.rmdir(name))).toBe('ok');
      expect(await fs.names('')).toEqual([]);
    },
  },
  {
    name: 'a directory with nothing but whiteouts is empty',
    layers: layers(
      dir({ d: dir({ a: file(), b: dir({ c: file() }) }) }),
      dir({ d: dir({ a: whiteout(), b: whiteout() }) }),
    ),
    async run(fs, t) {
      expect(await fs.names('d')).toEqual([]);
      expect(await outcome(fs.rmdir('d'))).toBe('ok');
      await t.remount();
      expect(await fs.names('')).toEqual([]);
    },
  },
  {
    name: 'a file made again where a lower one was removed is new',
    layers: layers(dir({ f: file('old', { mode: 0o600, uid: 3, xattrs: { 'user.a': 'b' } }) })),
    async run(fs, t) {
      await fs.unlink('f');
      await fs.writeFile('f', 'new');
      await t.remount();
      expect(await fs.readFile('f')).toBe('new');
      expect(await fs.lstat('f')).toMatchObject({ mode: 0o644, uid: 0 });
      expect(await fs.listxattr('f')).toEqual([]);
      await fs.unlink('f');
      expect(await outcome(fs.lstat('f'))).toBe('ENOENT');
    },
  },
  {
    name: 'a directory made again where a lower one was removed is empty',
    layers: layers(dir({ d: dir({ a: file(), sub: dir({ b: file() }) }) })),
    async run(fs, t) {
      expect((await fs.run('rm', '-rf', 'd')).status).toBe(0);
      await fs.mkdir('d');
      await fs.mkdir('d/sub');
      await t.remount();
      expect(await fs.names('d')).toEqual(['sub']);
      expect(await fs.names('d/sub')).toEqual([]);
      expect(await fs.lstat('d')).toMatchObject({ mode: 0o755 });
    },
  },
  {
    name: 'a directory made where a lower one was removed is opaque in upper',
    needs: ['layers'],
    layers: layers(dir({ d: dir({ a: file() }), f: file() })),
    async run(fs, t) {
      await fs.unlink('d/a');
      await fs.rmdir('d');
      await fs.mkdir('d');
      expect(await t.upper.getxattr('d', 'trusted.overlay.opaque')).toBe('y');
      await fs.unlink('f');
      await fs.mkdir('f');
      expect(await fs.names('f')).toEqual([]);
    },
  },
  {
    name: 'a file replaces a removed lower directory, and the reverse',
    layers: layers(dir({ d: dir({ a: file() }), f: file('x') })),
    async run(fs, t) {
      await fs.unlink('d/a');
      await fs.rmdir('d');
      await fs.writeFile('d', 'now a file');
      await fs.unlink('f');
      await fs.mkdir('f');
      await fs.symlink('x', 'f/l');
      await t.remount();
      expect(await fs.readFile('d')).toBe('now a file');
      expect(await fs.names('f')).toEqual(['l']);
    },
  },
  {
    name: 'mkdir, symlink, mknod and link over a whiteout succeed, over an existing name are EEXIST',
    layers: layers(
      dir({ a: file(), b: file(), c: file(), d: dir(), e: file('keep') }),
      dir({ a: whiteout(), b: whiteout(), c: whiteout(), d: whiteout() }),
    ),
    async run(fs) {
      expect(await outcome(fs.mkdir('e'))).toBe('EEXIST');
      expect(await outcome(fs.symlink('x', 'e'))).toBe('EEXIST');
      expect(await outcome(fs.mknod('e', 0o10644))).toBe('EEXIST');
      expect(await outcome(fs.link('e', 'e'))).toBe('EEXIST');
      await fs.mkdir('a');
      await fs.symlink('x', 'b');
      await fs.mknod('c', 0o10644);
      await fs.link('e', 'd');
      const types = await Promise.all(['a', 'b', 'c', 'd'].map(async (name) => (await fs.lstat(name)).type));
      expect(types).toEqual(['dir', 'symlink', 'fifo', 'file']);
    },
  },
  {
    name: 'rm -rf removes a tree of several layers',
    layers: layers(
      dir({ t: dir({ a: dir({ b: dir({ c: file() }) }), x: file(), l: symlink('/') }) }),
      dir({ t: dir({ a: dir({ b: dir({ d: file() }), n: file() }), x: whiteout(), y: file() }) }),
    ),
    async run(fs, t) {
      await fs.writeFile('t/a/b/new', 'x');
      const done = await fs.run('rm', '-rf', 't');
      expect([done.status, done.stderr]).toEqual([0, '']);
      expect(await fs.names('')).toEqual([]);
      await t.remount();
      expect(await fs.names('')).toEqual([]);
    },
  },
  {
    name: 'making and removing the same name many times ends as the last step says',
    layers: layers(dir({ n: file('lower') })),
    async run(fs, t) {
      for (let round = 0; round < 20; round += 1) {
        expect(await outcome(fs.unlink('n'))).toBe('ok');
        await (round % 2 === 0 ? fs.writeFile('n', String(round)) : fs.symlink(`${round}`, 'n'));
      }
      await t.remount();
      expect(await fs.readlink('n')).toBe('19');
    },
  },
  {
    name: 'a removed directory cannot be made into, its open descriptor lists nothing',
    layers: layers(dir({ d: dir() })),
    async run(fs) {
      const fd = await fs.open('d');
      await fs.rmdir('d');
      expect(await outcome(fs.mkdir({ fd, name: 'x' }))).toBe('ENOENT');
      expect(await outcome(fs.open({ fd, name: 'x' }, 0o101))).toBe('ENOENT');
      expect(await outcome(fs.getdents(fd, 4096))).toBe('ENOENT');
    },
  },
];

export const remove: Suite = { name: 'remove', cases };
