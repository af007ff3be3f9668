/** A FileSystem that refuses every operation with one error; what it can do its subclasses add. */

import { fsError } from '../../errno/fs-error.js';
import type { Attr, Entry, StatFs } from '../../vfs/attr.js';
import type { DirentSink, FileSystem } from '../../vfs/file-system.js';
import type { Name } from '../../vfs/name.js';
import type { NodeId } from '../../vfs/node-id.js';

export abstract class RefusingFileSystem implements FileSystem {
  readonly #errno: number;

  /** @param errno of the operations that are not overridden. */
  constructor(errno: number) {
    this.#errno = errno;
  }

  attach(): void {
    // Needs nothing of the session.
  }

  detach(): void {
    // Holds nothing.
  }

  abstract lookup(parent: NodeId, name: Name, out: Entry): boolean;
  abstract forget(node: NodeId, count: number): void;
  abstract getattr(node: NodeId, handle: number | undefined, out: Attr): void;

  readlink(_node: NodeId): Name {
    return this.refuse('readlink');
  }
  readdir(_node: NodeId, _offset: number, _sink: DirentSink): void {
    this.refuse('readdir');
  }
  statfs(_node: NodeId, _out: StatFs): void {
    this.refuse('statfs');
  }
  getxattr(): Uint8Array | undefined {
    return this.refuse('getxattr');
  }
  listxattr(): Uint8Array {
    return this.refuse('listxattr');
  }
  fsyncdir(): void {
    this.refuse('fsyncdir');
  }
  open(): void {
    this.refuse('open');
  }
  removexattr(): void {
    this.refuse('removexattr');
  }

  setattr = (): never => this.refuse('setattr');
  mknod = (): never => this.refuse('mknod');
  mkdir = (): never => this.refuse('mkdir');
  symlink = (): never => this.refuse('symlink');
  link = (): never => this.refuse('link');
  unlink = (): never => this.refuse('unlink');
  rmdir = (): never => this.refuse('rmdir');
  rename = (): never => this.refuse('rename');
  create = (): never => this.refuse('create');
  tmpfile = (): never => this.refuse('tmpfile');
  setxattr = (): never => this.refuse('setxattr');
  release = (): never => this.refuse('release');
  flush = (): never => this.refuse('flush');
  fsync = (): never => this.refuse('fsync');
  read = (): never => this.refuse('read');
  write = (): never => this.refuse('write');
  fallocate = (): never => this.refuse('fallocate');
  lseek = (): never => this.refuse('lseek');
  copyFileRange = (): never => this.refuse('copy_file_range');
  inodeFlags = (): never => this.refuse('ioctl');

  protected refuse(op: string): never {
    throw fsError(this.#errno, op);
  }
}
