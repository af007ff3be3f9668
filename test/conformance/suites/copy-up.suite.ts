/** What a copy-up keeps, and what it copies: semantics.md section 2, third item. */

import { expect } from 'vitest';
import { dir, fifo, file, layers, sparse, symlink } from '../../helpers/layers.js';
import { outcome } from '../../helpers/operator-client.js';
import { O_APPEND, O_RDONLY, O_WRONLY, SEEK_DATA, SEEK_HOLE } from '../../helpers/test-constants.js';
import { posixAcl } from '../acl.js';
import type { Case, Suite } from '../suite.js';

const MIB = 2 ** 20;
const OLD = 987_654_321_123_456_789n;
/** cap_net_raw=ep, as setcap(8) stores it: VFS_CAP_REVISION_2 with the effective bit, permitted word 0. */
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex').toString('latin1');
const ACL = posixAcl({ owner: 6, users: { 1005: 4 }, group: 4, mask: 7, other: 4 });
const ATTRIBUTES = { mode: 0o640, uid: 31, gid: 32, mtimeNs: OLD, atimeNs: OLD - 5n };
const KEPT = { mode: 0o640, uid: 31, gid: 32 };

const cases: Case[] = [
  {
    name: 'an append keeps mode, owner and xattrs and adds to the content',
    layers: layers(
      dir({ f: file('lower', { ...ATTRIBUTES, xattrs: { 'user.a': '1', 'trusted.b': '\x01\xff' } }) }),
    ),
    async run(fs) {
      await fs.writeFile('f', '+', O_WRONLY | O_APPEND);
      expect(await fs.lstat('f')).toMatchObject({ ...KEPT, size: 6 });
      expect(await fs.readFile('f')).toBe('lower+');
      expect(await fs.getxattr('f', 'user.a')).toBe('1');
      expect(await fs.getxattr('f', 'trusted.b')).toBe('\x01\xff');
    },
  },
  {
    name: 'opening for writing without writing keeps the times to the nanosecond',
    layers: layers(dir({ f: file('lower', ATTRIBUTES) })),
    async run(fs, t) {
      await fs.close(await fs.open('f', O_WRONLY));
      expect(await fs.lstat('f')).toMatchObject({ ...KEPT, mtimeNs: OLD, atimeNs: OLD - 5n });
      await t.remount();
      expect(await fs.lstat('f')).toMatchObject({ ...KEPT, mtimeNs: OLD });
    },
  },
  {
    name: 'chmod keeps content, owner, times and xattrs',
    layers: layers(dir({ f: file('lower', { ...ATTRIBUTES, xattrs: { 'user.a': '1' } }) })),
    async run(fs, t) {
      await fs.chmod('f', 0o604);
      const expected = { ...KEPT, mode: 0o604, mtimeNs: OLD, atimeNs: OLD - 5n, size: 5 };
      expect(await fs.lstat('f')).toMatchObject(expected);
      await t.remount();
      expect(await fs.lstat('f')).toMatchObject(expected);
      expect(await fs.listxattr('f')).toEqual(['user.a']);
      expect(await fs.readFile('f')).toBe('lower');
    },
  },
  {
    name: 'chown and utimes of a file of a layer change only that',
    layers: layers(dir({ f: file('lower', ATTRIBUTES), g: file('lower', ATTRIBUTES) })),
    async run(fs, t) {
      await fs.chown('f', 41, -1);
      await fs.utimens('g', 'omit', -7n);
      await t.remount();
      expect(await fs.lstat('f')).toMatchObject({ mode: 0o640, uid: 41, gid: 32, mtimeNs: OLD, size: 5 });
      expect(await fs.lstat('g')).toMatchObject({ ...KEPT, mtimeNs: -7n, atimeNs: OLD - 5n, size: 5 });
      expect(await fs.readFile('f')).toBe('lower');
      expect(await fs.readFile('g')).toBe('lower');
    },
  },
  {
    name: 'chmod, chown, utimes and setxattr of a large file copy no data',
    needs: ['layers'],
    layers: layers(
      dir(
        Object.fromEntries(
          ['all', 'mode', 'owner', 'times', 'xattr'].map((name) => [name, file(Buffer.alloc(3 * MIB, 'x'))]),
        ),
      ),
    ),
    async run(fs, t) {
      await fs.chmod('mode', 0o600);
      await fs.chown('owner', 3, 4);
      await fs.utimens('times', 1n, 2n);
      await fs.setxattr('xattr', 'user.x', '1');
      await fs.chmod('all', 0o600);
      await fs.chown('all', 3, 4);
      await fs.utimens('all', 1n, 2n);
      await fs.setxattr('all', 'user.x', '1');
      for (const name of ['all', 'mode', 'owner', 'times', 'xattr']) {
        expect((await t.upper.lstat(name)).blocks).toBeLessThanOrEqual(16);
        expect(await fs.readFile(name)).toBe('x'.repeat(3 * MIB));
      }
      await fs.writeFile('all', 'Z', O_WRONLY);
      expect((await fs.readFile('all')).slice(0, 3)).toBe('Zxx');
      expect(await fs.lstat('all')).toMatchObject({ mode: 0o600, uid: 3, gid: 4, size: 3 * MIB });
    },
  },
  {
    name: 'a write after a metadata change still finds the content, also after a remount',
    layers: layers(dir({ d: dir({ f: file('0123456789') }) })),
    async run(fs, t) {
      await fs.chmod('d/f', 0o600);
      await t.remount();
      expect(await fs.readFile('d/f')).toBe('0123456789');
      await fs.writeFile('d/f', 'AB', O_WRONLY);
      await t.remount();
      expect(await fs.readFile('d/f')).toBe('AB23456789');
      expect((await fs.lstat('d/f')).mode).toBe(0o600);
    },
  },
  {
    name: 'opening for writing after a metadata change keeps the times',
    layers: layers(dir({ f: file('lower', ATTRIBUTES) })),
    async run(fs) {
      await fs.chmod('f', 0o600);
      await fs.close(await fs.open('f', O_WRONLY));
      expect(await fs.lstat('f')).toMatchObject({ mtimeNs: OLD });
    },
  },
  {
    name: 'capabilities and POSIX ACLs come along',
    layers: layers(
      dir({
        f: file('x', {
          mode: 0o674,
          xattrs: {
            'security.capability': CAPABILITY,
            'system.posix_acl_access': ACL,
          },
        }),
        d: dir({}, { xattrs: { 'system.posix_acl_default': posixAcl({ owner: 7, group: 5, other: 0 }) } }),
      }),
    ),
    async run(fs) {
      const before = [
        await fs.getxattr('f', 'security.capability'),
        await fs.getxattr('f', 'system.posix_acl_access'),
      ];
      const dirAcl = await fs.getxattr('d', 'system.posix_acl_default');
      await fs.utimens('f', 1n, 1n);
      await fs.writeFile('d/new', 'x');
      expect([
        await fs.getxattr('f', 'security.capability'),
        await fs.getxattr('f', 'system.posix_acl_access'),
      ]).toEqual(before);
      expect(await fs.getxattr('d', 'system.posix_acl_default')).toBe(dirAcl);
    },
  },
  {
    name: 'ACLs come along where data is copied, and with parents that are made',
    layers: layers(
      dir({
        d: dir(
          { f: file('x', { mode: 0o674, xattrs: { 'system.posix_acl_access': ACL } }) },
          {
            mode: 0o771,
            xattrs: {
              'system.posix_acl_access': posixAcl({
                owner: 7,
                users: { 1005: 5 },
                group: 5,
                mask: 7,
                other: 1,
              }),
              'system.posix_acl_default': posixAcl({
                owner: 7,
                users: { 1006: 7 },
                group: 5,
                mask: 7,
                other: 0,
              }),
            },
          },
        ),
      }),
    ),
    async run(fs, t) {
      const look = async (path: string) =>
        Promise.all(['access', 'default'].map((which) => fs.getxattr(path, `system.posix_acl_${which}`)));
      const before = await look('d');
      await fs.writeFile('d/f', 'y', O_WRONLY);
      const check = async (): Promise<void> => {
        expect(await look('d')).toEqual(before);
        expect(await fs.listxattr('d/f')).toEqual(['system.posix_acl_access']);
        expect(await fs.getxattr('d/f', 'system.posix_acl_access')).toBe(ACL.toString('latin1'));
        expect([(await fs.lstat('d')).mode, (await fs.lstat('d/f')).mode]).toEqual([0o771, 0o674]);
      };
      await check();
      await t.remount();
      await check();
    },
  },
  {
    name: 'holes stay holes',
    layers: layers(
      dir({
        f: sparse(8 * MIB, [
          [0, 'head'],
          [4 * MIB, 'middle'],
        ]),
      }),
    ),
    async run(fs) {
      await fs.writeFile('f', 'HEAD', O_WRONLY);
      const fd = await fs.open('f');
      expect((await fs.fstat(fd)).blocks).toBeLessThan(100);
      expect((await fs.fstat(fd)).size).toBe(8 * MIB);
      expect(await fs.lseek(fd, 100_000, SEEK_DATA)).toBe(4 * MIB);
      expect(await fs.lseek(fd, 4 * MIB, SEEK_HOLE)).toBeLessThanOrEqual(4 * MIB + 65_536);
      expect((await fs.read(fd, 10, 4 * MIB)).toString('latin1')).toBe('middle\0\0\0\0');
    },
  },
  {
    name: 'parents are made with the attributes of the lower directory, and their times stay',
    layers: layers(
      dir({
        a: dir(
          {
            b: dir(
              { f: file('x') },
              { mode: 0o1777, uid: 5, gid: 6, mtimeNs: OLD, xattrs: { 'user.d': '1' } },
            ),
          },
          { mode: 0o2711, gid: 9, mtimeNs: OLD + 1n },
        ),
      }),
    ),
    async run(fs, t) {
      await fs.writeFile('a/b/f', 'y', O_WRONLY);
      await t.remount();
      expect(await fs.lstat('a')).toMatchObject({ mode: 0o2711, uid: 0, gid: 9, mtimeNs: OLD + 1n });
      expect(await fs.lstat('a/b')).toMatchObject({ mode: 0o1777, uid: 5, gid: 6, mtimeNs: OLD });
      expect(await fs.listxattr('a/b')).toEqual(['user.d']);
    },
  },
  {
    name: 'parents in upper carry the attributes of the lower directory themselves',
    needs: ['layers'],
    layers: layers(
      dir({ a: dir({ b: dir({ f: file('x') }, { mode: 0o700, uid: 5, mtimeNs: OLD }) }, { mode: 0o711 }) }),
    ),
    async run(fs, t) {
      await fs.chmod('a/b/f', 0o600);
      expect(await t.upper.lstat('a')).toMatchObject({ mode: 0o711 });
      expect(await t.upper.lstat('a/b')).toMatchObject({ mode: 0o700, uid: 5, mtimeNs: OLD });
    },
  },
  {
    name: 'symlinks, fifos and directories are copied up by chown and utimes',
    layers: layers(
      dir({
        l: symlink('target', { mtimeNs: OLD }),
        p: fifo({ mode: 0o622, mtimeNs: OLD }),
        d: dir({ in: file() }),
      }),
    ),
    async run(fs, t) {
      for (const name of ['l', 'p', 'd']) {
        await fs.lchown(name, 21, 22);
        await fs.utimens(name, 1n, 2n);
      }
      await t.remount();
      expect(await fs.lstat('l')).toMatchObject({ type: 'symlink', uid: 21, gid: 22, mtimeNs: 2n });
      expect(await fs.readlink('l')).toBe('target');
      expect(await fs.lstat('p')).toMatchObject({ type: 'fifo', mode: 0o622, uid: 21, mtimeNs: 2n });
      expect(await fs.lstat('d')).toMatchObject({ type: 'dir', uid: 21, mtimeNs: 2n });
      expect(await fs.names('d')).toEqual(['in']);
    },
  },
  {
    name: 'a refused change copies nothing',
    needs: ['layers'],
    layers: layers(dir({ f: file('x', { mode: 0o600 }), d: dir({}, { mode: 0o755 }) })),
    async run(fs, t) {
      const nobody = await t.as({ uid: 1001, gid: 1001 });
      expect(await outcome(nobody.chmod('f', 0o777))).toBe('EPERM');
      expect(await outcome(nobody.open('f', O_WRONLY))).toBe('EACCES');
      expect(await outcome(nobody.writeFile('d/new', 'x'))).toBe('EACCES');
      expect(await outcome(fs.removexattr('f', 'user.none'))).toBe('ENODATA');
      expect(await outcome(t.upper.names(''))).not.toBe('EIO');
      expect(await outcome(t.upper.lstat('f'))).toBe('ENOENT');
    },
  },
  {
    name: 'a descriptor opened on the layer before the copy-up can still be read',
    layers: layers(dir({ f: file('lower') })),
    async run(fs) {
      const before = await fs.open('f', O_RDONLY);
      await fs.writeFile('f', 'UPPER', O_WRONLY);
      const after = await fs.open('f', O_RDONLY);
      expect((await fs.read(after, 10, 0)).toString()).toBe('UPPER');
      expect(['lower', 'UPPER']).toContain((await fs.read(before, 10, 0)).toString());
      expect((await fs.fstat(before)).ino).toBe((await fs.fstat(after)).ino);
    },
  },
  {
    name: 'files read with the changes of metadata made through a descriptor of the layer',
    layers: layers(dir({ f: file('lower') })),
    async run(fs) {
      const fd = await fs.open('f', O_RDONLY);
      await fs.fchmod(fd, 0o600);
      await fs.fchown(fd, 5, 6);
      await fs.utimens({ fd }, 3n, 4n);
      await fs.setxattr({ fd }, 'user.z', '1');
      expect(await fs.lstat('f')).toMatchObject({ mode: 0o600, uid: 5, gid: 6, mtimeNs: 4n });
      expect(await fs.fstat(fd)).toMatchObject({ mode: 0o600, uid: 5, gid: 6, mtimeNs: 4n });
      expect(await fs.getxattr('f', 'user.z')).toBe('1');
      expect((await fs.read(fd, 10, 0)).toString()).toBe('lower');
    },
  },
];

export const copyUp: Suite = { name: 'copy-up', cases };
