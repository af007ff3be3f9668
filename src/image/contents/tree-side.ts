/**
 * One of two trees that are compared, read through the seam of the file systems.
 */

import { TreeReader } from '../../archive/tree/tree-reader.js';
import { EOPNOTSUPP } from '../../errno/errno.js';
import { isErrno } from '../../errno/fs-error.js';
import { O_RDONLY, S_IFMT, S_IFREG } from '../../linux/constants.js';
import { type Attr, Entry, Opened } from '../../vfs/attr.js';
import { Caller } from '../../vfs/caller.js';
import { type FileSystem, OpenIntent } from '../../vfs/file-system.js';
import type { Name } from '../../vfs/name.js';
import { type NodeId, ROOT_NODE } from '../../vfs/node-id.js';

/** An object of a tree, with a reference that its user forgets. */
export interface HeldObject {
  readonly id: NodeId;
  readonly attr: Attr;
}

const PIECE_BYTES = 256 * 1024;
const READING = new OpenIntent();
READING.flags = O_RDONLY;

/** One of the two trees. */
export class TreeSide {
  readonly #fs: FileSystem;
  readonly #reader: TreeReader;
  readonly #root = new Caller();
  readonly #at: Name;
  readonly piece = Buffer.allocUnsafe(PIECE_BYTES);

  /** @param at the directory that is the root of this side. */
  constructor(fs: FileSystem, at: Name = '') {
    this.#fs = fs;
    this.#at = at;
    this.#reader = new TreeReader(fs);
  }

  root(): HeldObject {
    const entry = new Entry();
    let id: NodeId = ROOT_NODE;
    // Known for as long as the tree is open: nothing is forgotten.
    for (const name of this.#at.split('/').filter((one) => one !== ''))
      id = this.#reader.lookup(id, name)?.id ?? id;
    this.#fs.getattr(id, undefined, entry.attr);
    return { id, attr: entry.attr };
  }

  names(directory: HeldObject): Name[] {
    return this.#reader.list(directory.id).map(({ name }) => name);
  }

  /** Calls `use` with an object, and forgets it after. */
  with<T>(parent: HeldObject, name: Name, use: (object: HeldObject | undefined) => T): T {
    const found = this.#reader.lookup(parent.id, name);
    try {
      return use(found);
    } finally {
      if (found !== undefined) this.#reader.forget(found);
    }
  }

  /** The same by a path. */
  at<T>(path: Name, use: (object: HeldObject | undefined) => T, from: HeldObject = this.root()): T {
    const slash = path.indexOf('/');
    if (slash < 0) return this.with(from, path, use);
    return this.with(from, path.slice(0, slash), (below) =>
      below === undefined ? use(undefined) : this.at(path.slice(slash + 1), use, below),
    );
  }

  target(object: HeldObject): Name {
    return this.#fs.readlink(object.id);
  }

  /** In one text, so that two can be compared. Labels are those of a host's policy, and do not count. */
  xattrs(object: HeldObject): string {
    const names = this.#xattrNames(object)
      .split('\0')
      .filter((name) => name !== '' && name !== 'security.selinux')
      .sort();
    return names
      .map((name) => `${name}=${Buffer.from(this.#fs.getxattr(object.id, name) ?? []).toString('hex')}`)
      .join('\n');
  }

  #xattrNames(object: HeldObject): string {
    try {
      return Buffer.from(this.#fs.listxattr(object.id, this.#root)).toString('latin1');
    } catch (error) {
      if (isErrno(error, EOPNOTSUPP)) return '';
      throw error;
    }
  }

  /** The bytes of a regular file. @returns undefined when it is larger, or there is none. */
  content(path: Name, maxBytes: number): Buffer | undefined {
    return this.at(path, (object) => {
      if (object === undefined || (object.attr.mode & S_IFMT) !== S_IFREG) return undefined;
      if (object.attr.sizeBytes > maxBytes) return undefined;
      return this.reading(object, (readAt) => {
        const pieces: Buffer[] = [];
        for (let offset = 0, count = readAt(0); count > 0; count = readAt(offset)) {
          pieces.push(Buffer.from(this.piece.subarray(0, count)));
          offset += count;
        }
        return Buffer.concat(pieces);
      });
    });
  }

  /** Calls `use` with a function that reads to `piece` and gives the number of bytes. */
  reading<T>(object: HeldObject, use: (readAt: (offset: number) => number) => T): T {
    const opened = new Opened();
    this.#fs.open(object.id, READING, opened);
    try {
      return use((offset) => this.#fs.read(object.id, opened.handle, offset, this.piece));
    } finally {
      this.#fs.release(object.id, opened.handle);
    }
  }
}
