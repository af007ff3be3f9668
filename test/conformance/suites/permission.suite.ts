/** What another user may do, and whom new files belong to: mode bits, ACLs, sticky, setgid, umask. */

import { expect } from 'vitest';
import { dir, file, layers } from '../../helpers/layers.js';
import { type Fs, outcome } from '../../helpers/operator-client.js';
import {
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
} from '../../helpers/test-constants.js';
import { posixAcl } from '../acl.js';
import { ALICE, BOB, BOB_IN_ALICES_GROUP, type Case, type Suite } from '../suite.js';

const DEFAULT_ACL = posixAcl({ owner: 7, users: { 1003: 7 }, group: 7, mask: 7, other: 5 });
const OPEN = { mode: 0o777 };
const ALICES = { uid: ALICE.uid, gid: ALICE.gid };

const cases: Case[] = [
  {
    name: 'mode bits decide for owner, group and others',
    layers: layers(
      dir({ f: file('x', { ...ALICES, mode: 0o640 }), own: file('y', { ...ALICES, mode: 0o077 }) }, OPEN),
    ),
    async run(_, t) {
      const [alice, bob, member] = [await t.as(ALICE), await t.as(BOB), await t.as(BOB_IN_ALICES_GROUP)];
      expect(await outcome(alice.open('f', O_RDWR))).toBe('ok');
      expect(await outcome(bob.open('f', O_RDONLY))).toBe('EACCES');
      expect(await outcome(member.open('f', O_RDONLY))).toBe('ok');
      expect(await outcome(member.open('f', O_WRONLY))).toBe('EACCES');
      expect(await outcome(alice.open('own', O_RDONLY))).toBe('EACCES');
      expect(await outcome(bob.open('own', O_RDONLY))).toBe('ok');
      expect(await outcome(bob.access('f', 4))).toBe('EACCES');
      expect(await outcome(member.access('f', 4))).toBe('ok');
    },
  },
  {
    name: 'a directory wants x to pass, r to list, w and x to change',
    layers: layers(
      dir(
        {
          x: dir({ f: file('1') }, { mode: 0o711 }),
          r: dir({ f: file('1') }, { mode: 0o744 }),
          w: dir({ f: file('1') }, { mode: 0o733 }),
          n: dir({ f: file('1') }, { mode: 0o700 }),
        },
        OPEN,
      ),
    ),
    async run(_, t) {
      const bob = await t.as(BOB);
      expect(await outcome(bob.names('x'))).toBe('EACCES');
      expect(await bob.readFile('x/f')).toBe('1');
      expect(await bob.names('r')).toEqual(['f']);
      expect(await outcome(bob.lstat('r/f'))).toBe('EACCES');
      expect(await outcome(bob.writeFile('x/new', ''))).toBe('EACCES');
      expect(await outcome(bob.writeFile('w/new', ''))).toBe('ok');
      expect(await outcome(bob.unlink('w/f'))).toBe('ok');
      expect(await outcome(bob.unlink('x/f'))).toBe('EACCES');
      expect(await outcome(bob.lstat('n/f'))).toBe('EACCES');
      expect(await outcome(bob.rename('w/new', 'x/new'))).toBe('EACCES');
      expect(await outcome(bob.mkdir('x/d'))).toBe('EACCES');
      expect(await outcome(bob.symlink('t', 'r/l'))).toBe('EACCES');
    },
  },
  {
    name: 'new objects belong to the caller and obey its umask',
    layers: layers(dir({ d: dir({}, OPEN) })),
    async run(_, t) {
      const alice = await t.as(ALICE);
      await alice.umask(0o027);
      await alice.writeFile('d/f', 'x');
      await alice.mkdir('d/sub');
      await alice.symlink('t', 'd/l');
      await alice.mknod('d/p', 0o10666);
      await alice.umask(0);
      await alice.open('d/g', O_WRONLY | O_CREAT, 0o4666);
      expect(await alice.lstat('d/f')).toMatchObject({ ...ALICES, mode: 0o640 });
      expect(await alice.lstat('d/sub')).toMatchObject({ ...ALICES, mode: 0o750 });
      expect(await alice.lstat('d/l')).toMatchObject({ ...ALICES, mode: 0o777 });
      expect(await alice.lstat('d/p')).toMatchObject({ ...ALICES, mode: 0o640 });
      expect(await alice.lstat('d/g')).toMatchObject({ ...ALICES, mode: 0o4666 });
    },
  },
  {
    name: 'a copy-up by another user keeps the owner of the file',
    layers: layers(
      dir({ d: dir({ f: file('x', { uid: 0, gid: 5, mode: 0o666 }) }, { mode: 0o755, uid: 3 }) }, OPEN),
    ),
    async run(fs, t) {
      const bob = await t.as(BOB);
      await bob.writeFile('d/f', 'by bob', O_WRONLY);
      expect(await fs.lstat('d/f')).toMatchObject({ uid: 0, gid: 5, mode: 0o666 });
      expect(await fs.lstat('d')).toMatchObject({ uid: 3, gid: 0, mode: 0o755 });
      expect(await fs.readFile('d/f')).toBe('by bob');
    },
  },
  {
    name: 'in a setgid directory new objects take its group, new directories the bit as well',
    layers: layers(dir({ d: dir({}, { mode: 0o2777, gid: 4242 }) })),
    async run(_, t) {
      const alice = await t.as(ALICE);
      await alice.writeFile('d/f', 'x');
      await alice.mkdir('d/sub');
      await alice.symlink('x', 'd/l');
      expect(await alice.lstat('d/f')).toMatchObject({ uid: ALICE.uid, gid: 4242, mode: 0o644 });
      expect(await alice.lstat('d/sub')).toMatchObject({ uid: ALICE.uid, gid: 4242, mode: 0o2755 });
      expect((await alice.lstat('d/l')).gid).toBe(4242);
    },
  },
  {
    name: 'in a sticky directory only the owner removes and renames',
    layers: layers(dir({ d: dir({ a: file('', ALICES), b: file('', { uid: BOB.uid }) }, { mode: 0o1777 }) })),
    async run(_, t) {
      const bob = await t.as(BOB);
      expect(await outcome(bob.unlink('d/a'))).toBe('EPERM');
      expect(await outcome(bob.rename('d/a', 'd/c'))).toBe('EPERM');
      expect(await outcome(bob.rename('d/b', 'd/a'))).toBe('EPERM');
      expect(await outcome(bob.rename('d/b', 'd/c'))).toBe('ok');
      expect(await outcome(bob.unlink('d/c'))).toBe('ok');
      const alice = await t.as(ALICE);
      expect(await outcome(alice.unlink('d/a'))).toBe('ok');
    },
  },
  {
    name: 'only the owner changes mode and times, only root the owner',
    layers: layers(dir({ f: file('x', { ...ALICES, mode: 0o666 }) }, OPEN)),
    async run(_, t) {
      const [alice, bob] = [await t.as(ALICE), await t.as(BOB)];
      expect(await outcome(bob.chmod('f', 0o777))).toBe('EPERM');
      expect(await outcome(bob.utimens('f', 1n, 1n))).toBe('EPERM');
      expect(await outcome(bob.utimens('f', 'now', 'now'))).toBe('ok');
      expect(await outcome(bob.chown('f', BOB.uid, -1))).toBe('EPERM');
      expect(await outcome(alice.chown('f', BOB.uid, -1))).toBe('EPERM');
      expect(await outcome(alice.chown('f', -1, 4242))).toBe('EPERM');
      expect(await outcome(alice.chown('f', -1, ALICE.gid))).toBe('ok');
      expect(await outcome(alice.chmod('f', 0o600))).toBe('ok');
      expect(await outcome(alice.utimens('f', 5n, 6n))).toBe('ok');
      expect(await outcome(bob.open('f'))).toBe('EACCES');
    },
  },
  {
    name: 'the owner may give a file to a group of his',
    layers: layers(dir({ f: file('x', { uid: BOB.uid, gid: BOB.gid }) }, OPEN)),
    async run(fs, t) {
      const member = await t.as(BOB_IN_ALICES_GROUP);
      expect(await outcome(member.chown('f', -1, ALICE.gid))).toBe('ok');
      expect((await fs.lstat('f')).gid).toBe(ALICE.gid);
    },
  },
  {
    name: 'an ACL entry grants and the mask limits',
    layers: layers(
      dir(
        {
          f: file('x', {
            mode: 0o660,
            xattrs: {
              'system.posix_acl_access': posixAcl({
                owner: 6,
                users: { 1002: 6 },
                group: 0,
                mask: 4,
                other: 0,
              }),
            },
          }),
        },
        OPEN,
      ),
    ),
    async run(fs, t) {
      const [alice, bob] = [await t.as(ALICE), await t.as(BOB)];
      expect(await outcome(bob.open('f', O_RDONLY))).toBe('ok');
      expect(await outcome(bob.open('f', O_WRONLY))).toBe('EACCES');
      expect(await outcome(alice.open('f', O_RDONLY))).toBe('EACCES');
      const wider = posixAcl({ owner: 6, users: { 1002: 6 }, group: 0, mask: 6, other: 0 });
      await fs.setxattr('f', 'system.posix_acl_access', wider);
      expect(await outcome(bob.open('f', O_WRONLY))).toBe('ok');
      expect((await fs.lstat('f')).mode).toBe(0o660);
      await fs.chmod('f', 0o600);
      expect(await outcome(bob.open('f', O_RDONLY))).toBe('EACCES');
    },
  },
  {
    name: 'a new ACL sets the group bits of the mode, a chmod the mask of the ACL',
    async run(fs) {
      await fs.writeFile('f', 'x');
      const acl = posixAcl({ owner: 7, users: { 1002: 7 }, group: 1, mask: 5, other: 2 });
      await fs.setxattr('f', 'system.posix_acl_access', acl);
      expect((await fs.lstat('f')).mode).toBe(0o752);
      await fs.chmod('f', 0o634);
      const changed = posixAcl({ owner: 6, users: { 1002: 7 }, group: 1, mask: 3, other: 4 });
      expect(await fs.getxattr('f', 'system.posix_acl_access')).toBe(changed.toString('latin1'));
    },
  },
  {
    name: 'a default ACL is inherited instead of the umask',
    layers: layers(
      dir({
        d: dir(
          {},
          {
            mode: 0o777,
            xattrs: {
              'system.posix_acl_default': posixAcl({
                owner: 7,
                users: { 1002: 7 },
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
      const alice = await t.as(ALICE);
      await alice.umask(0o077);
      await alice.writeFile('d/f', 'x');
      await alice.mkdir('d/sub');
      expect((await fs.lstat('d/f')).mode).toBe(0o660);
      expect((await fs.lstat('d/sub')).mode).toBe(0o770);
      const inherited = await fs.getxattr('d/sub', 'system.posix_acl_default');
      expect(inherited).toBe(await fs.getxattr('d', 'system.posix_acl_default'));
      const bob = await t.as(BOB);
      expect(await outcome(bob.open('d/f', O_RDWR))).toBe('ok');
    },
  },
  {
    name: 'a write, a truncate and a chown by an ordinary user clear setuid and setgid',
    layers: layers(
      dir(
        {
          w: file('x', { ...ALICES, mode: 0o6777 }),
          t: file('x', { ...ALICES, mode: 0o6777 }),
          o: file('x', { ...ALICES, mode: 0o6777 }),
          c: file('x', { ...ALICES, mode: 0o6777 }),
        },
        OPEN,
      ),
    ),
    async run(fs, t) {
      const [alice, bob] = [await t.as(ALICE), await t.as(BOB)];
      await bob.writeFile('w', 'y', O_WRONLY);
      await bob.truncate('t', 0);
      await bob.writeFile('o', '', O_WRONLY | O_TRUNC);
      await alice.chown('c', -1, ALICE.gid);
      for (const name of ['w', 't', 'o', 'c'])
        expect([name, (await fs.lstat(name)).mode]).toEqual([name, 0o777]);
    },
  },
  {
    name: 'a fallocate and a copied range by an ordinary user clear setuid and setgid, by root not',
    layers: layers(
      dir(
        {
          f: file('x', { ...ALICES, mode: 0o6777 }),
          p: file('x'.repeat(9000), { ...ALICES, mode: 0o6777 }),
          r: file('x', { ...ALICES, mode: 0o6777 }),
          from: file('source'),
          root: file('x', { mode: 0o4755 }),
        },
        OPEN,
      ),
    ),
    async run(fs, t) {
      const bob = await t.as(BOB);
      const open = async (name: string) => bob.open(name, O_RDWR);
      await bob.fallocate(await open('f'), 0, 0, 5000);
      await bob.fallocate(await open('p'), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096);
      await bob.copyFileRange(await bob.open('from'), 0, await open('r'), 0, 6);
      await fs.fallocate(await fs.open('root', O_RDWR), 0, 0, 5000);
      for (const name of ['f', 'p', 'r']) expect([name, (await fs.lstat(name)).mode]).toEqual([name, 0o777]);
      expect((await fs.lstat('root')).mode).toBe(0o4755);
      expect(await fs.readFile('r')).toBe('source');
    },
  },
  {
    name: 'who asks for the mode alone sees at once that a write or O_TRUNC cleared setuid',
    layers: layers(
      dir({ w: file('x', { ...ALICES, mode: 0o6766 }), o: file('x', { ...ALICES, mode: 0o6766 }) }, OPEN),
    ),
    async run(fs, t) {
      const alice = await t.as(ALICE);
      const modes = async () => (await fs.run('stat', '-c', '%a', 'w', 'o')).stdout;
      expect(await modes()).toBe('6766\n6766\n');
      await alice.writeFile('w', 'y', O_WRONLY);
      await alice.writeFile('o', 'y', O_WRONLY | O_TRUNC);
      expect(await modes()).toBe('2766\n2766\n');
      await fs.chmod('w', 0o4766);
      await fs.chmod('o', 0o4766);
      expect(await modes()).toBe('4766\n4766\n');
      await alice.writeFile('w', 'y', O_WRONLY);
      await alice.writeFile('o', 'y', O_WRONLY | O_TRUNC);
      expect(await modes()).toBe('766\n766\n');
    },
  },
  {
    name: 'a change by no member of the group clears setgid also where the group may not execute',
    layers: layers(dir({ w: file('x', ALICES), o: file('x', ALICES), f: file('x', ALICES) }, OPEN)),
    async run(fs, t) {
      const change = async (user: Fs) => {
        for (const name of ['w', 'o', 'f']) await fs.chmod(name, 0o6766);
        await user.writeFile('w', 'y', O_WRONLY);
        await user.writeFile('o', 'y', O_WRONLY | O_TRUNC);
        await user.fallocate(await user.open('f', O_RDWR), 0, 0, 8192);
        return (await fs.run('stat', '-c', '%a', 'w', 'o', 'f')).stdout;
      };
      expect(await change(await t.as(BOB_IN_ALICES_GROUP))).toBe('2766\n2766\n2766\n');
      expect(await change(await t.as(BOB))).toBe('766\n766\n766\n');
      for (const name of ['w', 'o', 'f']) {
        await fs.chmod(name, 0o6766);
        await fs.chown(name, 0, -1);
      }
      expect((await fs.run('stat', '-c', '%a', 'w', 'o', 'f')).stdout).toBe('2766\n2766\n2766\n');
    },
  },
  {
    name: 'root keeps setuid when it writes, not when it changes the owner',
    layers: layers(
      dir({ w: file('x', { mode: 0o4755 }), c: file('x', { mode: 0o6755 }), d: dir({}, { mode: 0o2755 }) }),
    ),
    async run(fs) {
      await fs.writeFile('w', 'y', O_WRONLY);
      await fs.chown('c', 5, 5);
      await fs.chown('d', 5, 5);
      expect((await fs.lstat('w')).mode).toBe(0o4755);
      expect((await fs.lstat('c')).mode).toBe(0o755);
      expect((await fs.lstat('d')).mode).toBe(0o2755);
    },
  },
  {
    name: 'setgid is dropped when the owner sets a mode and is not in the group',
    layers: layers(dir({ f: file('x', { uid: ALICE.uid, gid: 4242 }) }, OPEN)),
    async run(fs, t) {
      await (await t.as(ALICE)).chmod('f', 0o2755);
      expect((await fs.lstat('f')).mode).toBe(0o755);
    },
  },
  {
    name: 'capabilities are dropped by a write and by a chown',
    layers: layers(dir({ w: file('x', { mode: 0o666 }), c: file('x') })),
    async run(fs, t) {
      const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
      for (const name of ['w', 'c']) await fs.setxattr(name, 'security.capability', capability);
      await (await t.as(BOB)).writeFile('w', 'y', O_WRONLY);
      await fs.chown('c', 5, 5);
      for (const name of ['w', 'c']) expect(await fs.listxattr(name)).toEqual([]);
    },
  },
  {
    name: 'an ordinary user makes fifos but no device nodes',
    layers: layers(dir({}, OPEN)),
    async run(_, t) {
      const alice = await t.as(ALICE);
      expect(await outcome(alice.mknod('p', 0o10600))).toBe('ok');
      expect(await outcome(alice.mknod('c', 0o20600, 1, 3))).toBe('EPERM');
    },
  },
  {
    name: 'a file opened before a chmod stays usable, a link of it may be refused later',
    layers: layers(dir({ f: file('x', { mode: 0o666 }) }, OPEN)),
    async run(fs, t) {
      const bob = await t.as(BOB);
      const fd = await bob.open('f', O_RDWR);
      await fs.chmod('f', 0);
      expect(await bob.write(fd, 'y', 0)).toBe(1);
      expect(await outcome(bob.open('f'))).toBe('EACCES');
    },
  },
  {
    name: 'a new object where one was deleted inherits like any other: group, bits, default ACL, umask',
    layers: layers(
      dir({
        plain: dir({ f: file(), d: dir() }, { mode: 0o2777, gid: 4242 }),
        acl: dir({ f: file(), d: dir() }, { ...OPEN, xattrs: { 'system.posix_acl_default': DEFAULT_ACL } }),
      }),
    ),
    async run(_, t) {
      const bob = await t.as(BOB_IN_ALICES_GROUP);
      await bob.umask(0o027);
      for (const parent of ['plain', 'acl']) {
        await bob.unlink(`${parent}/f`);
        await bob.rmdir(`${parent}/d`);
        for (const name of ['f', 'f2']) {
          await bob.close(await bob.open(`${parent}/${name}`, O_CREAT | O_WRONLY, 0o2775));
        }
        for (const name of ['d', 'd2']) await bob.mkdir(`${parent}/${name}`, 0o775);
        for (const name of ['f', 'd']) {
          const again = `${parent}/${name}`;
          const { mode, uid, gid } = await bob.lstat(`${parent}/${name}2`);
          expect(await bob.lstat(again)).toMatchObject({ mode, uid, gid });
          const names = await bob.listxattr(`${parent}/${name}2`);
          expect(await bob.listxattr(again)).toEqual(names);
          for (const key of names) {
            expect(await bob.getxattr(again, key)).toBe(await bob.getxattr(`${parent}/${name}2`, key));
          }
        }
      }
      expect(await bob.lstat('plain/f')).toMatchObject({ uid: BOB.uid, gid: 4242, mode: 0o750 });
      expect(await bob.lstat('plain/d')).toMatchObject({ mode: 0o2750 });
      expect((await bob.lstat('acl/f')).mode & 0o777).toBe(0o775);
    },
  },
  {
    name: 'a member of the group of a setgid directory keeps setgid on new files, another loses it',
    layers: layers(dir({ d: dir({}, { mode: 0o2777, gid: ALICE.gid }) })),
    async run(_, t) {
      for (const [identity, name, mode] of [
        [BOB_IN_ALICES_GROUP, 'member', 0o2755],
        [BOB, 'stranger', 0o755],
      ] as const) {
        const bob = await t.as(identity);
        await bob.close(await bob.open(`d/${name}`, O_CREAT | O_WRONLY, 0o2755));
        expect(await bob.lstat(`d/${name}`)).toMatchObject({ mode, uid: BOB.uid, gid: ALICE.gid });
      }
    },
  },
  {
    name: 'a supplementary group opens files and directories, and no others',
    layers: layers(
      dir({
        f: file('x', { mode: 0o060, gid: ALICE.gid }),
        d: dir({ g: file() }, { mode: 0o070, gid: ALICE.gid }),
      }),
    ),
    async run(_, t) {
      const member = await t.as(BOB_IN_ALICES_GROUP);
      expect(await member.readFile('f')).toBe('x');
      await member.writeFile('f', 'y', O_WRONLY);
      await member.unlink('d/g');
      await member.mkdir('d/new');
      expect(await member.lstat('d/new')).toMatchObject({ uid: BOB.uid, gid: BOB.gid });
      const bob = await t.as(BOB);
      expect(await outcome(bob.readFile('f'))).toBe('EACCES');
      expect(await outcome(bob.names('d'))).toBe('EACCES');
      expect(await outcome(bob.lstat('d/new'))).toBe('EACCES');
    },
  },
  {
    name: 'in a sticky directory of his own the owner removes the files of others',
    layers: layers(
      dir({ d: dir({ a: file('', { mode: 0o600 }), b: file('', ALICES) }, { mode: 0o1777, uid: BOB.uid }) }),
    ),
    async run(_, t) {
      const bob = await t.as(BOB);
      expect(await outcome(bob.rename('d/a', 'd/c'))).toBe('ok');
      expect(await outcome(bob.unlink('d/c'))).toBe('ok');
      expect(await outcome(bob.unlink('d/b'))).toBe('ok');
      const alice = await t.as(ALICE);
      await alice.mkdir('d/sub');
      expect(await outcome(bob.rmdir('d/sub'))).toBe('ok');
    },
  },
  {
    name: 'the ACL of a directory decides who enters, lists and changes it',
    layers: layers(
      dir({
        d: dir(
          { f: file('x', OPEN) },
          {
            xattrs: {
              'system.posix_acl_access': posixAcl({
                owner: 7,
                users: { 1001: 7, 1002: 1 },
                group: 0,
                mask: 7,
                other: 0,
              }),
            },
          },
        ),
      }),
    ),
    async run(_, t) {
      const [alice, bob] = [await t.as(ALICE), await t.as(BOB)];
      expect(await bob.readFile('d/f')).toBe('x');
      expect(await outcome(bob.names('d'))).toBe('EACCES');
      expect(await outcome(bob.unlink('d/f'))).toBe('EACCES');
      expect(await alice.names('d')).toEqual(['f']);
      await alice.unlink('d/f');
      const stranger = await t.as({ uid: 1003, gid: 1003 });
      expect(await outcome(stranger.lstat('d/f'))).toBe('EACCES');
    },
  },
];

export const permission: Suite = { name: 'permission', cases };
