/** getdents64(2): READDIRPLUS on the first reads of a directory, READDIR after, a page of entries each. Linux: fs/fuse/readdir.c. */

import { EINVAL } from '../../../src/errno/errno.js';
import { fsError } from '../../../src/errno/fs-error.js';
import type { Entry } from '../../../src/vfs/attr.js';
import type { DirentSink } from '../../../src/vfs/file-system.js';
import type { Name } from '../../../src/vfs/name.js';
import { NO_NODE } from '../../../src/vfs/node-id.js';
import type { Dirent } from '../../helpers/operations/name-operations.js';
import type { Inode } from './inode-cache.js';
import type { Kernel } from './kernel.js';
import type { Process } from './kernel-process.js';
import { assertListable } from './name-calls.js';

const PAGE_BYTES = 4096;
/** struct fuse_dirent without its name, and what an entry adds. */
const DIRENT_BYTES = 24;
const ENTRY_BYTES = 128;
/** struct linux_dirent64 without its name. */
const LINUX_DIRENT_BYTES = 19;

class PageOfEntries implements DirentSink {
  readonly plus: boolean;
  readonly found: Dirent[] = [];
  readonly #kernel: Kernel;
  readonly #directory: Inode;
  #left = PAGE_BYTES;

  constructor(kernel: Kernel, directory: Inode, plus: boolean) {
    this.#kernel = kernel;
    this.#directory = directory;
    this.plus = plus;
  }

  fits(nameLength: number): boolean {
    return this.#sizeOf(nameLength) <= this.#left;
  }

  add(name: Name, ino: number, type: number, nextOffset: number): void {
    this.#left -= this.#sizeOf(name.length);
    this.found.push({ name, ino: BigInt(ino), type, next: BigInt(nextOffset) });
  }

  addPlus(name: Name, entry: Entry, type: number, nextOffset: number): void {
    this.add(name, entry.attr.ino, type, nextOffset);
    if (entry.nodeId !== NO_NODE) this.#kernel.cache.enter(this.#directory, name, entry);
  }

  #sizeOf(nameLength: number): number {
    const bytes = DIRENT_BYTES + nameLength + (this.plus ? ENTRY_BYTES : 0);
    return Math.ceil(bytes / 8) * 8;
  }
}

export function getdents(process: Process, fd: number, room: number): Dirent[] {
  const directory = assertListable(process, fd);
  const { kernel, who } = process;
  const description = process.description(fd);
  const { waiting } = description;
  const taken: Dirent[] = [];
  for (let left = room; ; ) {
    if (waiting.length === 0) {
      const from = description.offset;
      const page = kernel.request(who, (fs) => {
        const sink = new PageOfEntries(kernel, directory, from === 0);
        fs.readdir(directory.node, from, sink);
        return sink.found;
      });
      directory.invalidate();
      if (page.length === 0) return taken;
      waiting.push(...page);
    }
    const next = waiting[0]!;
    const size = Math.ceil((LINUX_DIRENT_BYTES + next.name.length + 1) / 8) * 8;
    if (size > left) {
      if (taken.length === 0) throw fsError(EINVAL, 'getdents');
      return taken;
    }
    left -= size;
    taken.push(waiting.shift()!);
    description.offset = Number(next.next);
  }
}
