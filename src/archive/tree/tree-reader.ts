/**
 * A tree of a file system (a union, a directory) as entries of a tar.
 *
 * INVARIANT: the order is that of the names' bytes, so that the same tree gives the same tar. The first name of a file
 * with several carries its data, the others are links to it. Names are read once; sockets are left out, as docker does.
 */

import { ENXIO, EOPNOTSUPP } from '../../errno/errno.js';
import { check, isErrno } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import {
  O_RDONLY,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  SEEK_DATA,
  SEEK_HOLE,
} from '../../linux/constants.js';
import { CAP_CHOWN, hasCapability } from '../../linux/process/process.js';
import { type Attr, Entry, Opened } from '../../vfs/attr.js';
import { Caller } from '../../vfs/caller.js';
import { type DirentSink, type FileSystem, OpenIntent } from '../../vfs/file-system.js';
import { displayName, type Name } from '../../vfs/name.js';
import type { NodeId } from '../../vfs/node-id.js';
import { encodeHeader } from '../tar/encode.js';
import { BARE_ENTRY, type EntryType, type Extent, type TarEntry } from '../tar/entry.js';
import { Packer } from '../tar/packer.js';

/** A node with its attributes, which its owner forgets after use. */
interface TreeNode {
  readonly id: NodeId;
  readonly attr: Attr;
}

interface ListedEntry {
  readonly name: Name;
  readonly ino: number;
  /** DT_*. */
  readonly type: number;
}

const TYPES: ReadonlyMap<number, EntryType> = new Map([
  [S_IFREG, 'file'],
  [S_IFDIR, 'directory'],
  [S_IFLNK, 'symlink'],
  [S_IFCHR, 'character'],
  [S_IFBLK, 'block'],
  [S_IFIFO, 'fifo'],
]);

/** From this size on a file that is mostly holes is written as a sparse one. */
const SPARSE_BYTES = 1024 ** 3;
const SECTOR_BYTES = 512;

export class TreeReader {
  readonly fs: FileSystem;
  /** What was left out, with how many entries it was. */
  readonly notices = new Map<string, number>();
  readonly #packer = new Packer();
  readonly #latestSec: number;
  readonly #self = hasCapability(CAP_CHOWN)
    ? undefined
    : { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  readonly #root = new Caller();
  /** Inode number to the first name of a file with several. */
  readonly #names = new Map<number, Name>();

  /** `latestSec`: what was changed later is said to have been changed then. */
  constructor(fs: FileSystem, latestSec = Number.POSITIVE_INFINITY) {
    this.fs = fs;
    this.#latestSec = latestSec;
  }

  /** Names in the order of their bytes. */
  list(directory: NodeId): ListedEntry[] {
    const entries: ListedEntry[] = [];
    let next = 0;
    const sink: DirentSink = {
      plus: false,
      fits: () => true,
      add: (name, ino, type, offset) => {
        next = offset;
        if (name !== '.' && name !== '..') entries.push({ name, ino, type });
      },
      addPlus: () => undefined,
    };
    for (let before = -1; before !== next; ) {
      before = next;
      this.fs.readdir(directory, next, sink);
    }
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @returns undefined when there is no such name; else `forget()` it. */
  lookup(parent: NodeId, name: Name): TreeNode | undefined {
    const entry = new Entry();
    return this.fs.lookup(parent, name, entry) ? { id: entry.nodeId, attr: entry.attr } : undefined;
  }

  forget(node: TreeNode): void {
    this.fs.forget(node.id, 1);
  }

  /** The object and, of a directory, all below it. */
  *tree(path: Name, node: TreeNode): Generator<Buffer> {
    yield* this.object(path, node);
    if ((node.attr.mode & S_IFMT) === S_IFDIR) yield* this.content(path, node.id);
  }

  /** What is in a directory, with all below it. */
  *content(path: Name, directory: NodeId): Generator<Buffer> {
    for (const { name } of this.list(directory)) {
      const child = this.lookup(directory, name);
      if (child === undefined) continue;
      try {
        yield* this.tree(joinPath(path, name), child);
      } finally {
        this.forget(child);
      }
    }
  }

  /** The entry of one object. '' is the root, which the tar calls `./`. */
  *object(path: Name, { id, attr }: TreeNode): Generator<Buffer> {
    const type = TYPES.get(attr.mode & S_IFMT);
    if (type === undefined) {
      this.notice('sockets');
      return;
    }
    const isShared = attr.nlink > 1 && type !== 'directory';
    const first = isShared ? this.#names.get(attr.ino) : undefined;
    if (isShared && first === undefined) this.#names.set(attr.ino, path);
    if (first !== undefined) {
      yield* this.#packer.add(
        encodeHeader({
          ...linkEntry(path, first, attr),
          ...this.#ownerOf(attr),
          ...this.#timeOf(attr),
        }).header,
      );
      return;
    }
    const entry = this.#entryOf(path, type, id, attr);
    if (type === 'file' && attr.sizeBytes > 0) yield* this.#file(entry, id, attr);
    else yield* this.#packer.add(encodeHeader(entry).header);
  }

  /** An empty file: how a whiteout is written. */
  *mark(path: Name): Generator<Buffer> {
    yield* this.#packer.add(encodeHeader({ ...MARK, name: path }).header);
  }

  *end(): Generator<Buffer> {
    yield* this.#packer.end();
  }

  notice(what: string): void {
    this.notices.set(what, (this.notices.get(what) ?? 0) + 1);
  }

  #entryOf(path: Name, type: EntryType, id: NodeId, attr: Attr): TarEntry {
    const name = path === '' ? './' : type === 'directory' ? `${path}/` : path;
    return {
      ...MARK,
      name,
      type,
      mode: attr.mode & 0o7777,
      ...this.#ownerOf(attr),
      sizeBytes: type === 'file' ? attr.sizeBytes : 0,
      ...this.#timeOf(attr),
      linkName: type === 'symlink' ? this.fs.readlink(id) : '',
      major: attr.rdevMajor,
      minor: attr.rdevMinor,
      xattrs: this.#xattrsOf(id),
    };
  }

  /** Without CAP_CHOWN a layer belongs to who unpacked it, and shows to a container as root's: so it is written. */
  #ownerOf({ uid, gid }: Attr): Pick<TarEntry, 'uid' | 'gid'> {
    if (this.#self === undefined) return { uid, gid };
    return { uid: uid === this.#self.uid ? 0 : uid, gid: gid === this.#self.gid ? 0 : gid };
  }

  #timeOf({ mtimeSec, mtimeNsec }: Attr): Pick<TarEntry, 'mtimeSec' | 'mtimeNsec'> {
    return mtimeSec < this.#latestSec ? { mtimeSec, mtimeNsec } : { mtimeSec: this.#latestSec, mtimeNsec: 0 };
  }

  #xattrsOf(id: NodeId): Map<Name, Buffer> | undefined {
    const list = this.#xattrNames(id);
    if (list.length === 0) return undefined;
    const xattrs = new Map<Name, Buffer>();
    for (const name of Buffer.from(list).toString('latin1').split('\0')) {
      // Labels are those of this host's policy.
      if (name === '' || name === 'security.selinux') continue;
      const value = this.fs.getxattr(id, name);
      if (value !== undefined) xattrs.set(name, Buffer.from(value));
    }
    return xattrs.size === 0 ? undefined : xattrs;
  }

  /** None of storage that has none: of a volume on sshfs. */
  #xattrNames(id: NodeId): Uint8Array {
    try {
      return this.fs.listxattr(id, this.#root);
    } catch (error) {
      if (isErrno(error, EOPNOTSUPP)) return new Uint8Array(0);
      throw error;
    }
  }

  *#file(entry: TarEntry, id: NodeId, attr: Attr): Generator<Buffer> {
    const opened = new Opened();
    this.fs.open(id, READING, opened);
    const { handle } = opened;
    try {
      const isSparse = attr.sizeBytes >= SPARSE_BYTES && attr.blocks * SECTOR_BYTES < attr.sizeBytes / 2;
      const extents = isSparse ? this.#extentsOf(id, handle, attr.sizeBytes) : undefined;
      const { header, dataBytes } = encodeHeader({ ...entry, extents });
      yield* this.#packer.add(header);
      for (const { offset, length } of extents ?? [{ offset: 0, length: attr.sizeBytes }]) {
        yield* this.#packer.fill(length, (into, at) => {
          if (this.fs.read(id, handle, offset + at, into) === into.length) return;
          throw new UserError(`'${displayName(entry.name)}' became shorter while it was read`);
        });
      }
      yield* this.#packer.pad(dataBytes);
    } finally {
      this.fs.release(id, handle);
    }
  }

  #extentsOf(id: NodeId, handle: number, sizeBytes: number): Extent[] {
    const extents: Extent[] = [];
    for (let at = 0; at < sizeBytes; ) {
      const offset = this.#dataAfter(id, handle, at);
      if (offset === undefined || offset >= sizeBytes) break;
      const end = Math.min(this.fs.lseek(id, handle, offset, SEEK_HOLE), sizeBytes);
      extents.push({ offset, length: end - offset });
      at = end;
    }
    // GNU tar ends the map with an empty piece where the file ends in a hole.
    const last = extents.at(-1);
    if (last === undefined || last.offset + last.length < sizeBytes) {
      extents.push({ offset: sizeBytes, length: 0 });
    }
    return extents;
  }

  #dataAfter(id: NodeId, handle: number, at: number): number | undefined {
    try {
      return check(this.fs.lseek(id, handle, at, SEEK_DATA), 'lseek');
    } catch (error) {
      if (isErrno(error, ENXIO)) return undefined;
      throw error;
    }
  }
}

const READING = new OpenIntent();
READING.flags = O_RDONLY;

const MARK: Omit<TarEntry, 'name'> = { ...BARE_ENTRY, type: 'file', mode: 0 };

function linkEntry(path: Name, first: Name, attr: Attr): TarEntry {
  const { mode } = attr;
  return {
    ...MARK,
    name: path,
    type: 'link',
    mode: mode & 0o7777,
    linkName: first,
  };
}

export function joinPath(above: Name, name: Name): Name {
  return above === '' ? name : `${above}/${name}`;
}
