/** Creating, writing and truncating, in new files and in files of a layer: open(2), write(2), truncate(2). */

import { expect } from 'vitest';
import { dir, file, layers, sparse, symlink, whiteout } from '../../helpers/layers.js';
import { outcome } from '../../helpers/operator-client.js';
import {
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  SEEK_CUR,
} from '../../helpers/test-constants.js';
import type { Case, Suite } from '../suite.js';

const GIB = 2 ** 30;

const cases: Case[] = [
  {
    name: 'what is written is read back, at any offset, also after a remount',
    async run(fs, t) {
      const fd = await fs.open('f', O_RDWR | O_CREAT);
      expect(await fs.write(fd, 'hello world')).toBe(11);
      expect(await fs.write(fd, 'J', 0)).toBe(1);
      expect(await fs.write(fd, 'end', 20)).toBe(3);
      expect((await fs.read(fd, 100, 0)).toString('latin1')).toBe(`Jello world${'\0'.repeat(9)}end`);
      expect((await fs.read(fd, 10, 23)).length).toBe(0);
      await fs.close(fd);
      await t.remount();
      expect(await fs.readFile('f')).toBe(`Jello world${'\0'.repeat(9)}end`);
    },
  },
  {
    name: 'a larger file of several requests keeps every byte',
    async run(fs) {
      const data = Buffer.alloc(5 * 2 ** 20 + 17, 0);
      for (let at = 0; at < data.length; at += 4) data.writeUInt8((at / 4) % 251, at);
      await fs.writeFile('big', data);
      const back = Buffer.from(await fs.readFile('big'), 'latin1');
      expect(back.equals(data)).toBe(true);
    },
  },
  {
    name: 'O_CREAT with O_EXCL refuses any existing name, a dangling symlink too',
    layers: layers(dir({ f: file(), d: dir(), l: symlink('nowhere'), w: file() }), dir({ w: whiteout() })),
    async run(fs) {
      const flags = O_CREAT | O_EXCL | O_WRONLY;
      for (const name of ['f', 'd', 'l']) expect(await outcome(fs.open(name, flags))).toBe('EEXIST');
      expect(await outcome(fs.open('w', flags))).toBe('ok');
      expect(await outcome(fs.open('n', flags))).toBe('ok');
      expect(await fs.names('')).toEqual(['d', 'f', 'l', 'n', 'w']);
    },
  },
  {
    name: 'open refuses the wrong type',
    layers: layers(dir({ f: file(), d: dir(), l: symlink('f') }), dir({ g: file() })),
    async run(fs) {
      expect(await outcome(fs.open('d', O_WRONLY))).toBe('EISDIR');
      expect(await outcome(fs.open('d', O_RDWR | O_CREAT))).toBe('EISDIR');
      expect(await outcome(fs.open('f', O_DIRECTORY))).toBe('ENOTDIR');
      expect(await outcome(fs.open('l', O_NOFOLLOW))).toBe('ELOOP');
      expect(await outcome(fs.open('g', O_DIRECTORY | O_RDONLY))).toBe('ENOTDIR');
      expect(await outcome(fs.open('nope/x', O_CREAT | O_WRONLY))).toBe('ENOENT');
    },
  },
  {
    name: 'writing a file of a layer changes the union and not the layer',
    layers: layers(dir({ d: dir({ f: file('lower content') }) }), dir({ other: file() })),
    async run(fs, t) {
      const fd = await fs.open('d/f', O_RDWR);
      await fs.write(fd, 'UPPER', 0);
      expect((await fs.read(fd, 100, 0)).toString()).toBe('UPPER content');
      await fs.close(fd);
      await t.remount();
      expect(await fs.readFile('d/f')).toBe('UPPER content');
    },
  },
  {
    name: 'opening for reading makes no copy',
    needs: ['layers'],
    layers: layers(dir({ d: dir({ f: file('x') }) })),
    async run(fs, t) {
      await fs.readFile('d/f');
      await fs.names('d');
      expect(await outcome(t.upper.lstat('d'))).toBe('ENOENT');
    },
  },
  {
    name: 'a descriptor open for reading sees what is written after it was opened, in upper',
    async run(fs) {
      await fs.writeFile('f', 'one');
      const reader = await fs.open('f', O_RDONLY);
      const writer = await fs.open('f', O_WRONLY);
      await fs.write(writer, 'two');
      expect((await fs.read(reader, 10, 0)).toString()).toBe('two');
    },
  },
  {
    name: 'O_TRUNC empties a file of a layer and keeps its mode and owner',
    layers: layers(dir({ f: file('content', { mode: 0o640, uid: 11, gid: 12, xattrs: { 'user.a': 'b' } }) })),
    async run(fs) {
      await fs.writeFile('f', 'new', O_WRONLY | O_TRUNC);
      expect(await fs.readFile('f')).toBe('new');
      expect(await fs.lstat('f')).toMatchObject({ mode: 0o640, uid: 11, gid: 12, size: 3 });
      expect(await fs.getxattr('f', 'user.a')).toBe('b');
    },
  },
  {
    name: 'O_TRUNC of a large file of a layer copies none of its data',
    needs: ['layers'],
    layers: layers(dir({ f: sparse(8 * GIB, [[8 * GIB - 4, 'tail']]) })),
    async run(fs, t) {
      const fd = await fs.open('f', O_WRONLY | O_TRUNC);
      await fs.close(fd);
      expect(await fs.lstat('f')).toMatchObject({ size: 0 });
      expect((await t.upper.lstat('f')).blocks).toBeLessThanOrEqual(16);
    },
  },
  {
    name: 'truncate shortens and lengthens a file of a layer, with zeros',
    layers: layers(dir({ a: file('0123456789'), b: file('0123456789'), c: file('0123456789') })),
    async run(fs) {
      await fs.truncate('a', 4);
      await fs.truncate('b', 12);
      await fs.truncate('c', 0);
      expect(await fs.readFile('a')).toBe('0123');
      expect(await fs.readFile('b')).toBe('0123456789\0\0');
      expect(await fs.readFile('c')).toBe('');
      await fs.truncate('a', 6);
      expect(await fs.readFile('a')).toBe('0123\0\0');
    },
  },
  {
    name: 'truncate refuses a directory, a negative size and a missing name',
    layers: layers(dir({ d: dir(), f: file() })),
    async run(fs) {
      expect(await outcome(fs.truncate('d', 0))).toBe('EISDIR');
      expect(await outcome(fs.truncate('f', -1))).toBe('EINVAL');
      expect(await outcome(fs.truncate('no', 0))).toBe('ENOENT');
      const fd = await fs.open('f', O_RDONLY);
      expect(await outcome(fs.ftruncate(fd, 0))).toBe('EINVAL');
    },
  },
  {
    name: 'ftruncate and a write beyond the end agree about what lies between',
    async run(fs) {
      const fd = await fs.open('f', O_RDWR | O_CREAT);
      await fs.write(fd, 'x'.repeat(6000));
      await fs.ftruncate(fd, 3000);
      await fs.write(fd, 'y', 5000);
      const data = (await fs.read(fd, 6000, 0)).toString('latin1');
      expect(data).toBe(`${'x'.repeat(3000)}${'\0'.repeat(2000)}y`);
    },
  },
  {
    name: 'two writers with O_APPEND lose nothing',
    layers: layers(dir({ log: file('start\n') })),
    async run(fs, t) {
      const other = await t.other();
      const mine = await fs.open('log', O_WRONLY | O_APPEND);
      const theirs = await other.open('log', O_WRONLY | O_APPEND);
      const writes: Promise<unknown>[] = [];
      for (let n = 0; n < 50; n += 1) {
        writes.push(fs.write(mine, `a${n}\n`), other.write(theirs, `b${n}\n`));
      }
      await Promise.all(writes);
      const lines = (await fs.readFile('log')).trimEnd().split('\n');
      expect(lines.length).toBe(101);
      for (const who of ['a', 'b']) {
        expect(lines.filter((line) => line[0] === who)).toEqual(
          Array.from({ length: 50 }, (_, n) => `${who}${n}`),
        );
      }
    },
  },
  {
    name: 'an append descriptor writes at the end even after a seek',
    layers: layers(dir({ f: file('0123') })),
    async run(fs) {
      const fd = await fs.open('f', O_RDWR | O_APPEND);
      await fs.lseek(fd, 1, 0);
      await fs.write(fd, 'X');
      expect(await fs.lseek(fd, 0, SEEK_CUR)).toBe(5);
      expect(await fs.readFile('f')).toBe('0123X');
    },
  },
  {
    name: 'a file of more than 4 GiB is written and read beyond that',
    async run(fs) {
      const fd = await fs.open('f', O_RDWR | O_CREAT);
      await fs.write(fd, 'far', 5 * GIB);
      expect((await fs.read(fd, 10, 5 * GIB)).toString()).toBe('far');
      expect((await fs.fstat(fd)).size).toBe(5 * GIB + 3);
      expect((await fs.fstat(fd)).blocks).toBeLessThan(1000);
    },
  },
  {
    name: 'a file of a layer of more than 4 GiB is changed beyond that, and keeps the rest',
    layers: layers(
      dir({
        f: sparse(5 * GIB, [
          [0, 'head'],
          [5 * GIB - 4, 'tail'],
        ]),
      }),
    ),
    async run(fs, t) {
      const fd = await fs.open('f', O_RDWR);
      await fs.write(fd, 'far', 4 * GIB + 10);
      await fs.close(fd);
      await t.remount();
      const again = await fs.open('f');
      expect(await fs.fstat(again)).toMatchObject({ size: 5 * GIB });
      for (const [at, data] of [
        [0, 'head'],
        [10, '\0\0\0'],
        [4 * GIB + 10, 'far'],
        [5 * GIB - 4, 'tail'],
      ] as const)
        expect((await fs.read(again, data.length, at)).toString('latin1')).toBe(data);
      expect((await fs.fstat(again)).blocks).toBeLessThan(10_000);
    },
  },
  {
    name: 'wrong descriptors are refused',
    async run(fs) {
      await fs.writeFile('f', 'x');
      const reader = await fs.open('f', O_RDONLY);
      const writer = await fs.open('f', O_WRONLY);
      expect(await outcome(fs.write(reader, 'y'))).toBe('EBADF');
      expect(await outcome(fs.read(writer, 1))).toBe('EBADF');
      const d = await fs.open('');
      expect(await outcome(fs.read(d, 1))).toBe('EISDIR');
    },
  },
  {
    name: 'fsync and fdatasync answer on files of upper and of a layer, small and large, and on directories',
    layers: layers(dir({ f: file('x'), d: dir() })),
    async run(fs) {
      const large = await fs.open('large', O_CREAT | O_WRONLY);
      await fs.write(large, 'x', GIB);
      for (const fd of [
        large,
        await fs.open('f'),
        await fs.open('d'),
        await fs.open('n', O_CREAT | O_WRONLY),
      ]) {
        expect(await outcome(fs.fsync(fd))).toBe('ok');
        expect(await outcome(fs.fdatasync(fd))).toBe('ok');
      }
    },
  },
  {
    name: 'a program that is running is not written, one being written not run',
    async run(fs) {
      const script = await fs.run('cp', '/bin/true', 'prog');
      expect(script.status).toBe(0);
      expect((await fs.execute('prog')).status).toBe(0);
      await fs.open('prog', O_WRONLY);
      expect((await fs.execute('prog')).code).toBe('ETXTBSY');
    },
  },
  {
    name: 'a program of a layer runs',
    layers: layers(dir({ 'hello.sh': file('#!/bin/sh\necho hello "$1"\n', { mode: 0o755 }), no: file('x') })),
    async run(fs) {
      expect((await fs.execute('hello.sh', 'you')).stdout).toBe('hello you\n');
      expect((await fs.execute('no')).code).toBe('EACCES');
    },
  },
];

export const write: Suite = { name: 'write', cases };
