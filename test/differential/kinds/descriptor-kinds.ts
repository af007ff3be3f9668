/** Steps on descriptors that stay open, of files and of directories, whatever becomes of their names. */

import fc from 'fast-check';
import {
  F_RDLCK,
  F_UNLCK,
  F_WRLCK,
  LOCK_EX,
  LOCK_NB,
  LOCK_SH,
  LOCK_UN,
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
} from '../../helpers/test-constants.js';
import {
  closeSlot,
  data,
  dirMode,
  dirSlot,
  fileMode,
  fileSlot,
  kind,
  length,
  name,
  newOwner,
  normalStat,
  path,
  place,
  size,
  slotOf,
} from '../kind.js';
import { time, timeChange, xattrName, xattrValue } from './attribute-kinds.js';
import {
  FALLOCATE_MODES,
  fallocateMode,
  READ_LENGTH,
  seekTruly,
  whence,
  writeThroughMap,
} from './content-kinds.js';
import { listInParts } from './name-kinds.js';

const ACCESS = { r: O_RDONLY, rw: O_RDWR, w: O_WRONLY, append: O_RDWR | O_APPEND } as const;
const FLOCKS = { shared: LOCK_SH | LOCK_NB, exclusive: LOCK_EX | LOCK_NB, none: LOCK_UN } as const;
const LOCKS = { read: F_RDLCK, write: F_WRLCK, none: F_UNLCK } as const;

export const descriptorKinds = {
  open: kind(
    6,
    {
      slot: fileSlot,
      path: path('regular'),
      access: fc.constantFrom<keyof typeof ACCESS>('r', 'rw', 'w', 'append'),
    },
    async (actor, { slot, path, access }) => {
      await closeSlot(actor, slot);
      const fd = await actor.fs.open(path, O_NONBLOCK | ACCESS[access]);
      actor.slots.set(slot, fd);
      // A chmod through the descriptor of an unlinked fifo of a layer brings its name back on overlayfs.
      if ((await actor.fs.fstat(fd)).type !== 'file') await closeSlot(actor, slot);
    },
    (names, { slot }) => names.slots.add(slot),
  ),
  slotRead: kind(3, { slot: fileSlot, offset: place }, async (actor, { slot, offset }) =>
    String(await actor.fs.read(slotOf(actor, slot), READ_LENGTH, offset)),
  ),
  slotWrite: kind(4, { slot: fileSlot, offset: size, data }, (actor, { slot, offset, data }) =>
    actor.fs.write(slotOf(actor, slot), data, offset),
  ),
  slotStat: kind(3, { slot: fileSlot }, async (actor, { slot }) =>
    normalStat(await actor.fs.fstat(slotOf(actor, slot))),
  ),
  slotChmod: kind(2, { slot: fileSlot, mode: fileMode }, (actor, { slot, mode }) =>
    actor.fs.fchmod(slotOf(actor, slot), mode),
  ),
  slotChown: kind(1, { slot: fileSlot, uid: newOwner, gid: newOwner }, (actor, { slot, uid, gid }) =>
    actor.fs.fchown(slotOf(actor, slot), uid, gid),
  ),
  slotUtimens: kind(1, { slot: fileSlot, mtime: time }, (actor, { slot, mtime }) =>
    actor.fs.utimens({ fd: slotOf(actor, slot) }, 'omit', timeChange(mtime)),
  ),
  slotTruncate: kind(2, { slot: fileSlot, size }, (actor, { slot, size }) =>
    actor.fs.ftruncate(slotOf(actor, slot), size),
  ),
  slotFallocate: kind(
    1,
    { slot: fileSlot, how: fallocateMode, offset: place, length },
    (actor, { slot, how, offset, length }) =>
      actor.fs.fallocate(slotOf(actor, slot), FALLOCATE_MODES[how], offset, length),
  ),
  slotSeek: kind(1, { slot: fileSlot, whence, offset: place }, (actor, { slot, whence, offset }) =>
    seekTruly(actor.fs, slotOf(actor, slot), whence, offset),
  ),
  slotMapWrite: kind(1, { slot: fileSlot, offset: place, data }, (actor, { slot, offset, data }) =>
    writeThroughMap(actor.fs, slotOf(actor, slot), offset, data),
  ),
  slotCopyRange: kind(
    1,
    { slot: fileSlot, to: fileSlot, from: place, at: place, length },
    (actor, { slot, to, from, at, length }) =>
      actor.fs.copyFileRange(slotOf(actor, slot), from, slotOf(actor, to), at, length),
  ),
  slotSetxattr: kind(
    1,
    { slot: fileSlot, name: xattrName, value: xattrValue },
    (actor, { slot, name, value }) => actor.fs.setxattr({ fd: slotOf(actor, slot) }, name, value),
  ),
  slotListxattr: kind(1, { slot: fileSlot }, (actor, { slot }) =>
    actor.fs.listxattr({ fd: slotOf(actor, slot) }),
  ),
  slotLink: kind(
    1,
    { slot: fileSlot, path: path('new') },
    (actor, { slot, path }) => actor.fs.linkDescriptor(slotOf(actor, slot), path),
    (names, { path }) => names.make(path, 'file'),
  ),
  slotSync: kind(1, { slot: fileSlot }, (actor, { slot }) => actor.fs.fsync(slotOf(actor, slot))),
  slotFlock: kind(
    1,
    { slot: fileSlot, how: fc.constantFrom<keyof typeof FLOCKS>('shared', 'exclusive', 'none') },
    (actor, { slot, how }) => actor.fs.flock(slotOf(actor, slot), FLOCKS[how]),
  ),
  slotLock: kind(
    1,
    {
      slot: fileSlot,
      how: fc.constantFrom<keyof typeof LOCKS>('read', 'write', 'none'),
      start: place,
      length,
    },
    (actor, { slot, how, start, length }) => actor.fs.setLock(slotOf(actor, slot), LOCKS[how], start, length),
  ),
  /** By the other user, so that the locks of slots stand in the way. */
  testLock: {
    ...kind(
      1,
      {
        path: path('regular'),
        how: fc.constantFrom<'read' | 'write'>('read', 'write'),
        start: place,
        length,
      },
      async ({ fs }, { path, how, start, length }) => {
        const fd = await fs.open(path, O_NONBLOCK);
        try {
          const found = await fs.getLock(fd, LOCKS[how], start, length);
          return found === undefined
            ? 'free'
            : { type: found.type, start: found.start, length: found.length };
        } finally {
          await fs.close(fd);
        }
      },
    ),
    byUser: true as const,
  },
  slotClose: kind(
    1,
    { slot: fileSlot },
    (actor, { slot }) => closeSlot(actor, slot),
    (names, { slot }) => names.slots.delete(slot),
  ),
  openDirectory: kind(
    2,
    { slot: dirSlot, path: path('dir') },
    async (actor, { slot, path }) => {
      await closeSlot(actor, slot);
      actor.slots.set(slot, await actor.fs.open(path, O_DIRECTORY));
    },
    (names, { slot }) => names.slots.add(slot),
  ),
  directoryRead: kind(1, { slot: dirSlot }, (actor, { slot }) => listInParts(actor.fs, slotOf(actor, slot))),
  directoryStat: kind(1, { slot: dirSlot }, async (actor, { slot }) =>
    normalStat(await actor.fs.fstat(slotOf(actor, slot))),
  ),
  directoryChmod: kind(1, { slot: dirSlot, mode: dirMode }, (actor, { slot, mode }) =>
    actor.fs.fchmod(slotOf(actor, slot), mode),
  ),
  directoryMkdir: kind(1, { slot: dirSlot, name, mode: dirMode }, (actor, { slot, name, mode }) =>
    actor.fs.mkdir({ fd: slotOf(actor, slot), name }, mode),
  ),
  directoryUnlink: kind(1, { slot: dirSlot, name }, (actor, { slot, name }) =>
    actor.fs.unlink({ fd: slotOf(actor, slot), name }),
  ),
  directoryRename: kind(1, { slot: dirSlot, name, path: path('new', 'any') }, (actor, { slot, name, path }) =>
    actor.fs.rename({ fd: slotOf(actor, slot), name }, path),
  ),
  directoryFile: kind(1, { slot: dirSlot, name, data }, (actor, { slot, name, data }) =>
    actor.fs.writeFile({ fd: slotOf(actor, slot), name }, data, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK),
  ),
};
