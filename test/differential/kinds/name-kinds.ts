/** Steps on names: making, removing, linking, renaming, listing. */

import fc from 'fast-check';
import type { Dirent } from '../../helpers/operations/name-operations.js';
import type { Fs } from '../../helpers/operator-client.js';
import {
  O_DIRECTORY,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  RENAME_WHITEOUT,
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
  S_IFSOCK,
} from '../../helpers/test-constants.js';
import { dirMode, fileMode, kind, linkTarget, path } from '../kind.js';

const RENAME_FLAGS = {
  plain: 0,
  noreplace: RENAME_NOREPLACE,
  exchange: RENAME_EXCHANGE,
  whiteout: RENAME_WHITEOUT,
} as const;

/** Type, major, minor. The last is what overlayfs has for a whiteout. */
const DEVICES = {
  fifo: [S_IFIFO, 0, 0],
  socket: [S_IFSOCK, 0, 0],
  char: [S_IFCHR, 1, 3],
  block: [S_IFBLK, 7, 300],
  whiteout: [S_IFCHR, 0, 0],
} as const;

/** Names with types, and the names whose d_ino is not their st_ino. */
async function listing(fs: Fs, path: string): Promise<unknown> {
  const entries = await fs.readdir(path);
  const strange: string[] = [];
  for (const { name, ino } of entries) {
    const stat = await fs.lstat(`${path}/${name}`);
    if (stat.ino !== ino) strange.push(name);
  }
  return { names: namesOf(entries), strange };
}

function namesOf(entries: readonly Dirent[]): string[] {
  return entries.map(({ name, type }) => `${name}:${type}`).sort();
}

async function readInParts(fs: Fs, fd: number): Promise<Dirent[]> {
  const all: Dirent[] = [];
  for (;;) {
    const some = await fs.getdents(fd, 320);
    if (some.length === 0) return all;
    all.push(...some);
  }
}

/** Reads by small buffers, then again from the middle: what follows must be the same. */
export async function listInParts(fs: Fs, fd: number): Promise<unknown> {
  await fs.lseek(fd, 0, 0);
  const all = await readInParts(fs, fd);
  const middle = Math.floor(all.length / 2);
  await fs.lseek(fd, all[middle]?.next ?? 0, 0);
  const rest = await readInParts(fs, fd);
  const wanted = namesOf(all.slice(middle + 1));
  return { names: namesOf(all), resumes: all.length === 0 || String(namesOf(rest)) === String(wanted) };
}

export const nameKinds = {
  mkdir: kind(
    6,
    { path: path('new'), mode: dirMode },
    ({ fs }, { path, mode }) => fs.mkdir(path, mode),
    (names, { path }) => names.make(path, 'dir'),
  ),
  rmdir: kind(
    4,
    { path: path('dir') },
    ({ fs }, { path }) => fs.rmdir(path),
    (names, { path }) => names.remove(path),
  ),
  unlink: kind(
    5,
    { path: path('leaf') },
    ({ fs }, { path }) => fs.unlink(path),
    (names, { path }) => names.remove(path),
  ),
  removeAll: kind(
    2,
    { path: path('any') },
    async ({ fs }, { path }) => ({ status: (await fs.run('rm', '-rf', '--', path)).status }),
    (names, { path }) => names.remove(path),
  ),
  rename: kind(
    10,
    {
      path: path('any'),
      to: path('new', 'new', 'any'),
      how: fc.oneof(
        {
          weight: 9,
          arbitrary: fc.constantFrom<'plain' | 'noreplace' | 'exchange'>(
            'plain',
            'plain',
            'noreplace',
            'exchange',
          ),
        },
        { weight: 1, arbitrary: fc.constant('whiteout' as const) },
      ),
    },
    ({ fs }, { path, to, how }) => fs.rename(path, to, RENAME_FLAGS[how]),
    (names, { path, to, how }) => {
      if (how !== 'exchange') names.move(path, to);
    },
  ),
  link: kind(
    4,
    { path: path('leaf'), to: path('new') },
    ({ fs }, { path, to }) => fs.link(path, to),
    (names, { to }) => names.make(to, 'file'),
  ),
  symlink: kind(
    2,
    { path: path('new'), target: linkTarget },
    ({ fs }, { path, target }) => fs.symlink(target, path),
    (names, { path }) => names.make(path, 'symlink'),
  ),
  readlink: kind(1, { path: path('symlink') }, ({ fs }, { path }) => fs.readlink(path)),
  mknod: kind(
    2,
    {
      path: path('new'),
      mode: fileMode,
      what: fc.constantFrom<keyof typeof DEVICES>('fifo', 'socket', 'char', 'block', 'whiteout'),
    },
    ({ fs }, { path, mode, what }) => {
      const [type, major, minor] = DEVICES[what];
      return fs.mknod(path, type | mode, major, minor);
    },
    (names, { path }) => names.make(path, 'fifo'),
  ),
  readdir: kind(4, { path: path('dir') }, ({ fs }, { path }) => listing(fs, path)),
  readdirInParts: kind(1, { path: path('dir') }, async ({ fs }, { path }) => {
    const fd = await fs.open(path, O_DIRECTORY);
    try {
      return await listInParts(fs, fd);
    } finally {
      await fs.close(fd);
    }
  }),
};
