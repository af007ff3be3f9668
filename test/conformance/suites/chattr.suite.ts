/** Flags of inodes: what lsattr and chattr do, and what +i and +a forbid, to root and to owners. */

import { expect } from 'vitest';
import { dir, file, layers } from '../../helpers/layers.js';
import { type Fs, outcome } from '../../helpers/operator-client.js';
import {
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_ZERO_RANGE,
  MAP_SHARED,
  O_APPEND,
  O_CREAT,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  PROT_READ,
  PROT_WRITE,
  S_IFIFO,
} from '../../helpers/test-constants.js';
import { ALICE, type Case, type Suite } from '../suite.js';

const SYNC = 0x8;
const IMMUTABLE = 0x10;
const APPEND = 0x20;
const NODUMP = 0x40;
const NOATIME = 0x80;
const XFLAG_IMMUTABLE = 0x8;
const XFLAG_APPEND = 0x10;
const XFLAG_NOATIME = 0x40;

/** Everything that changes a file or takes its name, by what it answers. */
async function changesOf(fs: Fs, name: string): Promise<Record<string, string>> {
  return {
    write: await outcome(fs.open(name, O_WRONLY)),
    readWrite: await outcome(fs.open(name, O_RDWR)),
    truncate: await outcome(fs.truncate(name, 0)),
    chmod: await outcome(fs.chmod(name, 0o600)),
    chown: await outcome(fs.chown(name, 5, -1)),
    times: await outcome(fs.utimens(name, 1n, 1n)),
    setxattr: await outcome(fs.setxattr(name, 'user.new', 'v')),
    link: await outcome(fs.link(name, `${name}-link`)),
    rename: await outcome(fs.rename(name, `${name}-moved`)),
    replace: await outcome(fs.rename('other', name)),
    unlink: await outcome(fs.unlink(name)),
  };
}

const ALL_REFUSED = {
  write: 'EPERM',
  readWrite: 'EPERM',
  truncate: 'EPERM',
  chmod: 'EPERM',
  chown: 'EPERM',
  times: 'EPERM',
  setxattr: 'EPERM',
  link: 'EPERM',
  rename: 'EPERM',
  replace: 'EPERM',
  unlink: 'EPERM',
};

const tree = layers(dir({ f: file('data'), other: file('o'), d: dir({ in: file('in') }) }));

const cases: Case[] = [
  {
    name: 'flags of files and directories are set and read back, also after a remount',
    layers: tree,
    async run(fs, t) {
      expect(await fs.inodeFlags('f')).toBe(0);
      await fs.setInodeFlags('f', SYNC | NODUMP | NOATIME);
      await fs.setInodeFlags('d', NODUMP);
      await t.remount();
      expect(await fs.inodeFlags('f')).toBe(SYNC | NODUMP | NOATIME);
      expect(await fs.inodeFlags('d')).toBe(NODUMP);
      expect(await fs.readFile('f')).toBe('data');
      await fs.setInodeFlags('f', 0);
      expect(await fs.inodeFlags('f')).toBe(0);
    },
  },
  {
    name: 'FS_IOC_FSSETXATTR sets the same flags',
    layers: tree,
    async run(fs, t) {
      await fs.setFsxattr('f', XFLAG_NOATIME | XFLAG_APPEND);
      await t.remount();
      expect(await fs.inodeFlags('f')).toBe(NOATIME | APPEND);
      await fs.setInodeFlags('f', IMMUTABLE);
      expect((await fs.fsxattr('f')).flags).toBe(XFLAG_IMMUTABLE);
      await fs.setFsxattr('f', 0);
      expect(await fs.inodeFlags('f')).toBe(0);
    },
  },
  {
    name: 'an immutable file can be read and not changed, by root either, until the flag goes',
    layers: tree,
    async run(fs, t) {
      await fs.setInodeFlags('f', IMMUTABLE);
      const before = await fs.lstat('f');
      for (const phase of ['at once', 'after a remount']) {
        expect(await changesOf(fs, 'f'), phase).toEqual(ALL_REFUSED);
        expect(await outcome(fs.utimens('f', 'now', 'now'))).toBe('EPERM');
        expect(await outcome(fs.open('f', O_WRONLY | O_APPEND))).toBe('EPERM');
        expect(await fs.readFile('f')).toBe('data');
        const { mode, uid, nlink, mtimeNs, ctimeNs } = await fs.lstat('f');
        const { mode: m, uid: u, nlink: n, mtimeNs: mt, ctimeNs: ct } = before;
        expect({ mode, uid, nlink, mtimeNs, ctimeNs }).toEqual({
          mode: m,
          uid: u,
          nlink: n,
          mtimeNs: mt,
          ctimeNs: ct,
        });
        await t.remount();
      }
      await fs.setInodeFlags('f', 0);
      await fs.writeFile('f', 'free');
      expect(await fs.readFile('f')).toBe('free');
    },
  },
  {
    name: 'an append-only file is added to, and neither overwritten nor removed',
    layers: tree,
    async run(fs, t) {
      await fs.setInodeFlags('f', APPEND);
      for (const phase of ['at once', 'after a remount']) {
        expect(await changesOf(fs, 'f'), phase).toEqual(ALL_REFUSED);
        expect(await outcome(fs.open('f', O_WRONLY | O_APPEND | O_TRUNC))).toBe('EPERM');
        expect(await outcome(fs.utimens('f', 'now', 'now'))).toBe('ok');
        await fs.writeFile('f', '+', O_WRONLY | O_APPEND);
        await t.remount();
      }
      expect(await fs.readFile('f')).toBe('data++');
      const fd = await fs.open('f', O_WRONLY | O_APPEND);
      expect(await outcome(fs.ftruncate(fd, 0))).toBe('EPERM');
      expect(await outcome(fs.fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 4))).toBe('EPERM');
      expect(await outcome(fs.fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 8192))).toBe('ok');
      await fs.write(fd, 'end');
      await fs.close(fd);
      await fs.setInodeFlags('f', 0);
      await fs.writeFile('f', 'new');
      expect(await fs.readFile('f')).toBe('new');
    },
  },
  {
    name: 'a map changes nothing of an append-only file',
    layers: tree,
    async run(fs, t) {
      await fs.setInodeFlags('f', APPEND);
      const fd = await fs.open('f', O_RDWR | O_APPEND);
      let map: bigint | undefined;
      expect(
        await outcome(fs.mmap(fd, 4096, PROT_READ | PROT_WRITE, MAP_SHARED).then((at) => (map = at))),
      ).toMatch(/^(ok|EACCES)$/);
      if (map !== undefined) {
        await fs.mapWrite(map, 0, 'over');
        await outcome(fs.msync(map));
        await fs.munmap(map);
      }
      await fs.write(fd, '+');
      await outcome(fs.close(fd));
      expect(await (await t.other()).readFile('f')).toBe('data+');
      await t.remount();
      expect(await fs.readFile('f')).toBe('data+');
      await fs.setInodeFlags('f', 0);
    },
  },
  {
    name: 'an immutable directory keeps its names, an append-only one takes new ones',
    layers: tree,
    async run(fs, t) {
      await fs.setInodeFlags('d', IMMUTABLE);
      for (const phase of ['at once', 'after a remount']) {
        const made = {
          create: await outcome(fs.open('d/new', O_CREAT | O_WRONLY)),
          mkdir: await outcome(fs.mkdir('d/new')),
          symlink: await outcome(fs.symlink('x', 'd/new')),
          link: await outcome(fs.link('other', 'd/new')),
          moveIn: await outcome(fs.rename('other', 'd/new')),
          moveOut: await outcome(fs.rename('d/in', 'out')),
          unlink: await outcome(fs.unlink('d/in')),
          move: await outcome(fs.rename('d', 'e')),
        };
        expect(new Set(Object.values(made)), `${phase}: ${JSON.stringify(made)}`).toEqual(new Set(['EPERM']));
        await t.remount();
      }
      // What lies in it is not protected.
      await fs.writeFile('d/in', 'changed');
      expect(await fs.names('d')).toEqual(['in']);
      await fs.setInodeFlags('d', APPEND);
      await fs.writeFile('d/new', '');
      expect(await outcome(fs.unlink('d/new'))).toBe('EPERM');
      expect(await outcome(fs.rename('d/new', 'out'))).toBe('EPERM');
      await fs.setInodeFlags('d', 0);
      await fs.unlink('d/new');
      expect(await fs.names('d')).toEqual(['in']);
    },
  },
  {
    name: 'who is not root sets flags of his own files, but not +i and +a, and none of others',
    layers: layers(
      dir({ f: file('x', { uid: ALICE.uid, gid: ALICE.gid }), other: file('y') }, { mode: 0o777 }),
    ),
    async run(fs, t) {
      const alice = await t.as(ALICE);
      expect(await outcome(alice.setInodeFlags('f', NODUMP))).toBe('ok');
      expect(await outcome(alice.setInodeFlags('f', IMMUTABLE))).toBe('EPERM');
      expect(await outcome(alice.setInodeFlags('other', NODUMP))).toBe('EPERM');
      await fs.setInodeFlags('f', APPEND | NODUMP);
      expect(await outcome(alice.setInodeFlags('f', NODUMP))).toBe('EPERM');
      expect(await outcome(alice.open('f', O_WRONLY))).toBe('EPERM');
      await alice.writeFile('f', '+', O_WRONLY | O_APPEND);
      expect(await alice.readFile('f')).toBe('x+');
      expect(await fs.inodeFlags('f')).toBe(APPEND | NODUMP);
      await fs.setInodeFlags('f', 0);
    },
  },
  {
    name: 'who has a file open for writing goes on when it becomes append-only, and others add after him',
    layers: tree,
    async run(fs, t) {
      const other = await t.other();
      const writer = await fs.open('f', O_RDWR);
      await fs.setInodeFlags('f', APPEND);
      await fs.write(writer, 'D', 0);
      await other.writeFile('f', '+', O_WRONLY | O_APPEND);
      await fs.write(writer, 'A', 1);
      expect(await other.readFile('f')).toBe('DAta+');
      await fs.setInodeFlags('f', 0);
      const plain = await other.open('f', O_WRONLY);
      await other.write(plain, 'T', 2);
      expect(await fs.readFile('f')).toBe('DATa+');
    },
  },
  {
    name: 'objects that are neither files nor directories have no flags',
    async run(fs) {
      await fs.symlink('x', 'l');
      await fs.mknod('p', S_IFIFO | 0o644);
      expect(await outcome(fs.inodeFlags('p'))).toBe('ENOTTY');
      expect((await fs.lstat('l')).type).toBe('symlink');
    },
  },
];

export const chattr: Suite = { name: 'chattr', cases };
