/** Binds at mount points over the union: semantics.md section 3. Only targets with mount points run these. */

import { expect } from 'vitest';
import { dir, file, layers, symlink } from '../../helpers/layers.js';
import { outcome } from '../../helpers/operator-client.js';
import { O_APPEND, O_WRONLY } from '../../helpers/test-constants.js';
import type { Case, Suite } from '../suite.js';

const needs = ['mounts'] as const;

const cases: Case[] = [
  {
    name: 'a bound directory replaces what was there and is two-way',
    needs,
    layers: layers(dir({ at: dir({ image: file('hidden') }), other: file() })),
    host: dir({ src: dir({ f: file('host') }, { mode: 0o750, uid: 5 }) }),
    volumes: (host, at) => [`${host}/src:${at}/at`],
    async run(fs, t) {
      expect(await fs.names('at')).toEqual(['f']);
      expect(await fs.lstat('at')).toMatchObject({ type: 'dir', mode: 0o750, uid: 5 });
      await fs.writeFile('at/new', 'from the mount');
      expect(await t.host.readFile('src/new')).toBe('from the mount');
      await t.host.writeFile('src/f', 'changed on the host');
      expect(await fs.readFile('at/f')).toBe('changed on the host');
      await t.host.writeFile('src/later', 'x');
      await t.host.unlink('src/new');
      expect(await fs.names('at')).toEqual(['f', 'later']);
      expect(await outcome(fs.lstat('at/new'))).toBe('ENOENT');
    },
  },
  {
    name: 'a bound file shows beside the files of the image and follows its name on the host',
    needs,
    layers: layers(dir({ etc: dir({ passwd: file('image'), conf: file('old') }) })),
    host: dir({ conf: file('one', { mode: 0o600 }), fresh: file('three') }),
    volumes: (host, at) => [`${host}/conf:${at}/etc/conf`],
    async run(fs, t) {
      expect(await fs.names('etc')).toEqual(['conf', 'passwd']);
      expect(await fs.readFile('etc/conf')).toBe('one');
      expect((await fs.lstat('etc/conf')).mode).toBe(0o600);
      await fs.writeFile('etc/conf', '+two', O_WRONLY | O_APPEND);
      expect(await t.host.readFile('conf')).toBe('one+two');
      await t.host.rename('fresh', 'conf');
      expect(await fs.readFile('etc/conf')).toBe('three');
    },
  },
  {
    name: 'mount points need not exist and leave nothing behind',
    needs,
    layers: layers(dir({ have: file() })),
    host: dir({ src: dir({ f: file('x') }), one: file('1') }),
    volumes: (host, at) => [`${host}/src:${at}/a/b/c`, `${host}/one:${at}/a/file`],
    async run(fs, t) {
      expect(await fs.names('')).toEqual(['a', 'have']);
      expect(await fs.names('a')).toEqual(['b', 'file']);
      expect(await fs.readFile('a/b/c/f')).toBe('x');
      expect(await fs.readFile('a/file')).toBe('1');
      expect(await outcome(t.upper.lstat('a'))).toBe('ENOENT');
      expect(await t.lower(0).names('')).toEqual(['have']);
    },
  },
  {
    name: 'a mount point is neither removed nor renamed, and not replaced',
    needs,
    layers: layers(dir({ d: dir({ old: file() }), f: file('image'), x: file(), y: dir() })),
    host: dir({ src: dir(), one: file('1') }),
    volumes: (host, at) => [`${host}/src:${at}/d`, `${host}/one:${at}/f`, `${host}/src:${at}/v/w`],
    async run(fs) {
      for (const name of ['d', 'v/w']) {
        expect(await outcome(fs.rmdir(name))).toBe('EBUSY');
        expect(await outcome(fs.rename(name, 'moved'))).toBe('EBUSY');
      }
      expect(await outcome(fs.unlink('f'))).toBe('EBUSY');
      expect(await outcome(fs.rename('f', 'moved'))).toBe('EBUSY');
      expect(await outcome(fs.rename('x', 'f'))).toBe('EBUSY');
      expect(await outcome(fs.rename('y', 'd'))).toBe('EBUSY');
      expect(await outcome(fs.rmdir('v'))).not.toBe('ok');
      expect(await fs.readFile('f')).toBe('1');
    },
  },
  {
    name: 'rename and link across mounts are EXDEV, within one they work',
    needs,
    layers: layers(dir({ u: file('union') })),
    host: dir({ src: dir({ f: file('x'), sub: dir() }), other: dir() }),
    volumes: (host, at) => [`${host}/src:${at}/m`, `${host}/other:${at}/n`, `${host}/src:${at}/again`],
    async run(fs) {
      expect(await outcome(fs.rename('u', 'm/u'))).toBe('EXDEV');
      expect(await outcome(fs.rename('m/f', 'f'))).toBe('EXDEV');
      expect(await outcome(fs.rename('m/f', 'n/f'))).toBe('EXDEV');
      expect(await outcome(fs.link('u', 'm/u'))).toBe('EXDEV');
      expect(await outcome(fs.link('m/f', 'l'))).toBe('EXDEV');
      await fs.rename('m/f', 'm/sub/f');
      await fs.link('m/sub/f', 'm/l');
      expect(await fs.names('m')).toEqual(['l', 'sub']);
      expect(await outcome(fs.rename('m/l', 'again/l2'))).toBe('ok');
      expect(await fs.names('m')).toEqual(['l2', 'sub']);
    },
  },
  {
    name: 'a read-only bind is EROFS in all that lies below',
    needs,
    layers: layers(dir({ m: dir() })),
    host: dir({ src: dir({ f: file('x'), d: dir({ g: file('y') }) }) }),
    volumes: (host, at) => [`${host}/src:${at}/m:ro`],
    async run(fs, t) {
      const refused = [
        fs.writeFile('m/new', ''),
        fs.open('m/f', O_WRONLY),
        fs.unlink('m/d/g'),
        fs.mkdir('m/d/x'),
        fs.rmdir('m/d'),
        fs.rename('m/f', 'm/g'),
        fs.chmod('m/f', 0o600),
        fs.chown('m', 5, 5),
        fs.utimens('m/d/g', 1n, 1n),
        fs.setxattr('m/f', 'user.a', '1'),
        fs.truncate('m/f', 0),
        fs.link('m/f', 'm/l'),
        fs.symlink('x', 'm/l'),
      ];
      const codes = await Promise.all(refused.map(outcome));
      expect(codes).toEqual(codes.map(() => 'EROFS'));
      expect(await fs.readFile('m/d/g')).toBe('y');
      await t.host.writeFile('src/f', 'host may');
      expect(await fs.readFile('m/f')).toBe('host may');
    },
  },
  {
    name: 'nested targets in any order: the deeper is on top, also inside a read-only bind',
    needs,
    layers: layers(dir({ x: dir() })),
    host: dir({ outer: dir({ y: dir({ hidden: file() }), o: file() }), inner: dir({ i: file('inner') }) }),
    volumes: (host, at) => [
      `${host}/inner:${at}/x/y`,
      `${host}/outer:${at}/x:ro`,
      `${host}/inner:${at}/x/none/deep`,
    ],
    async run(fs, t) {
      expect(await fs.names('x')).toEqual(['none', 'o', 'y']);
      expect(await fs.names('x/y')).toEqual(['i']);
      expect(await fs.readFile('x/none/deep/i')).toBe('inner');
      await fs.writeFile('x/y/w', 'writable');
      expect(await t.host.readFile('inner/w')).toBe('writable');
      expect(await t.host.names('outer')).toEqual(['o', 'y']);
    },
  },
  {
    name: 'symlinks in a target are followed within the root',
    needs,
    layers: layers(dir({ real: dir(), l: symlink('real') })),
    host: dir({ src: dir({ f: file('x') }) }),
    volumes: (host, at) => [`${host}/src:${at}/l/m`],
    async run(fs, t) {
      expect(await fs.readFile('real/m/f')).toBe('x');
      expect(await fs.readlink('l')).toBe('real');
      expect(await t.host.names('')).toEqual(['src']);
    },
  },
  {
    name: 'symlinks of a bind are those of the mount, not of the host',
    needs,
    layers: layers(dir({ m: dir(), secret: file('of the union') })),
    host: dir({
      secret: file('of the host'),
      src: dir({ out: symlink('../secret'), dangling: symlink('/no/such') }),
    }),
    volumes: (host, at) => [`${host}/src:${at}/m`],
    async run(fs) {
      expect(await fs.readFile('m/out')).toBe('of the union');
      expect(await outcome(fs.stat('m/dangling'))).toBe('ENOENT');
    },
  },
  {
    name: 'owners, modes, times and xattrs of a bind pass through both ways',
    needs,
    layers: layers(dir({ m: dir() })),
    host: dir({
      src: dir({ f: file('x', { mode: 0o640, uid: 7, gid: 8, mtimeNs: 77n, xattrs: { 'user.a': '1' } }) }),
    }),
    volumes: (host, at) => [`${host}/src:${at}/m`],
    async run(fs, t) {
      expect(await fs.lstat('m/f')).toMatchObject({ mode: 0o640, uid: 7, gid: 8, mtimeNs: 77n });
      expect(await fs.getxattr('m/f', 'user.a')).toBe('1');
      await fs.chown('m/f', 9, 10);
      await fs.chmod('m/f', 0o604);
      await fs.utimens('m/f', 5n, 99n);
      await fs.setxattr('m/f', 'user.b', '2');
      expect(await t.host.lstat('src/f')).toMatchObject({ mode: 0o604, uid: 9, gid: 10, mtimeNs: 99n });
      expect(await t.host.listxattr('src/f')).toEqual(['user.a', 'user.b']);
    },
  },
];

export const mounts: Suite = { name: 'mounts', cases };
