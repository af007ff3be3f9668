/**
 * What an upper directory changes, as a layer: image-spec 1.1, layer.md, "Representing Changes".
 *
 * Upper says which names changed; what they are is read from the union, so that redirected directories, metadata-only
 * copies and names that lead to a copy by the index come out as what users of the mount see.
 * INVARIANT: in each directory the opaque mark comes first, then whiteouts, then what is there; each group is sorted.
 */

import { ENODATA, EOPNOTSUPP } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  DT_DIR,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  S_IFDIR,
  S_IFMT,
  STATX_BASIC_STATS,
} from '../../linux/constants.js';
import { readEntries } from '../../linux/files/directory.js';
import { close, openat } from '../../linux/files/open.js';
import { Statx, statx } from '../../linux/files/statx.js';
import { fgetxattr } from '../../linux/files/xattr.js';
import { PrivateXattrs } from '../../union/form/overlay-xattrs.js';
import { isWhiteoutObject } from '../../union/form/whiteout.js';
import { xattrNamespaceHere } from '../../union/form/xattr-namespace.js';
import { openView, type ViewOptions } from '../../union/open-view.js';
import { Attr } from '../../vfs/attr.js';
import type { FileSystem } from '../../vfs/file-system.js';
import { displayName, type Name } from '../../vfs/name.js';
import { type NodeId, ROOT_NODE } from '../../vfs/node-id.js';
import { indexedNames, type NameTree } from './indexed-names.js';
import type { TreeTar } from './tar-tree.js';
import { joinPath, TreeReader } from './tree-reader.js';

interface Changes {
  /** Directories of the layers, bottom first. */
  readonly layers: readonly Name[];
  readonly upper: Name;
  readonly work: Name;
  /** No time in the tar is later. */
  readonly latestSec?: number | undefined;
}

const WHITEOUT_PREFIX = '.wh.';
const OPAQUE_NAME = '.wh..wh..opq';
const OPEN_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

/** The container should not write meanwhile. The chunks are read once; the view is closed after the last. */
export function tarOfChanges(changes: Changes): TreeTar {
  const options: ViewOptions = {
    layers: changes.layers,
    upper: { path: changes.upper, work: changes.work },
  };
  const notices = new Map<string, number>();
  return { chunks: read(changes, options, notices), notices };
}

function* read(changes: Changes, options: ViewOptions, notices: Map<string, number>): Generator<Buffer> {
  const view = openView(options);
  try {
    const reader = new TreeReader(view, changes.latestSec);
    const attr = new Attr();
    view.getattr(ROOT_NODE, undefined, attr);
    yield* reader.object('', { id: ROOT_NODE, attr });
    const fd = check(openat(AT_FDCWD, changes.upper, O_RDONLY | O_DIRECTORY), 'open', changes.upper);
    const extra = indexedNames(reader, view);
    yield* new ChangeWalk(reader).directory({ path: '', node: ROOT_NODE, upperFd: fd, extra });
    yield* reader.end();
    for (const [what, count] of reader.notices) notices.set(what, count);
  } finally {
    view.detach();
  }
}

interface ChangedDirectory {
  readonly path: Name;
  readonly node: NodeId;
  /** Closed by the walk. -1: upper does not have the directory. */
  readonly upperFd: number;
  /** Names of lower files whose copy is in the index. */
  readonly extra: NameTree | undefined;
}

class ChangeWalk {
  readonly #reader: TreeReader;
  readonly #fs: FileSystem;
  readonly #xattrs = new PrivateXattrs(xattrNamespaceHere());
  readonly #stat = new Statx();

  constructor(reader: TreeReader) {
    this.#reader = reader;
    this.#fs = reader.fs;
  }

  *directory({ path, node, upperFd, extra }: ChangedDirectory): Generator<Buffer> {
    try {
      const isOpaque = upperFd >= 0 && this.#has(upperFd, this.#xattrs.opaque, 'y');
      if (isOpaque) yield* this.#reader.mark(joinPath(path, OPAQUE_NAME));
      const { whiteouts, names } = this.#changed(upperFd);
      if (!isOpaque) {
        for (const name of whiteouts) yield* this.#reader.mark(joinPath(path, WHITEOUT_PREFIX + name));
      }
      for (const name of extra?.keys() ?? []) if (!names.has(name)) names.set(name, false);
      for (const name of [...names.keys()].sort()) {
        const fd = names.get(name) ? this.#open(upperFd, name) : -1;
        yield* this.#name(joinPath(path, name), { path: name, node, upperFd: fd, extra: extra?.get(name) });
      }
    } finally {
      if (upperFd >= 0) close(upperFd);
    }
  }

  /** `place.path` is the name, `place.node` the directory that has it. */
  *#name(path: Name, place: ChangedDirectory): Generator<Buffer> {
    if (place.path.startsWith(WHITEOUT_PREFIX)) {
      if (place.upperFd >= 0) close(place.upperFd);
      throw new UserError(
        `cannot write '${displayName(path)}' to a layer: names with '.wh.' mean deletions there`,
      );
    }
    const child = this.#reader.lookup(place.node, place.path);
    if (child === undefined) {
      if (place.upperFd >= 0) close(place.upperFd);
      return;
    }
    try {
      yield* this.#reader.object(path, child);
      if ((child.attr.mode & S_IFMT) !== S_IFDIR) return;
      if (place.upperFd >= 0 && this.#has(place.upperFd, this.#xattrs.redirect)) {
        close(place.upperFd);
        // It came from elsewhere: nothing of what is below its name belongs to it.
        yield* this.#reader.mark(joinPath(path, OPAQUE_NAME));
        yield* this.#reader.content(path, child.id);
      } else {
        yield* this.directory({ path, node: child.id, upperFd: place.upperFd, extra: place.extra });
      }
    } finally {
      this.#reader.forget(child);
    }
  }

  /** What upper has itself; of a name, whether it is a directory. */
  #changed(upperFd: number): { whiteouts: Name[]; names: Map<Name, boolean> } {
    const whiteouts: Name[] = [];
    const names = new Map<Name, boolean>();
    if (upperFd < 0) return { whiteouts, names };
    const all: { name: Name; type: number }[] = [];
    const result = readEntries(upperFd, (name, _ino, type) => all.push({ name, type }));
    check(result, 'readdir');
    for (const { name, type } of all) {
      check(statx(upperFd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, this.#stat), 'statx', name);
      if (isWhiteoutObject(upperFd, name, this.#stat, this.#xattrs)) whiteouts.push(name);
      else names.set(name, type === DT_DIR);
    }
    return { whiteouts: whiteouts.sort(), names };
  }

  #open(upperFd: number, name: Name): number {
    return check(openat(upperFd, name, OPEN_FLAGS), 'open', name);
  }

  #has(fd: number, attribute: Name, value?: string): boolean {
    const bytes = Buffer.allocUnsafe(512);
    const length = fgetxattr(fd, attribute, bytes);
    if (length === -ENODATA || length === -EOPNOTSUPP) return false;
    check(length, 'getxattr', attribute);
    return value === undefined || bytes.toString('latin1', 0, length) === value;
  }
}
