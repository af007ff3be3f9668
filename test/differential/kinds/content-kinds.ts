/** Steps on what files hold: opening by name, reading, writing, sizes, holes, copies. */

import { dirname } from 'node:path';
import fc from 'fast-check';
import { type Fs, OperationError } from '../../helpers/operator-client.js';
import {
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_ZERO_RANGE,
  MAP_SHARED,
  O_APPEND,
  O_CREAT,
  O_DIRECT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  PROT_READ,
  PROT_WRITE,
  SEEK_DATA,
  SEEK_HOLE,
} from '../../helpers/test-constants.js';
import { data, fileMode, kind, length, path, place, size } from '../kind.js';

/** Opens without waiting, since the file may be a fifo. */
export async function withFile<T>(
  fs: Fs,
  path: string,
  flags: number,
  use: (fd: number) => Promise<T>,
): Promise<T> {
  const fd = await fs.open(path, flags | O_NONBLOCK);
  try {
    return await use(fd);
  } finally {
    await fs.close(fd);
  }
}

const OPEN_FLAGS = {
  read: O_RDONLY,
  write: O_WRONLY,
  both: O_RDWR,
  append: O_WRONLY | O_APPEND,
  directory: O_DIRECTORY,
  nofollow: O_NOFOLLOW,
  'write-nofollow': O_WRONLY | O_NOFOLLOW,
  path: O_PATH | O_NOFOLLOW,
  'create-directory': O_CREAT | O_DIRECTORY,
  'truncate-read': O_RDONLY | O_TRUNC,
} as const;

const CREATE_FLAGS = {
  plain: 0,
  exclusive: O_EXCL,
  truncate: O_TRUNC,
  append: O_APPEND,
  nofollow: O_NOFOLLOW,
} as const;

export const FALLOCATE_MODES = {
  plain: 0,
  keep: FALLOC_FL_KEEP_SIZE,
  punch: FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
  zero: FALLOC_FL_ZERO_RANGE,
  'zero-keep': FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
} as const;
export const fallocateMode = fc.constantFrom(
  ...(Object.keys(FALLOCATE_MODES) as (keyof typeof FALLOCATE_MODES)[]),
);

const WHENCE = { data: SEEK_DATA, hole: SEEK_HOLE } as const;
export const whence = fc.constantFrom<keyof typeof WHENCE>('data', 'hole');

/**
 * Whether what lseek(2) says of data and holes is true: a file system may call zeros data, and copies of one file may do
 * so differently. No data and an offset beyond the end are one errno; only the latter is an outcome.
 */
export async function seekTruly(
  fs: Fs,
  fd: number,
  whence: keyof typeof WHENCE,
  offset: number,
): Promise<string> {
  const { size: end, type } = await fs.fstat(fd);
  // What directories and fifos answer is the business of FUSE in the kernel.
  if (type !== 'file') return 'not a file';
  const found = await seekOrEnd(fs, fd, WHENCE[whence], offset, end);
  const [from, to] = whence === 'data' ? [offset, found] : [found, Math.min(end, found + 512)];
  const zeros = await readAnyhow(fs, fd, Math.min(to - from, 65_536), from);
  return found >= offset && found <= end && zeros.every((byte) => byte === 0) ? 'true' : `wrong: ${found}`;
}

/** Reads through a descriptor, also one that is open for writing alone. */
async function readAnyhow(fs: Fs, fd: number, length: number, offset: number): Promise<Uint8Array> {
  try {
    return await fs.read(fd, length, offset);
  } catch (error) {
    if ((error as OperationError).code !== 'EBADF') throw error;
  }
  const reader = await fs.open({ fd }, O_RDONLY);
  try {
    return await fs.read(reader, length, offset);
  } finally {
    await fs.close(reader);
  }
}

async function seekOrEnd(fs: Fs, fd: number, whence: number, offset: number, end: number): Promise<number> {
  try {
    return await fs.lseek(fd, offset, whence);
  } catch (error) {
    if ((error as OperationError).code !== 'ENXIO' || offset >= end) throw error;
    return end;
  }
}

/** As much of a file as steps look at. */
export const READ_LENGTH = 20_000;

/** Writes through a shared map, within the file: beyond its end the process would be killed. */
export async function writeThroughMap(fs: Fs, fd: number, offset: number, text: string): Promise<string> {
  const { size: end, type } = await fs.fstat(fd);
  if (type !== 'file' || offset + text.length > end) return 'beyond the end';
  const reach = offset + text.length;
  const map = await fs.mmap(fd, reach, PROT_READ | PROT_WRITE, MAP_SHARED);
  try {
    const before = await fs.mapRead(map, offset, Math.min(text.length, 10));
    await fs.mapWrite(map, offset, text);
    await fs.msync(map);
    return before;
  } finally {
    await fs.munmap(map);
  }
}

export const contentKinds = {
  create: kind(
    5,
    {
      path: path('new', 'new', 'regular'),
      mode: fileMode,
      how: fc.constantFrom<keyof typeof CREATE_FLAGS>('plain', 'exclusive', 'truncate', 'append', 'nofollow'),
    },
    async ({ fs }, { path, mode, how }) => {
      const fd = await fs.open(path, O_WRONLY | O_CREAT | O_NONBLOCK | CREATE_FLAGS[how], mode);
      await fs.close(fd);
    },
    (names, { path }) => names.make(path, 'file'),
  ),
  openOnly: kind(
    3,
    {
      path: path('any', 'regular'),
      how: fc.constantFrom(...(Object.keys(OPEN_FLAGS) as (keyof typeof OPEN_FLAGS)[])),
    },
    ({ fs }, { path, how }) => withFile(fs, path, OPEN_FLAGS[how], () => Promise.resolve()),
  ),
  write: kind(5, { path: path('regular'), offset: size, data }, ({ fs }, { path, offset, data }) =>
    withFile(fs, path, O_WRONLY, (fd) => fs.write(fd, data, offset)),
  ),
  append: kind(3, { path: path('regular'), data }, ({ fs }, { path, data }) =>
    withFile(fs, path, O_WRONLY | O_APPEND, (fd) => fs.write(fd, data)),
  ),
  read: kind(3, { path: path('regular'), offset: place }, ({ fs }, { path, offset }) =>
    withFile(fs, path, O_RDONLY, async (fd) => String(await fs.read(fd, READ_LENGTH, offset))),
  ),
  truncate: kind(3, { path: path('regular'), size }, ({ fs }, { path, size }) => fs.truncate(path, size)),
  openTruncate: kind(1, { path: path('regular') }, ({ fs }, { path }) =>
    withFile(fs, path, O_RDWR | O_TRUNC, () => Promise.resolve()),
  ),
  directWrite: kind(
    1,
    { path: path('regular'), offset: fc.constantFrom(0, 4096), text: fc.constantFrom('d', 'e') },
    ({ fs }, { path, offset, text }) =>
      withFile(fs, path, O_RDWR | O_DIRECT, (fd) => fs.writeAligned(fd, Buffer.alloc(4096, text), offset)),
  ),
  mapWrite: kind(2, { path: path('regular'), offset: place, data }, ({ fs }, { path, offset, data }) =>
    withFile(fs, path, O_RDWR, (fd) => writeThroughMap(fs, fd, offset, data)),
  ),
  fallocate: kind(
    2,
    { path: path('regular'), how: fallocateMode, offset: place, length },
    ({ fs }, { path, how, offset, length }) =>
      withFile(fs, path, O_RDWR, (fd) => fs.fallocate(fd, FALLOCATE_MODES[how], offset, length)),
  ),
  seek: kind(2, { path: path('regular'), whence, offset: place }, ({ fs }, { path, whence, offset }) =>
    withFile(fs, path, O_RDONLY, (fd) => seekTruly(fs, fd, whence, offset)),
  ),
  copyRange: kind(
    2,
    { path: path('regular'), to: path('regular'), from: place, at: place, length },
    ({ fs }, { path, to, from, at, length }) =>
      withFile(fs, path, O_RDONLY, (source) =>
        withFile(fs, to, O_RDWR, (target) => fs.copyFileRange(source, from, target, at, length)),
      ),
  ),
  tmpfile: kind(
    1,
    { path: path('dir'), to: path('new'), mode: fileMode },
    async ({ fs }, { path, to, mode }) => {
      const fd = await fs.open(path, O_TMPFILE | O_RDWR, mode);
      try {
        await fs.write(fd, 'tmp');
        await fs.linkDescriptor(fd, to);
      } finally {
        await fs.close(fd);
      }
    },
    (names, { to }) => names.make(to, 'file'),
  ),
  copyTree: kind(1, { path: path('any'), to: path('new') }, async ({ fs }, { path, to }) => {
    // Of a tree into itself cp copies as much as readdir names before the copy.
    const from = await realPath(fs, path);
    const into = (await realPath(fs, to)) ?? (await realPath(fs, dirname(to)));
    if (from !== undefined && into !== undefined && `${into}/`.startsWith(`${from}/`)) return { status: 1 };
    const done = await fs.run('cp', '-a', '-T', '--remove-destination', '--', path, to);
    return { status: done.status };
  }),
};

/** @returns undefined when it leads nowhere. */
async function realPath(fs: Fs, path: string): Promise<string | undefined> {
  try {
    return await fs.realpath(path);
  } catch (error) {
    if (error instanceof OperationError) return undefined;
    throw error;
  }
}
