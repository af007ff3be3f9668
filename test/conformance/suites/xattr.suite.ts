/** Extended attributes: set, get, list, remove, sizes, flags, namespaces. */

import { expect } from 'vitest';
import { dir, fifo, file, layers, symlink } from '../../helpers/layers.js';
import { outcome } from '../../helpers/operator-client.js';
import { XATTR_CREATE, XATTR_REPLACE } from '../../helpers/test-constants.js';
import { ALICE, BOB, type Case, type Suite } from '../suite.js';

/** A value with every byte; ext4 has a block for all of a file, and what the union adds needs some of it. */
const LARGE = Array.from({ length: 3400 }, (_, index) => String.fromCharCode(index % 256)).join('');
const MANY = Array.from({ length: 100 }, (_, index) => `user.n${index}`);

const cases: Case[] = [
  {
    name: 'a value is set, read, listed and removed, on files and directories of a layer',
    layers: layers(dir({ f: file('x', { xattrs: { 'user.low': '1' } }), d: dir({ in: file() }) })),
    async run(fs, t) {
      for (const name of ['f', 'd']) {
        await fs.setxattr(name, 'user.a', 'value');
        await fs.setxattr(name, 'user.bin', '\0\xff\n');
        await fs.setxattr(name, 'user.empty', '');
        await t.remount();
        expect(await fs.getxattr(name, 'user.a')).toBe('value');
        expect(await fs.getxattr(name, 'user.bin')).toBe('\0\xff\n');
        expect(await fs.getxattr(name, 'user.empty')).toBe('');
        await fs.removexattr(name, 'user.bin');
      }
      expect(await fs.listxattr('f')).toEqual(['user.a', 'user.empty', 'user.low']);
      expect(await fs.listxattr('d')).toEqual(['user.a', 'user.empty']);
      expect(await fs.readFile('f')).toBe('x');
      expect(await fs.names('d')).toEqual(['in']);
    },
  },
  {
    name: 'an xattr of a layer is removed for good',
    layers: layers(dir({ f: file('x', { xattrs: { 'user.a': '1', 'user.b': '2' } }) })),
    async run(fs, t) {
      await fs.removexattr('f', 'user.a');
      await t.remount();
      expect(await fs.listxattr('f')).toEqual(['user.b']);
      expect(await outcome(fs.getxattr('f', 'user.a'))).toBe('ENODATA');
      expect(await outcome(fs.removexattr('f', 'user.a'))).toBe('ENODATA');
    },
  },
  {
    name: 'XATTR_CREATE and XATTR_REPLACE hold, also against a layer',
    layers: layers(dir({ f: file('x', { xattrs: { 'user.a': '1' } }) })),
    async run(fs) {
      expect(await outcome(fs.setxattr('f', 'user.a', '2', XATTR_CREATE))).toBe('EEXIST');
      expect(await outcome(fs.setxattr('f', 'user.b', '2', XATTR_REPLACE))).toBe('ENODATA');
      expect(await outcome(fs.setxattr('f', 'user.a', '2', XATTR_REPLACE))).toBe('ok');
      expect(await outcome(fs.setxattr('f', 'user.b', '3', XATTR_CREATE))).toBe('ok');
      expect([await fs.getxattr('f', 'user.a'), await fs.getxattr('f', 'user.b')]).toEqual(['2', '3']);
    },
  },
  {
    name: 'sizes are told without a buffer, too small a buffer is ERANGE',
    layers: layers(dir({ f: file('x', { xattrs: { 'user.a': '12345' } }) })),
    async run(fs) {
      expect(await fs.xattrSize('f', 'user.a')).toBe(5);
      expect(await outcome(fs.getxattr('f', 'user.a', 3))).toBe('ERANGE');
      expect(await fs.getxattr('f', 'user.a', 100)).toBe('12345');
    },
  },
  {
    name: 'a value that fills most of a block, and a hundred small ones, are kept by copy-up',
    layers: layers(
      dir({
        large: file('x', { xattrs: { 'user.v': LARGE } }),
        many: file('x', { xattrs: Object.fromEntries(MANY.map((name) => [name, `of ${name}`])) }),
        d: dir({}, { xattrs: { 'user.v': LARGE } }),
      }),
    ),
    async run(fs, t) {
      for (const name of ['large', 'many', 'd']) await fs.chmod(name, 0o700);
      for (const name of ['large', 'many']) await fs.writeFile(name, 'changed');
      await t.remount();
      for (const name of ['large', 'd']) expect(await fs.getxattr(name, 'user.v')).toBe(LARGE);
      expect(await fs.listxattr('many')).toEqual([...MANY].sort());
      for (const name of MANY) expect(await fs.getxattr('many', name)).toBe(`of ${name}`);
      // A second such value has no room on ext4; what was there stays.
      expect(['ok', 'ENOSPC']).toContain(await outcome(fs.setxattr('large', 'user.w', LARGE)));
      expect(await fs.getxattr('large', 'user.v')).toBe(LARGE);
    },
  },
  {
    name: 'names and values are limited',
    async run(fs) {
      await fs.writeFile('f', '');
      expect(await outcome(fs.setxattr('f', `user.${'n'.repeat(250)}`, 'x'))).toBe('ok');
      expect(await outcome(fs.setxattr('f', `user.${'n'.repeat(251)}`, 'x'))).toBe('ERANGE');
      expect(await outcome(fs.setxattr('f', 'user.v', Buffer.alloc(65_537)))).toBe('E2BIG');
      expect(await outcome(fs.setxattr('f', 'user.', 'x'))).toBe('EINVAL');
      expect(await outcome(fs.setxattr('f', 'unknown.a', 'x'))).toBe('EOPNOTSUPP');
      expect(await outcome(fs.getxattr('f', 'unknown.a'))).toBe('EOPNOTSUPP');
    },
  },
  {
    name: 'user xattrs are refused on symlinks and fifos, trusted ones are not',
    layers: layers(dir({ l: symlink('x'), p: fifo() })),
    async run(fs) {
      for (const name of ['l', 'p']) {
        expect(await outcome(fs.setxattr(name, 'user.a', '1'))).toBe('EPERM');
        expect(await outcome(fs.setxattr(name, 'trusted.a', '1'))).toBe('ok');
        expect(await fs.getxattr(name, 'trusted.a')).toBe('1');
      }
    },
  },
  {
    name: 'trusted xattrs are for root alone, user xattrs follow the mode',
    layers: layers(
      dir(
        { f: file('x', { uid: ALICE.uid, mode: 0o644, xattrs: { 'trusted.t': '1', 'user.u': '2' } }) },
        { mode: 0o777 },
      ),
    ),
    async run(_, t) {
      const [alice, bob] = [await t.as(ALICE), await t.as(BOB)];
      expect(await alice.listxattr('f')).toEqual(['user.u']);
      expect(await outcome(alice.getxattr('f', 'trusted.t'))).toBe('ENODATA');
      expect(await outcome(alice.setxattr('f', 'trusted.t', '1'))).toBe('EPERM');
      expect(await outcome(alice.setxattr('f', 'user.u', '3'))).toBe('ok');
      expect(await bob.getxattr('f', 'user.u')).toBe('3');
      expect(await outcome(bob.setxattr('f', 'user.u', '4'))).toBe('EACCES');
    },
  },
  {
    name: 'security xattrs pass through',
    layers: layers(dir({ f: file('x') })),
    async run(fs, t) {
      await fs.setxattr('f', 'security.test', 'label');
      await t.remount();
      expect(await fs.listxattr('f')).toEqual(['security.test']);
      expect(await fs.getxattr('f', 'security.test')).toBe('label');
    },
  },
  {
    name: 'a missing xattr is ENODATA, on a missing file ENOENT',
    layers: layers(dir({ f: file('x'), d: dir() })),
    async run(fs) {
      for (const name of ['f', 'd']) {
        expect(await outcome(fs.getxattr(name, 'user.no'))).toBe('ENODATA');
        expect(await fs.listxattr(name)).toEqual([]);
      }
      expect(await outcome(fs.getxattr('no', 'user.no'))).toBe('ENOENT');
      expect(await outcome(fs.getxattr('f', 'system.posix_acl_access'))).toBe('ENODATA');
    },
  },
  {
    name: 'many xattrs fit in one list',
    async run(fs) {
      await fs.writeFile('f', '');
      const names = Array.from({ length: 60 }, (_, n) => `user.name-${String(n).padStart(3, '0')}`);
      for (const name of names) await fs.setxattr('f', name, 'v');
      expect(await fs.listxattr('f')).toEqual(names);
    },
  },
  {
    name: 'setting one changes ctime and not mtime',
    layers: layers(dir({ f: file('x', { mtimeNs: 5_000_000_000n }) })),
    async run(fs) {
      const before = await fs.lstat('f');
      await fs.setxattr('f', 'user.a', '1');
      const after = await fs.lstat('f');
      expect(after.mtimeNs).toBe(5_000_000_000n);
      expect(after.ctimeNs).toBeGreaterThan(before.ctimeNs);
    },
  },
];

export const xattr: Suite = { name: 'xattr', cases };
