/**
 * Binds whose host side changes under the mount, and mounts that meet each other: semantics.md section 3, two-way.
 * Only targets with mount points run these.
 */

import { expect } from 'vitest';
import { charDevice, dir, fifo, file, layers, socket, symlink } from '../../helpers/layers.js';
import { outcome } from '../../helpers/operator-client.js';
import {
  MAP_SHARED,
  O_APPEND,
  O_CREAT,
  O_EXCL,
  O_RDWR,
  O_WRONLY,
  PROT_READ,
  PROT_WRITE,
  RENAME_EXCHANGE,
} from '../../helpers/test-constants.js';
import { ALICE, BOB, type Case, type Suite } from '../suite.js';

const needs = ['mounts'] as const;
const srcAtM = (host: string, at: string): string[] => [`${host}/src:${at}/m`];
const union = layers(dir({ m: dir(), etc: dir({ conf: file('image') }), u: file('union') }));

const cases: Case[] = [
  {
    name: 'each listing is that of the moment, however fast the host changes',
    needs,
    layers: union,
    host: dir({ src: dir() }),
    volumes: srcAtM,
    async run(fs, t) {
      for (let round = 0; round < 40; round++) {
        await t.host.writeFile(`src/f${round}`, '');
        expect(await fs.names('m')).toEqual([`f${round}`]);
        await t.host.unlink(`src/f${round}`);
        expect(await fs.names('m')).toEqual([]);
      }
    },
  },
  {
    name: 'a file changed on the host changes in descriptors and shared maps, and the reverse',
    needs,
    layers: union,
    host: dir({ src: dir({ f: file('x'.repeat(8192)) }) }),
    volumes: srcAtM,
    async run(fs, t) {
      const fd = await fs.open('m/f', O_RDWR);
      const map = await fs.mmap(fd, 8192, PROT_READ | PROT_WRITE, MAP_SHARED);
      expect(await fs.mapRead(map, 4096, 2)).toBe('xx');
      const host = await t.host.open('src/f', O_RDWR);
      await t.host.write(host, 'by the host', 4096);
      expect(await fs.mapRead(map, 4096, 11)).toBe('by the host');
      expect((await fs.read(fd, 11, 4096)).toString()).toBe('by the host');
      await fs.mapWrite(map, 0, 'by the map');
      expect((await t.host.read(host, 10, 0)).toString()).toBe('by the map');
      await t.host.ftruncate(host, 5);
      expect((await fs.fstat(fd)).size).toBe(5);
      expect((await fs.read(fd, 100, 0)).toString()).toBe('by th');
    },
  },
  {
    name: 'appends of both sides follow each other',
    needs,
    layers: union,
    host: dir({ src: dir({ log: file('0') }) }),
    volumes: srcAtM,
    async run(fs, t) {
      const here = await fs.open('m/log', O_WRONLY | O_APPEND);
      const there = await t.host.open('src/log', O_WRONLY | O_APPEND);
      for (const [from, fd, text] of [
        [fs, here, '1'],
        [t.host, there, '2'],
        [fs, here, '3'],
        [t.host, there, '4'],
      ] as const)
        await from.write(fd, text);
      expect(await fs.readFile('m/log')).toBe('01234');
    },
  },
  {
    name: 'a file deleted or replaced on the host stays with those who have it open',
    needs,
    layers: union,
    host: dir({ src: dir({ f: file('old'), g: file('gone') }) }),
    volumes: srcAtM,
    async run(fs, t) {
      const f = await fs.open('m/f', O_RDWR);
      const g = await fs.open('m/g', O_RDWR);
      await t.host.writeFile('src/new', 'new');
      await t.host.rename('src/new', 'src/f');
      await t.host.unlink('src/g');
      expect(await fs.names('m')).toEqual(['f']);
      expect(await fs.readFile('m/f')).toBe('new');
      expect(await outcome(fs.readFile('m/g'))).toBe('ENOENT');
      expect((await fs.read(f, 9, 0)).toString()).toBe('old');
      await fs.write(g, '+', 4);
      expect((await fs.read(g, 9, 0)).toString()).toBe('gone+');
      expect((await fs.fstat(g)).nlink).toBe(0);
    },
  },
  {
    name: 'an inode number that the host uses again is another file',
    needs,
    layers: union,
    host: dir({ src: dir() }),
    volumes: srcAtM,
    async run(fs, t) {
      const seen = new Set<bigint>();
      for (let round = 0; round < 12; round++) {
        if (round % 2 === 0) await t.host.writeFile('src/n', `round ${round}`);
        else await t.host.symlink(`round ${round}`, 'src/n');
        const shown = round % 2 === 0 ? await fs.readFile('m/n') : await fs.readlink('m/n');
        expect(shown).toBe(`round ${round}`);
        seen.add((await fs.lstat('m/n')).ino);
        await t.host.unlink('src/n');
      }
      expect(seen.size).toBeLessThanOrEqual(12);
    },
  },
  {
    name: 'a directory moved on the host stays the working directory, and is found at its new place',
    needs,
    layers: union,
    host: dir({ src: dir({ d: dir({ f: file('in d') }), e: dir() }) }),
    volumes: srcAtM,
    async run(fs, t) {
      await fs.chdir('m/d');
      expect(await fs.readFile({ cwd: 'f' })).toBe('in d');
      await t.host.rename('src/d', 'src/e/moved');
      expect(await fs.readFile({ cwd: 'f' })).toBe('in d');
      expect(await fs.readFile('m/e/moved/f')).toBe('in d');
      expect(await outcome(fs.lstat('m/d'))).toBe('ENOENT');
      await t.host.writeFile('src/d', 'a file now');
      expect(await fs.readFile('m/d')).toBe('a file now');
      await fs.writeFile({ cwd: 'g' }, 'new');
      expect(await t.host.readFile('src/e/moved/g')).toBe('new');
    },
  },
  {
    name: 'a bound file that the host removes is missing, cannot be made through the mount, and comes back',
    needs,
    layers: union,
    host: dir({ conf: file('one') }),
    volumes: (host, at) => [`${host}/conf:${at}/etc/conf`],
    async run(fs, t) {
      expect(await fs.readFile('etc/conf')).toBe('one');
      await t.host.unlink('conf');
      expect(await outcome(fs.readFile('etc/conf'))).toBe('ENOENT');
      expect(await outcome(fs.open('etc/conf', O_WRONLY | O_CREAT | O_EXCL))).toBe('EBUSY');
      expect(await outcome(fs.mkdir('etc/conf'))).toBe('EBUSY');
      expect(await outcome(fs.symlink('x', 'etc/conf'))).toBe('EBUSY');
      expect(await outcome(fs.rename('u', 'etc/conf'))).toBe('EBUSY');
      await t.host.writeFile('conf', 'two');
      expect(await fs.readFile('etc/conf')).toBe('two');
      expect(await fs.names('etc')).toEqual(['conf']);
      expect(await outcome(t.upper.lstat('etc'))).toBe('ENOENT');
    },
  },
  {
    name: 'a source that is a symlink is what it leads to on the host',
    needs,
    layers: union,
    host: dir({ real: file('real'), tree: dir({ f: file('f') }), l: symlink('real'), d: symlink('tree') }),
    volumes: (host, at) => [`${host}/l:${at}/etc/conf`, `${host}/d:${at}/m`],
    async run(fs) {
      expect((await fs.lstat('etc/conf')).type).toBe('file');
      expect(await fs.readFile('etc/conf')).toBe('real');
      expect(await fs.readFile('m/f')).toBe('f');
    },
  },
  {
    name: 'between two mounts of one directory names move, are linked, exchanged and replaced',
    needs,
    layers: layers(dir()),
    host: dir({ src: dir({ f: file('f'), g: file('g'), d: dir({ x: file('x') }) }) }),
    volumes: (host, at) => [`${host}/src:${at}/a`, `${host}/src:${at}/b`],
    async run(fs, t) {
      const g = await fs.open('b/g', O_RDWR);
      const f = await fs.open('a/f', O_RDWR);
      await fs.link('a/f', 'b/l');
      expect(await fs.lstat('b/l')).toMatchObject({ nlink: 2 });
      await fs.rename('a/f', 'b/g');
      expect((await fs.read(g, 1, 0)).toString()).toBe('g');
      expect((await fs.read(f, 1, 0)).toString()).toBe('f');
      expect(await fs.readFile('a/g')).toBe('f');
      await fs.rename('a/d', 'b/e');
      expect(await fs.readFile('b/e/x')).toBe('x');
      await fs.rename('a/e', 'b/l', RENAME_EXCHANGE);
      expect(await fs.readFile('a/l/x')).toBe('x');
      expect(await t.host.names('src')).toEqual(['e', 'g', 'l']);
      await fs.close(g);
      await fs.close(f);
      await fs.writeFile('a/g', 'again');
      expect(await fs.readFile('b/g')).toBe('again');
    },
  },
  {
    name: 'symlinks lead a target neither out of the root nor below a shallower mount',
    needs,
    layers: layers(
      dir({ up: symlink('../../../../../../..'), x: dir({ y: dir({ hidden: file() }) }), l: symlink('x/y') }),
    ),
    host: dir({ src: dir({ f: file('src') }), shallow: dir({ s: file('shallow') }) }),
    volumes: (host, at) => [
      `${host}/src:${at}/up/outside`,
      `${host}/src:${at}/l/deep`,
      `${host}/shallow:${at}/x/y`,
    ],
    async run(fs, t) {
      expect(await fs.readFile('../outside/f')).toBe('src');
      expect(await fs.names('x/y')).toEqual(['deep', 's']);
      expect(await fs.readFile('x/y/deep/f')).toBe('src');
      expect(await t.host.names('')).toEqual(['shallow', 'src']);
      expect(await t.host.names('shallow')).toEqual(['s']);
    },
  },
  {
    name: 'a directory with mount points in it is renamed with them, and not removed or replaced',
    needs,
    layers: layers(dir({ empty: dir() })),
    host: dir({ src: dir({ f: file('src') }) }),
    volumes: (host, at) => [`${host}/src:${at}/made/m`, `${host}/src:${at}/empty/m`],
    async run(fs) {
      expect(await outcome(fs.rmdir('empty'))).toBe('EBUSY');
      await fs.mkdir('other');
      expect(await outcome(fs.rename('other', 'empty'))).toBe('EBUSY');
      expect(await outcome(fs.writeFile('made/new', ''))).toBe('EROFS');
      expect(await outcome(fs.mkdir('made/new'))).toBe('EROFS');
      expect(await outcome(fs.chmod('made', 0o700))).toBe('EROFS');
      expect(await fs.readFile('empty/m/f')).toBe('src');
    },
  },
  {
    name: 'uidmap and gidmap translate owners both ways, an owner outside them is nobody',
    needs,
    layers: union,
    host: dir({
      src: dir({ f: file('', { uid: 1000, gid: 1000 }), g: file('', { uid: 7 }) }, { mode: 0o777 }),
    }),
    volumes: (host, at) => [`${host}/src:${at}/m:uidmap=0:1000:10,gidmap=0:1000:10`],
    async run(fs, t) {
      expect(await fs.lstat('m/f')).toMatchObject({ uid: 0, gid: 0 });
      expect((await fs.lstat('m/g')).uid).toBe(65534);
      await fs.writeFile('m/new', '');
      await fs.chown('m/f', 3, 4);
      expect(await t.host.lstat('src/new')).toMatchObject({ uid: 1000, gid: 1000 });
      expect(await t.host.lstat('src/f')).toMatchObject({ uid: 1003, gid: 1004 });
      expect(await outcome(fs.chown('m/f', 10, 0))).toBe('EOVERFLOW');
      expect(await outcome((await t.as(ALICE)).writeFile('m/x', ''))).toBe('EOVERFLOW');
    },
  },
  {
    name: 'a bind of a file system without ACLs lets users pass',
    needs,
    layers: union,
    volumes: (_, at) => [`/proc/sys:${at}/m`],
    async run(_, t) {
      const alice = await t.as(ALICE);
      expect(await alice.readFile('m/kernel/ostype')).toBe('Linux\n');
      expect(await outcome(alice.open('m/kernel/hostname', O_WRONLY))).toBe('EACCES');
    },
  },
  {
    name: 'squash shows one owner and stores as the owner of the source',
    needs,
    layers: union,
    host: dir({ src: dir({ f: file('', { uid: 7, gid: 7 }) }, { uid: 1000, gid: 1000 }) }),
    volumes: (host, at) => [`${host}/src:${at}/m:squash=${ALICE.uid}:${ALICE.gid}`],
    async run(fs, t) {
      expect(await fs.lstat('m/f')).toMatchObject({ uid: ALICE.uid, gid: ALICE.gid });
      const alice = await t.as(ALICE);
      await alice.writeFile('m/f', 'hers');
      await alice.mkdir('m/d');
      expect(await t.host.lstat('src/d')).toMatchObject({ uid: 1000, gid: 1000 });
      expect(await outcome((await t.as(BOB)).writeFile('m/f', ''))).toBe('EACCES');
      expect(await outcome(fs.chown('m/f', 0, 0))).toBe('EPERM');
    },
  },
  {
    name: 'in a bind new objects belong to the caller, with umask, setgid directory and sticky bit like everywhere else',
    needs,
    layers: union,
    host: dir({
      src: dir(
        { g: dir({}, { mode: 0o2777, gid: 4242 }), t: dir({ a: file() }, { mode: 0o1777 }), p: dir() },
        { mode: 0o755 },
      ),
    }),
    volumes: srcAtM,
    async run(_, t) {
      const alice = await t.as(ALICE);
      await alice.umask(0o027);
      await alice.writeFile('m/g/f', 'x');
      await alice.mkdir('m/g/d');
      expect(await t.host.lstat('src/g/f')).toMatchObject({ uid: ALICE.uid, gid: 4242, mode: 0o640 });
      expect(await t.host.lstat('src/g/d')).toMatchObject({ uid: ALICE.uid, gid: 4242, mode: 0o2750 });
      expect(await outcome(alice.unlink('m/t/a'))).toBe('EPERM');
      expect(await outcome(alice.writeFile('m/p/f', ''))).toBe('EACCES');
      expect(await outcome(alice.chmod('m/t/a', 0o777))).toBe('EPERM');
    },
  },
  {
    name: 'special files of a bind keep their type, and devices work',
    needs,
    layers: union,
    host: dir({ src: dir({ p: fifo(), s: socket(), null: charDevice(1, 3) }), zero: charDevice(1, 5) }),
    volumes: (host, at) => [...srcAtM(host, at), `${host}/zero:${at}/dev/zero`],
    async run(fs) {
      expect((await fs.lstat('m/p')).type).toBe('fifo');
      expect((await fs.lstat('m/s')).type).toBe('socket');
      expect(await fs.lstat('m/null')).toMatchObject({ type: 'char', rdev: '1:3' });
      const fd = await fs.open('dev/zero', O_RDWR);
      expect(await fs.read(fd, 3)).toEqual(Buffer.alloc(3));
      expect(await fs.readdir('dev')).toMatchObject([{ name: 'zero' }]);
    },
  },
];

export const hostChanges: Suite = { name: 'host-changes', cases };
