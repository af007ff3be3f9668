/** renameat2(2) of directories that lie in layers or are merged of several, with each flag, at any depth. */

import { expect } from 'vitest';
import { type DirSpec, dir, file, type Layers, layers, symlink } from '../../helpers/layers.js';
import { type Fs, outcome } from '../../helpers/operator-client.js';
import { RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT } from '../../helpers/test-constants.js';
import type { Case, Suite } from '../suite.js';

/** `x/y/m` is merged of two layers, `x/y/low` lies in the bottom one, `x/y/top` in the other. */
const deep: Layers = layers(
  dir({ x: dir({ y: dir({ m: tree('0'), low: tree('low') }) }), far: dir({ away: dir() }) }),
  dir({ x: dir({ y: dir({ m: tree('1'), top: tree('top') }) }) }),
);

function tree(mark: string): DirSpec {
  return dir({ [`f${mark}`]: file(mark), sub: dir({ [`g${mark}`]: file(mark) }) }, { mode: 0o750 });
}

/** What lies in a directory, as find(1) prints it. */
async function content(fs: Fs, path: string): Promise<string[]> {
  const { stdout } = await fs.run('find', path, '-mindepth', '1', '-printf', '%P\\n');
  return stdout.trim().split('\n').sort();
}

const REDIRECT = 'trusted.overlay.redirect';
const merged = ['f0', 'f1', 'sub', 'sub/g0', 'sub/g1'];
const low = ['flow', 'sub', 'sub/glow'];
const top = ['ftop', 'sub', 'sub/gtop'];

const cases: Case[] = [
  {
    name: 'EXCHANGE swaps directories of layers with each other and with merged ones, at any depth',
    layers: deep,
    async run(fs, t) {
      await fs.rename('x/y/m', 'far/away', RENAME_EXCHANGE);
      expect(await content(fs, 'far/away')).toEqual(merged);
      await fs.rename('x/y/low', 'x/y/top', RENAME_EXCHANGE);
      await fs.rename('far/away/sub', 'x/y/low', RENAME_EXCHANGE);
      const check = async (): Promise<void> => {
        expect(await fs.names('x/y/m')).toEqual([]);
        expect(await content(fs, 'x/y/top')).toEqual(low);
        expect(await content(fs, 'far/away/sub')).toEqual(top);
        expect(await content(fs, 'x/y/low')).toEqual(['g0', 'g1']);
        expect((await fs.lstat('far/away')).mode).toBe(0o750);
      };
      await check();
      await t.remount();
      await check();
      await fs.rename('x/y/m', 'far/away', RENAME_EXCHANGE);
      await t.remount();
      expect(await fs.names('x/y/m')).toEqual(['f0', 'f1', 'sub']);
    },
  },
  {
    name: 'EXCHANGE swaps a directory of a layer with a file and a symlink of one',
    layers: layers(dir({ d: tree('d'), a: dir({ f: file('f'), l: symlink('f') }) })),
    async run(fs, t) {
      await fs.rename('d', 'a/f', RENAME_EXCHANGE);
      await fs.rename('a/f/sub', 'a/l', RENAME_EXCHANGE);
      await t.remount();
      expect(await fs.readFile('d')).toBe('f');
      expect(await fs.names('a/f')).toEqual(['fd', 'sub']);
      expect(await fs.readlink('a/f/sub')).toBe('f');
      expect(await fs.names('a/l')).toEqual(['gd']);
    },
  },
  {
    name: 'NOREPLACE moves a directory of a layer or merged to a free name, and refuses one of any layer',
    layers: deep,
    async run(fs, t) {
      for (const [from, to] of [
        ['x/y/m', 'x/y/low'],
        ['x/y/low', 'far/away'],
        ['x/y/top', 'x/y/m/f0'],
      ] as const)
        expect([from, await outcome(fs.rename(from, to, RENAME_NOREPLACE))]).toEqual([from, 'EEXIST']);
      await fs.rename('x/y/m', 'far/m', RENAME_NOREPLACE);
      await fs.rename('x/y/low', 'x/y/m', RENAME_NOREPLACE);
      await fs.rename('far/m/sub', 'x/y/low', RENAME_NOREPLACE);
      await t.remount();
      expect(await fs.names('far/m')).toEqual(['f0', 'f1']);
      expect(await content(fs, 'x/y/m')).toEqual(low);
      expect(await fs.names('x/y/low')).toEqual(['g0', 'g1']);
    },
  },
  {
    name: 'WHITEOUT, which would show a device where nothing is to be seen, is refused and changes nothing',
    layers: deep,
    needs: ['layers'],
    async run(fs) {
      for (const name of ['x/y/m', 'x/y/low', 'x/y/m/f0']) {
        expect([name, await outcome(fs.rename(name, 'far/w', RENAME_WHITEOUT))]).toEqual([name, 'EINVAL']);
      }
      expect(await content(fs, 'x/y/m')).toEqual(merged);
      expect(await fs.names('far')).toEqual(['away']);
    },
  },
  {
    name: 'a directory moves over an empty one of a layer, of upper, and over one that was emptied',
    layers: layers(
      dir({ m: tree('0'), low: tree('low'), empty: dir(), full: tree('full'), a: dir({ b: tree('b') }) }),
      dir({ m: tree('1') }),
    ),
    async run(fs, t) {
      expect(await outcome(fs.rename('m', 'full'))).toBe('ENOTEMPTY');
      await fs.rename('m', 'empty');
      await fs.mkdir('up');
      await fs.rename('low', 'up');
      await fs.run('sh', '-c', 'rm -r full/*');
      await fs.rename('a/b', 'full');
      await t.remount();
      expect(await fs.names('')).toEqual(['a', 'empty', 'full', 'up']);
      expect(await content(fs, 'empty')).toEqual(merged);
      expect(await content(fs, 'up')).toEqual(low);
      expect(await content(fs, 'full')).toEqual(['fb', 'sub', 'sub/gb']);
      expect(await fs.names('a')).toEqual([]);
    },
  },
  {
    name: 'directories that moved into moved ones, and back, keep their trees',
    layers: deep,
    async run(fs, t) {
      await fs.rename('x/y', 'far/z');
      await fs.rename('far/z/m', 'far/away/m2');
      await fs.rename('far', 'x/far');
      await fs.rename('x/far/away/m2/sub', 'x/sub');
      await fs.rename('x/far/z/low', 'x/far/away/m2/sub');
      const check = async (): Promise<void> => {
        expect(await fs.names('x/far/away/m2')).toEqual(['f0', 'f1', 'sub']);
        expect(await content(fs, 'x/far/away/m2/sub')).toEqual(low);
        expect(await fs.names('x/sub')).toEqual(['g0', 'g1']);
        expect(await fs.names('x/far/z')).toEqual(['top']);
      };
      await check();
      await t.remount();
      await check();
      await fs.rename('x/far', 'far');
      await fs.rename('far/z', 'x/y');
      await fs.rename('far/away/m2', 'x/y/m');
      await t.remount();
      expect(await content(fs, 'x/y/m')).toEqual(['f0', 'f1', 'sub', 'sub/flow', 'sub/sub', 'sub/sub/glow']);
      await fs.writeFile('x/y/m/f0', 'changed');
      expect(await fs.readFile('x/y/m/f0')).toBe('changed');
    },
  },
  {
    name: 'a moved directory lies in upper without its tree, with a redirect of the form that overlayfs has',
    layers: deep,
    needs: ['layers'],
    async run(fs, t) {
      const origin = `/${t.root.split('/').at(-1)}/x/y`;
      await fs.rename('x/y/low', 'x/y/beside');
      await fs.rename('x/y/m', 'far/m');
      expect(await t.upper.getxattr('x/y/beside', REDIRECT)).toBe('low');
      expect(await t.upper.getxattr('far/m', REDIRECT)).toBe(`${origin}/m`);
      await fs.rename('x/y/beside', 'far/low');
      await fs.rename('far/m', 'far/again');
      expect(await t.upper.getxattr('far/low', REDIRECT)).toBe(`${origin}/low`);
      expect(await t.upper.getxattr('far/again', REDIRECT)).toBe(`${origin}/m`);
      for (const name of ['far/low', 'far/again']) expect(await t.upper.names(name)).toEqual([]);
      await t.remount();
      expect(await content(fs, 'far/low')).toEqual(low);
      expect(await content(fs, 'far/again')).toEqual(merged);
    },
  },
  {
    name: 'a directory does not move into itself, nor over what it is in',
    layers: deep,
    async run(fs) {
      expect(await outcome(fs.rename('x', 'x/y/m/x'))).toBe('EINVAL');
      expect(await outcome(fs.rename('x', 'x/y', RENAME_EXCHANGE))).toBe('EINVAL');
      expect(await outcome(fs.rename('x/y/m', 'x'))).toBe('ENOTEMPTY');
      expect(await content(fs, 'x/y/m')).toEqual(merged);
    },
  },
];

export const renameDirectory: Suite = { name: 'rename-directory', cases };
