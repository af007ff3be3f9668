/**
 * The steps of a differential run: plain data, and how each is done through an operator.
 *
 * A step's outcome is a code or a result that both sides must share; times of the run itself become 'now', inode numbers
 * are compared with themselves only. Slots are descriptors that stay open between steps.
 */

import {
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  O_APPEND,
  O_CREAT,
  O_EXCL,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  S_IFIFO,
} from '../helpers/constants.js';
import type { Stat } from '../helpers/operations/attributes.js';
import { type Fs, OperationError } from '../helpers/operator-client.js';

interface StepArguments {
  create: { path: string; mode: number; exclusive: boolean };
  write: { path: string; offset: number; data: string };
  append: { path: string; data: string };
  read: { path: string };
  truncate: { path: string; size: number };
  openTruncate: { path: string };
  touch: { path: string };
  mkdir: { path: string; mode: number };
  rmdir: { path: string };
  unlink: { path: string };
  removeAll: { path: string };
  rename: { path: string; to: string; how: 'plain' | 'noreplace' | 'exchange' };
  link: { path: string; to: string };
  symlink: { path: string; target: string };
  readlink: { path: string };
  mkfifo: { path: string; mode: number };
  chmod: { path: string; mode: number };
  chown: { path: string; uid: number; gid: number };
  utimens: { path: string; mtimeSec: number };
  setxattr: { path: string; name: string; value: string };
  removexattr: { path: string; name: string };
  listxattr: { path: string };
  stat: { path: string };
  readdir: { path: string };
  tmpfile: { path: string; to: string };
  punch: { path: string; offset: number };
  copyRange: { path: string; to: string };
  open: { slot: number; path: string; access: 'r' | 'rw' };
  slotRead: { slot: number };
  slotWrite: { slot: number; data: string };
  slotStat: { slot: number };
  slotChmod: { slot: number; mode: number };
  slotTruncate: { slot: number; size: number };
  slotClose: { slot: number };
}

export type StepName = keyof StepArguments;
/** `user` has the step done by uid 1001 instead of root. */
export type Step = {
  [K in StepName]: { readonly step: K; readonly user?: boolean } & Readonly<StepArguments[K]>;
}[StepName];

/** One side's view of a run. */
export interface Actor {
  readonly fs: Fs;
  readonly slots: Map<number, number>;
}

export type Outcome = { readonly result: unknown } | { readonly code: string };

/** Layers and `utimens` stay below this; whatever lies above was set by the clock. */
const PAST_NS = 1_500_000_000_000_000_000n;
const RENAME_FLAGS = { plain: 0, noreplace: RENAME_NOREPLACE, exchange: RENAME_EXCHANGE } as const;

export function normalTime(mtimeNs: bigint): string {
  return mtimeNs > PAST_NS ? 'now' : String(mtimeNs);
}

function normalStat(stat: Stat): unknown {
  const { type, mode, uid, gid, size, nlink, rdev, mtimeNs } = stat;
  const common = { type, mode, uid, gid, mtime: type === 'fifo' ? '' : normalTime(mtimeNs) };
  return type === 'dir' ? common : { ...common, size, nlink, rdev };
}

/** Opens without waiting, since the file may be a fifo. */
async function withFile<T>(fs: Fs, path: string, flags: number, use: (fd: number) => Promise<T>): Promise<T> {
  const fd = await fs.open(path, flags | O_NONBLOCK);
  try {
    return await use(fd);
  } finally {
    await fs.close(fd);
  }
}

function slotOf(actor: Actor, slot: number): number {
  const fd = actor.slots.get(slot);
  if (fd === undefined) throw new OperationError('NOSLOT', 'the slot is empty');
  return fd;
}

async function closeSlot(actor: Actor, slot: number): Promise<void> {
  const fd = actor.slots.get(slot);
  actor.slots.delete(slot);
  if (fd !== undefined) await actor.fs.close(fd);
}

/** Names with types, and the names whose d_ino is not their st_ino. */
async function listing({ fs }: Actor, path: string): Promise<unknown> {
  const entries = await fs.readdir(path);
  const strange: string[] = [];
  for (const { name, ino } of entries) {
    const stat = await fs.lstat(`${path}/${name}`);
    if (stat.ino !== ino) strange.push(name);
  }
  return { names: entries.map(({ name, type }) => `${name}:${type}`), strange };
}

type Doers = { readonly [K in StepName]: (actor: Actor, step: StepArguments[K]) => Promise<unknown> };

const doers: Doers = {
  create: async ({ fs }, { path, mode, exclusive }) => {
    const flags = O_WRONLY | O_CREAT | O_NONBLOCK | (exclusive ? O_EXCL : 0);
    await fs.close(await fs.open(path, flags, mode));
  },
  write: ({ fs }, { path, offset, data }) => withFile(fs, path, O_WRONLY, (fd) => fs.write(fd, data, offset)),
  append: ({ fs }, { path, data }) => withFile(fs, path, O_WRONLY | O_APPEND, (fd) => fs.write(fd, data)),
  read: ({ fs }, { path }) =>
    withFile(fs, path, O_RDONLY, async (fd) => String(await fs.read(fd, 20_000, 0))),
  truncate: ({ fs }, { path, size }) => fs.truncate(path, size),
  openTruncate: ({ fs }, { path }) => withFile(fs, path, O_RDWR | O_TRUNC, () => Promise.resolve()),
  touch: ({ fs }, { path }) => withFile(fs, path, O_RDWR, () => Promise.resolve()),
  mkdir: ({ fs }, { path, mode }) => fs.mkdir(path, mode),
  rmdir: ({ fs }, { path }) => fs.rmdir(path),
  unlink: ({ fs }, { path }) => fs.unlink(path),
  removeAll: async ({ fs }, { path }) => {
    const done = await fs.run('rm', '-rf', '--', path);
    return { status: done.status };
  },
  rename: ({ fs }, { path, to, how }) => fs.rename(path, to, RENAME_FLAGS[how]),
  link: ({ fs }, { path, to }) => fs.link(path, to),
  symlink: ({ fs }, { path, target }) => fs.symlink(target, path),
  readlink: ({ fs }, { path }) => fs.readlink(path),
  mkfifo: ({ fs }, { path, mode }) => fs.mknod(path, S_IFIFO | mode),
  chmod: ({ fs }, { path, mode }) => fs.chmod(path, mode),
  chown: ({ fs }, { path, uid, gid }) => fs.lchown(path, uid, gid),
  utimens: ({ fs }, { path, mtimeSec }) => fs.utimens(path, 'omit', BigInt(mtimeSec) * 1_000_000_000n + 5n),
  setxattr: ({ fs }, { path, name, value }) => fs.setxattr(path, name, value),
  removexattr: ({ fs }, { path, name }) => fs.removexattr(path, name),
  listxattr: ({ fs }, { path }) => fs.listxattr(path),
  stat: async ({ fs }, { path }) => normalStat(await fs.lstat(path)),
  readdir: (actor, { path }) => listing(actor, path),
  tmpfile: ({ fs }, { path, to }) =>
    withFile(fs, path, O_TMPFILE | O_RDWR, async (fd) => {
      await fs.write(fd, 'tmp');
      await fs.linkDescriptor(fd, to);
    }),
  punch: ({ fs }, { path, offset }) =>
    withFile(fs, path, O_RDWR, (fd) =>
      fs.fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, 4096),
    ),
  copyRange: ({ fs }, { path, to }) =>
    withFile(fs, path, O_RDONLY, (from) =>
      withFile(fs, to, O_RDWR, (target) => fs.copyFileRange(from, 0, target, 100, 5000)),
    ),
  open: async (actor, { slot, path, access }) => {
    await closeSlot(actor, slot);
    const fd = await actor.fs.open(path, O_NONBLOCK | (access === 'r' ? O_RDONLY : O_RDWR));
    actor.slots.set(slot, fd);
    // A chmod through the descriptor of an unlinked fifo of a layer brings its name back on overlayfs.
    if ((await actor.fs.fstat(fd)).type === 'fifo') await closeSlot(actor, slot);
  },
  slotRead: async (actor, { slot }) => String(await actor.fs.read(slotOf(actor, slot), 20_000, 0)),
  slotWrite: (actor, { slot, data }) => actor.fs.write(slotOf(actor, slot), data, 10),
  slotStat: async (actor, { slot }) => normalStat(await actor.fs.fstat(slotOf(actor, slot))),
  slotChmod: (actor, { slot, mode }) => actor.fs.fchmod(slotOf(actor, slot), mode),
  slotTruncate: (actor, { slot, size }) => actor.fs.ftruncate(slotOf(actor, slot), size),
  slotClose: (actor, { slot }) => closeSlot(actor, slot),
};

/** Does a step. A failure of the operation is an outcome; a lost operator is thrown. */
export async function doStep(actor: Actor, step: Step): Promise<Outcome> {
  const run = doers[step.step] as (actor: Actor, step: Step) => Promise<unknown>;
  try {
    return { result: await run(actor, step) };
  } catch (error) {
    if (error instanceof OperationError) return { code: error.code };
    throw error;
  }
}

/** One line for a report. */
export function describeStep(step: Step): string {
  const { step: name, ...rest } = step;
  const args = Object.entries(rest).map(([key, value]) => {
    const text = JSON.stringify(value);
    return `${key}: ${text.length > 40 ? `${text.slice(0, 40)}...` : text}`;
  });
  return `${name} ${args.join(', ')}`;
}
