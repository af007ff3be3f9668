/**
 * One layer, and the directories of it that are in use.
 *
 * Every access below a layer goes through the descriptor of a directory and one name, never through a path: names come
 * from the kernel without a slash and are opened with O_NOFOLLOW, so no symlink planted in a layer leads out of it.
 * Privileged, the root is a private clone of the mount (lower layers: read-only and noatime), as kernel overlayfs has it:
 * fs/overlayfs/super.c:ovl_get_layers() v6.18.
 */

import { check } from '../../errno/fs-error.js';
import { O_DIRECTORY, O_NOFOLLOW, O_PATH, O_RDONLY } from '../../linux/constants.js';
import { close, openat } from '../../linux/files/open.js';
import type { CachedDescriptor, DescriptorCache } from '../../realfs/descriptor-cache.js';
import type { ReadGate } from '../../realfs/disk/read-gate.js';
import type { Name } from '../../vfs/name.js';
import { InodeIndex } from './inode-index.js';

interface LayerOptions {
  /** 0 is the upper, or the topmost layer of a read-only union. */
  readonly index: number;
  readonly writable: boolean;
  /** Where it lies, for messages. */
  readonly path: string;
  /** Descriptor of the root; owned by the layer from now on. */
  readonly rootFd: number;
  /** st_dev of the root. */
  readonly dev: number;
  /** What is added to inode numbers of that device: see vfs/inode-numbers.ts. */
  readonly inodeBase: number;
  /** The UUID of its file system, 16 bytes; zeros when unknown. */
  readonly uuid: Buffer;
  /** File handles name the same file after its file system was mounted anew: not so on FUSE. */
  readonly hasHandles: boolean;
  /** What keeps requests from waiting in it; undefined where it is local. */
  readonly gate: ReadGate | undefined;
  /** Attribute that keeps owner and mode instead of the inode: see override-stat.ts. */
  readonly override: Name | undefined;
}

export class Layer {
  /** Place in the stack, 0 is the top; a further upper moves it down. */
  index: number;
  /** Until it is no upper any more. */
  writable: boolean;
  path: string;
  readonly dev: number;
  readonly inodeBase: number;
  readonly uuid: Buffer;
  readonly hasHandles: boolean;
  readonly gate: ReadGate | undefined;
  readonly override: Name | undefined;
  readonly root: RealDirectory;
  /** Nodes whose topmost object lies in this layer, by its inode number there. */
  readonly nodes = new InodeIndex();
  #handleFd = -1;

  constructor(options: LayerOptions) {
    this.index = options.index;
    this.writable = options.writable;
    this.path = options.path;
    this.dev = options.dev;
    this.inodeBase = options.inodeBase;
    this.uuid = options.uuid;
    this.hasHandles = options.hasHandles;
    this.gate = options.gate;
    this.override = options.override;
    this.root = new RealDirectory(this, undefined, '');
    this.root.fd = options.rootFd;
    this.root.pinned = true;
  }

  /** Closes the root; directories below it were dropped with their nodes. */
  close(): void {
    if (this.root.fd >= 0) close(this.root.fd);
    this.root.fd = -1;
    if (this.#handleFd >= 0) close(this.#handleFd);
    this.#handleFd = -1;
  }

  /** Where its file handles are opened: open_by_handle_at(2) takes no O_PATH descriptor. @returns one, or a negated errno. */
  handleDescriptor(): number {
    if (this.#handleFd < 0) this.#handleFd = openat(this.root.fd, '.', O_RDONLY | O_DIRECTORY);
    return this.#handleFd;
  }

  /** The inode number that the union shows for one of this layer. */
  inodeNumber(ino: number): number {
    return ino + this.inodeBase;
  }
}

/** A directory of one layer; its descriptor is open while it is in use, and reopened by name when it was evicted. */
export class RealDirectory implements CachedDescriptor {
  readonly layer: Layer;
  parent: RealDirectory | undefined;
  name: Name;
  fd = -1;
  pinned = false;
  /** Marked opaque 'x': see whiteout.ts. */
  xattrWhiteouts = false;
  /** Looks at names by helpers, one after the other, for which nothing had to be read: see layer-names.ts. */
  quickLooks = 0;
  newer: CachedDescriptor | undefined;
  older: CachedDescriptor | undefined;

  constructor(layer: Layer, parent: RealDirectory | undefined, name: Name) {
    this.layer = layer;
    this.parent = parent;
    this.name = name;
  }

  /**
   * The O_PATH descriptor, valid until the next call for another directory.
   * @throws FsError as openat(2) when it has to be opened again and cannot be.
   */
  descriptor(cache: DescriptorCache): number {
    if (this.fd >= 0) {
      cache.touch(this);
      return this.fd;
    }
    const parent = this.parent;
    if (parent === undefined) throw new Error('the root of a layer has lost its descriptor');
    this.fd = check(
      openat(parent.descriptor(cache), this.name, O_PATH | O_DIRECTORY | O_NOFOLLOW),
      'openat',
      this.name,
    );
    cache.add(this);
    return this.fd;
  }

  /** Path below the layer's root, without a leading slash; '' for the root. */
  path(): string {
    if (this.parent === undefined) return '';
    const above = this.parent.path();
    return above === '' ? this.name : `${above}/${this.name}`;
  }
}
