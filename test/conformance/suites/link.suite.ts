/** Hard links of upper and lower files, symlinks, and files that are open but have no name any more. */

import { expect } from 'vitest';
import { dir, file, hardlink, layers, symlink } from '../../helpers/layers.js';
import { type Fs, outcome } from '../../helpers/operator-client.js';
import { O_CREAT, O_RDONLY, O_RDWR, O_WRONLY } from '../../helpers/test-constants.js';
import type { Case, Suite } from '../suite.js';

const NAMES = ['a', 'b', 'd/c'];
/** Each with mode, content and xattrs afterwards. */
const CHANGES: readonly [what: string, make: (fs: Fs, path: string) => Promise<void>, ...shown: unknown[]][] =
  [
    ['write', (fs, path) => fs.writeFile(path, 'UPPER', O_WRONLY), 0o644, 'UPPER', []],
    ['chmod', (fs, path) => fs.chmod(path, 0o600), 0o600, 'lower', []],
    ['setxattr', (fs, path) => fs.setxattr(path, 'user.a', '1'), 0o644, 'lower', ['user.a']],
  ];
/** Each of them by each of the names, in a directory of its own. */
const CHANGED = CHANGES.flatMap(([what, make, ...shown]) =>
  NAMES.map((by, index) => ({ at: `${what}${index}`, by, make, shown })),
);

async function shownOf(fs: Fs, path: string): Promise<unknown[]> {
  const { ino, nlink, mode } = await fs.lstat(path);
  return [ino, nlink, mode, await fs.readFile(path), await fs.listxattr(path)];
}

const cases: Case[] = [
  {
    name: 'links of an upper file are one file',
    async run(fs, t) {
      await fs.writeFile('a', 'x');
      await fs.mkdir('d');
      await fs.link('a', 'd/b');
      await fs.writeFile('d/b', 'yy');
      await fs.chmod('a', 0o600);
      expect(await fs.readFile('a')).toBe('yy');
      const [a, b] = [await fs.lstat('a'), await fs.lstat('d/b')];
      expect([a.ino, a.nlink, a.mode]).toEqual([b.ino, 2, b.mode]);
      await fs.unlink('a');
      expect((await fs.lstat('d/b')).nlink).toBe(1);
      await t.remount();
      expect(await fs.readFile('d/b')).toBe('yy');
    },
  },
  {
    name: 'a link of a lower file and its origin stay one file',
    layers: layers(dir({ a: file('lower', { mode: 0o640 }), d: dir() })),
    async run(fs, t) {
      await fs.link('a', 'd/b');
      expect((await fs.lstat('a')).nlink).toBe(2);
      await fs.writeFile('a', 'UPPER', O_WRONLY);
      expect(await fs.readFile('d/b')).toBe('UPPER');
      await t.remount();
      const [a, b] = [await fs.lstat('a'), await fs.lstat('d/b')];
      expect([b.ino, b.nlink, b.mode]).toEqual([a.ino, 2, 0o640]);
      await fs.chmod('d/b', 0o600);
      expect((await fs.lstat('a')).mode).toBe(0o600);
    },
  },
  {
    name: 'a name of a file of a layer shows what was written by another name while it was being read',
    layers: layers(dir({ a: file('lower'), b: hardlink('a') })),
    async run(fs) {
      const old = await fs.open('b', O_RDONLY);
      await fs.writeFile('a', 'UPPER', O_WRONLY);
      expect(await fs.readFile('b')).toBe('UPPER');
      // Cached by the kernel, and out of date after the next step.
      await fs.lstat('a');
      await fs.fchmod(old, 0o600);
      expect((await fs.lstat('a')).mode).toBe(0o600);
      await fs.chmod('a', 0o640);
      expect((await fs.fstat(old)).mode).toBe(0o640);
      await fs.close(old);
      expect(await fs.readFile('b')).toBe('UPPER');
    },
  },
  {
    name: 'a name of a file of a layer shows what was written by a link made of it, while it was being read',
    layers: layers(dir({ a: file('lower'.repeat(20_000)), s: file('small') })),
    async run(fs) {
      for (const name of ['a', 's']) {
        await fs.link(name, `${name}2`);
        const old = await fs.open(name, O_RDONLY);
        await fs.writeFile(`${name}2`, 'UPPER', O_WRONLY);
        expect((await fs.readFile(name)).slice(0, 5)).toBe('UPPER');
        await fs.close(old);
        expect((await fs.readFile(name)).slice(0, 5)).toBe('UPPER');
      }
    },
  },
  {
    name: 'hard links of a layer stay one file after a write',
    layers: layers(dir({ a: file('lower'), b: hardlink('a'), d: dir({ c: hardlink('a') }) })),
    async run(fs, t) {
      await fs.writeFile('b', 'UPPER', O_WRONLY);
      for (const name of ['a', 'b', 'd/c']) expect(await fs.readFile(name)).toBe('UPPER');
      await t.remount();
      for (const name of ['a', 'b', 'd/c']) {
        expect(await fs.readFile(name)).toBe('UPPER');
        expect((await fs.lstat(name)).nlink).toBe(3);
      }
      await fs.unlink('a');
      expect((await fs.lstat('b')).nlink).toBe(2);
      await fs.unlink('b');
      expect((await fs.lstat('d/c')).nlink).toBe(1);
      expect(await fs.readFile('d/c')).toBe('UPPER');
    },
  },
  {
    name: 'a change by any of the names of a layer leaves one file with one inode number, also after a remount',
    layers: layers(
      dir(
        Object.fromEntries(
          CHANGED.map(({ at }) => [
            at,
            dir({ a: file('lower'), b: hardlink(`${at}/a`), d: dir({ c: hardlink(`${at}/a`) }) }),
          ]),
        ),
      ),
    ),
    async run(fs, t) {
      const inodes = new Map<string, bigint>();
      const expectOne = async (at: string, shown: readonly unknown[]): Promise<void> => {
        const all = await Promise.all(NAMES.map((name) => shownOf(fs, `${at}/${name}`)));
        expect([at, all]).toEqual([at, NAMES.map(() => [inodes.get(at), NAMES.length, ...shown])]);
      };
      for (const { at, by, make, shown } of CHANGED) {
        inodes.set(at, (await fs.lstat(`${at}/a`)).ino);
        await expectOne(at, [0o644, 'lower', []]);
        await make(fs, `${at}/${by}`);
        await expectOne(at, shown);
      }
      await t.remount();
      for (const { at, shown } of CHANGED) await expectOne(at, shown);
    },
  },
  {
    name: 'removing one of several names of a layer keeps the others',
    layers: layers(dir({ a: file('x'), b: hardlink('a'), c: hardlink('a') })),
    async run(fs, t) {
      await fs.unlink('a');
      await fs.rename('b', 'moved');
      await fs.writeFile('moved', 'Y', O_WRONLY);
      await t.remount();
      expect(await fs.names('')).toEqual(['c', 'moved']);
      expect(await fs.readFile('c')).toBe('Y');
    },
  },
  {
    name: 'link refuses directories, existing names and missing ones',
    layers: layers(dir({ d: dir(), f: file() })),
    async run(fs) {
      expect(await outcome(fs.link('d', 'e'))).toBe('EPERM');
      expect(await outcome(fs.link('f', 'd'))).toBe('EEXIST');
      expect(await outcome(fs.link('no', 'x'))).toBe('ENOENT');
      expect(await outcome(fs.link('f', 'no/x'))).toBe('ENOENT');
    },
  },
  {
    name: 'symlinks, fifos and device nodes can be linked',
    layers: layers(dir({ l: symlink('f') })),
    async run(fs) {
      await fs.link('l', 'm');
      expect(await fs.readlink('m')).toBe('f');
      expect((await fs.lstat('l')).nlink).toBe(2);
      await fs.mknod('p', 0o10600);
      await fs.link('p', 'q');
      expect((await fs.lstat('q')).type).toBe('fifo');
    },
  },
  {
    name: 'an unlinked file that is open is read, written and counted with no names',
    layers: layers(dir({ low: file('lower') })),
    async run(fs) {
      await fs.writeFile('up', 'upper');
      const up = await fs.open('up', O_RDWR);
      const low = await fs.open('low', O_RDWR);
      for (const name of ['up', 'low']) await fs.unlink(name);
      for (const fd of [up, low]) {
        expect(await fs.write(fd, 'MORE', 5)).toBe(4);
        expect((await fs.read(fd, 20, 0)).toString()).toMatch(/^(upper|lower)MORE$/);
        await fs.fchmod(fd, 0o600);
        await fs.ftruncate(fd, 2);
        expect(await fs.fstat(fd)).toMatchObject({ mode: 0o600, size: 2, nlink: 0 });
        await fs.setxattr({ fd }, 'user.x', '1');
        expect(await fs.getxattr({ fd }, 'user.x')).toBe('1');
      }
      expect(await fs.names('')).toEqual([]);
    },
  },
  {
    name: 'a lower file unlinked while open for reading is still read',
    layers: layers(dir({ low: file('lower') })),
    async run(fs) {
      const fd = await fs.open('low', O_RDONLY);
      await fs.unlink('low');
      await fs.writeFile('low', 'another');
      expect((await fs.read(fd, 20, 0)).toString()).toBe('lower');
      expect((await fs.fstat(fd)).ino).not.toBe((await fs.lstat('low')).ino);
    },
  },
  {
    name: 'a lower file unlinked while open for reading has no links',
    layers: layers(dir({ low: file('lower') })),
    async run(fs) {
      const fd = await fs.open('low', O_RDONLY);
      await fs.unlink('low');
      expect((await fs.fstat(fd)).nlink).toBe(0);
    },
  },
  {
    name: 'an unlinked file gets no name again',
    async run(fs) {
      const fd = await fs.open('f', O_RDWR | O_CREAT);
      await fs.unlink('f');
      expect(await outcome(fs.linkDescriptor(fd, 'back'))).toBe('ENOENT');
    },
  },
  {
    name: 'the working directory can be removed under a process',
    layers: layers(dir({ low: dir() })),
    async run(fs) {
      await fs.mkdir('up');
      for (const name of ['up', 'low']) {
        await fs.chdir(name);
        await fs.rmdir({ cwd: `../${name}` });
        expect(await outcome(fs.writeFile({ cwd: 'x' }, ''))).toBe('ENOENT');
        expect(await outcome(fs.cwd())).toBe('ENOENT');
        expect((await fs.lstat({ cwd: '.' })).type).toBe('dir');
      }
    },
  },
  {
    name: 'readlink gives the bytes of the symlink, long, dangling and odd ones',
    layers: layers(
      dir({
        l: symlink('a/b'),
        long: symlink('x'.repeat(4000)),
        odd: symlink('\xff\x80 \n'),
        up: symlink('../..'),
      }),
    ),
    async run(fs) {
      expect(await fs.readlink('l')).toBe('a/b');
      expect(await fs.readlink('odd')).toBe('\xff\x80 \n');
      expect(await fs.readlink('long')).toBe('x'.repeat(4000));
      expect(await fs.lstat('long')).toMatchObject({ size: 4000, mode: 0o777 });
      await fs.symlink('y'.repeat(4095), 'longest');
      expect(await fs.readlink('longest')).toBe('y'.repeat(4095));
      expect(await outcome(fs.symlink('z'.repeat(4096), 'toolong'))).toBe('ENAMETOOLONG');
      expect(await outcome(fs.symlink('', 'empty'))).toBe('ENOENT');
      expect(await outcome(fs.readFile('l'))).toBe('ENOENT');
      expect(await outcome(fs.readlink(''))).toBe('EINVAL');
    },
  },
  {
    name: 'symlinks are followed through layers, loops are ELOOP',
    layers: layers(
      dir({ d: dir({ f: file('x') }), l: symlink('m'), loop: symlink('loop2') }),
      dir({ m: symlink('d'), loop2: symlink('loop') }),
    ),
    async run(fs) {
      expect(await fs.readFile('l/f')).toBe('x');
      await fs.writeFile('l/new', 'through');
      expect(await fs.names('d')).toEqual(['f', 'new']);
      expect(await outcome(fs.stat('loop'))).toBe('ELOOP');
      await fs.symlink('made', 'dangling');
      await fs.writeFile('dangling', 'by open');
      expect(await fs.readFile('made')).toBe('by open');
    },
  },
];

export const link: Suite = { name: 'link', cases };
