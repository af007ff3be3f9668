/** The steps in which an apply changes one area of the host: each is in the log before it is done. */

import { ENOENT } from '../../errno/errno.js';
import { check, fsError } from '../../errno/fs-error.js';
import {
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
} from '../../linux/constants.js';
import { fsync, write } from '../../linux/files/data.js';
import { linkat, mkdirat } from '../../linux/files/directory.js';
import { ftruncate } from '../../linux/files/inode.js';
import { close, openat } from '../../linux/files/open.js';
import { copyData, tryClone } from '../../realfs/copy-data.js';
import { copyFile, copySpecial, lookAt } from '../../realfs/tree-copy/object.js';
import type { CopyPolicy } from '../../realfs/tree-copy/policy.js';
import { crashPoint } from '../../store/crash-point.js';
import type { Name } from '../../vfs/name.js';
import type { BeneathTree } from '../changes/beneath-tree.js';
import type { AreaTrees } from '../changes/scan-area.js';
import type { ApplyLog, KeptAttributes } from './apply-log.js';
import { attributesAt, setAttributesAt, setOwnAttributes } from './kept-attributes.js';
import type { ApplyStage } from './stage.js';

/** Attributes follow by themselves (kept-attributes.ts). */
const BARE: CopyPolicy = {
  owners: undefined,
  conflicts: 'refuse',
  times: 'all',
  xattrs: 'none',
  sockets: 'copy',
  mounts: 'leave out',
  leavesOut: () => true,
  forgives: () => false,
};

export class HostSteps {
  readonly #trees: AreaTrees;
  readonly #stage: ApplyStage;
  readonly #log: ApplyLog;
  readonly #nextItem: () => string;
  /** Directories whose times are known to the log. */
  readonly #kept = new Set<Name>();

  constructor(trees: AreaTrees, stage: ApplyStage, log: ApplyLog, nextItem: () => string) {
    this.#trees = trees;
    this.#stage = stage;
    this.#log = log;
    this.#nextItem = nextItem;
  }

  get #area(): string {
    return this.#trees.area.id;
  }

  get #host(): BeneathTree {
    return this.#trees.host;
  }

  /** The host's object goes to the stage. @returns the item. */
  take(path: Name): string {
    this.#keepParent(path);
    const item = this.#nextItem();
    this.#log.add({ do: 'take', area: this.#area, path, item });
    this.#stage.take(path, item);
    crashPoint();
    return item;
  }

  put(item: string, path: Name): void {
    this.#keepParent(path);
    this.#log.add({ do: 'put', area: this.#area, path, item });
    this.#stage.put(item, path);
    crashPoint();
  }

  /** The draft's object, without what is in it, becomes a new one of the host. */
  make(path: Name, text?: string): void {
    const { upper, marks } = this.#trees;
    const wanted = attributesAt(upper, path, marks);
    if (wanted === undefined) throw fsError(ENOENT, 'open', upper.shown(path));
    const item = this.#nextItem();
    this.#build(path, item, wanted, text);
    this.put(item, path);
  }

  /** Another name for an object of the host. */
  link(from: Name, path: Name): void {
    const item = this.#nextItem();
    using place = this.#host.hold(from);
    check(linkat(place.dirfd, place.name, this.#stage.fd, item, 0), 'link', this.#host.shown(path));
    this.put(item, path);
  }

  /** Owner, mode, times and extended attributes of the draft's object. */
  attributes(path: Name, changes: Partial<KeptAttributes> = {}): void {
    const wanted = attributesAt(this.#trees.upper, path, this.#trees.marks);
    if (wanted !== undefined) this.setAttributes(path, { ...wanted, ...changes });
  }

  setAttributes(path: Name, wanted: KeptAttributes): void {
    this.#keep(path);
    setAttributesAt(this.#host, path, wanted);
    crashPoint();
  }

  /** The data of the draft's file, or a text, into the host's file, which stays the one that it is: it has other names. */
  writeInPlace(path: Name, text?: string): void {
    const item = this.#nextItem();
    this.#keep(path);
    copyDataTo(this.#host, path, this.#stage.fd, item);
    this.#log.add({ do: 'data', area: this.#area, path, item });
    const to = check(this.#host.open(path, O_WRONLY | O_NONBLOCK), 'open', this.#host.shown(path));
    try {
      if (text === undefined) overwrite(this.#trees.upper, path, to);
      else overwriteWithText(to, text);
    } finally {
      close(to);
    }
    crashPoint();
  }

  #build(path: Name, item: string, wanted: KeptAttributes, text: string | undefined): void {
    const { upper } = this.#trees;
    const target = { dirfd: this.#stage.fd, name: item };
    const type = wanted.mode & S_IFMT;
    if (type === S_IFDIR) check(mkdirat(target.dirfd, item, 0o700), 'mkdir', this.#host.shown(path));
    else if (type === S_IFREG && text !== undefined) writeText(target.dirfd, item, text);
    else {
      using place = upper.hold(path);
      const source = lookAt({ dirfd: place.dirfd, name: place.name }, upper.shown(path));
      if (type === S_IFREG) copyFile(source, target, BARE);
      else copySpecial(source, target, BARE);
    }
    const fd = check(openat(target.dirfd, item, O_PATH_NOFOLLOW), 'open', this.#host.shown(path));
    try {
      setOwnAttributes(fd, wanted, this.#host.shown(path));
    } finally {
      close(fd);
    }
  }

  /** A change in a directory changes its times. */
  #keepParent(path: Name): void {
    const slash = path.lastIndexOf('/');
    this.#keep(slash < 0 ? '' : path.slice(0, slash));
  }

  #keep(path: Name): void {
    if (this.#kept.has(path)) return;
    const before = attributesAt(this.#host, path);
    if (before === undefined) return;
    this.#kept.add(path);
    this.#log.add({ do: 'attributes', area: this.#area, path, before });
  }

  /** Paths mean other objects from now on: directories were renamed. */
  forgetKept(): void {
    this.#kept.clear();
  }
}

const O_PATH_NOFOLLOW = 0o10000000 | O_NOFOLLOW;

function writeText(dirfd: number, name: Name, text: string): void {
  const fd = check(openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL, 0o600), 'open', name);
  try {
    writeAll(fd, Buffer.from(text, 'utf8'));
  } finally {
    close(fd);
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += check(write(fd, bytes.subarray(at)), 'write');
}

function overwriteWithText(fd: number, text: string): void {
  check(ftruncate(fd, 0), 'truncate');
  writeAll(fd, Buffer.from(text, 'utf8'));
}

/** A copy, on disk, of a file's data. */
function copyDataTo(tree: BeneathTree, path: Name, dirfd: number, name: Name): void {
  const from = check(tree.open(path, O_RDONLY | O_NONBLOCK), 'open', tree.shown(path));
  try {
    const to = check(openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL, 0o600), 'open', name);
    try {
      if (!tryClone(from, to))
        check(copyData(from, to, tree.look(path)?.sizeBytes ?? 0), 'copy', tree.shown(path));
      check(fsync(to), 'fsync', name);
    } finally {
      close(to);
    }
  } finally {
    close(from);
  }
}

/** The file behind the descriptor gets the data of another. */
function overwrite(tree: BeneathTree, path: Name, to: number): void {
  const from = check(tree.open(path, O_RDONLY | O_NONBLOCK), 'open', tree.shown(path));
  try {
    check(ftruncate(to, 0), 'truncate', tree.shown(path));
    check(copyData(from, to, tree.look(path)?.sizeBytes ?? 0), 'copy', tree.shown(path));
  } finally {
    close(from);
  }
}
