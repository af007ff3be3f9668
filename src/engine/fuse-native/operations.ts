/**
 * The operations of the package, each carried out by the method of the FileSystem of the same name.
 *
 * Paths become nodes through the PathTree; all requests are those of the mounting user, since the package does not say
 * who asks. The kernel has applied the umask and checked permissions (default_permissions).
 *
 * Absent, as libfuse 2.9 or the package lacks them: fallocate, lseek, copy_file_range, tmpfile, rename with flags.
 * Left out, since the kernel does the work itself when they are absent: access, flush, opendir, locks.
 */

import { ENODATA, EOPNOTSUPP, ERANGE } from '../../errno/errno.js';
import { fsError } from '../../errno/fs-error.js';
import { deviceMajor, deviceMinor } from '../../fuse/abi/integers.js';
import { O_APPEND, O_CREAT, O_RDWR, S_IFLNK } from '../../linux/constants.js';
import { Attr, Entry, Opened, StatFs } from '../../vfs/attr.js';
import { Caller } from '../../vfs/caller.js';
import {
  AttrChange,
  Creation,
  type FileSystem,
  NewEntry,
  NewFile,
  OpenIntent,
  WriteData,
} from '../../vfs/file-system.js';
import type { Name } from '../../vfs/name.js';
import type { NodeId } from '../../vfs/node-id.js';
import type { Answers, AskedOperation } from './answers.js';
import { Handles } from './handles.js';
import { Listed } from './listed.js';
import type { Done, DoneWith, Operations } from './package.js';
import {
  listedStat,
  type PackageStat,
  type PackageStatFs,
  packageStatOf,
  statFsOf,
} from './package-records.js';
import type { PathNode, PathTree } from './path-tree.js';
import { bytesOf, pathNames, textOfName } from './text-names.js';

/** chown(2) has it for an id that is to stay. */
const KEEP_ID = 0xffff_ffff;
const WHOLE_SECOND_MS = 1000;

export class FileOperations implements Operations {
  readonly #fs: FileSystem;
  readonly #tree: PathTree;
  readonly #answers: Answers;
  readonly #handles = new Handles();
  readonly #attr = new Attr();
  readonly #entry = new Entry();
  readonly #opened = new Opened();
  readonly #statFs = new StatFs();
  readonly #caller = new Caller();
  readonly #change = new AttrChange();
  readonly #creation = new Creation();
  readonly #intent = new OpenIntent();
  readonly #data = new WriteData();
  readonly #newEntry = new NewEntry(this.#entry, this.#caller);
  readonly #newFile = new NewFile(this.#entry, this.#caller, this.#opened);

  constructor(fs: FileSystem, tree: PathTree, answers: Answers) {
    this.#fs = fs;
    this.#tree = tree;
    this.#answers = answers;
    this.#caller.uid = process.geteuid?.() ?? 0;
    this.#caller.gid = process.getegid?.() ?? 0;
  }

  getattr(path: string, done: DoneWith<PackageStat>): void {
    this.#answers.answer(
      { op: 'getattr', path },
      () => {
        this.#fs.getattr(this.#node(path, 'getattr'), undefined, this.#attr);
        return packageStatOf(this.#attr);
      },
      done,
    );
  }

  readlink(path: string, done: DoneWith<string>): void {
    this.#answers.answer(
      { op: 'readlink', path },
      () => textOfName(this.#fs.readlink(this.#node(path, 'readlink')), 'readlink'),
      done,
    );
  }

  readdir(
    path: string,
    done: (status: number, names?: readonly string[], stats?: readonly PackageStat[]) => void,
  ): void {
    this.#answers.answer(
      { op: 'readdir', path },
      () => {
        const listed = new Listed();
        const node = this.#node(path, 'readdir');
        // At its end a file system may drop what it kept for the listing, which it learns by being asked once more.
        for (let before = -1; listed.names.length > before; ) {
          before = listed.names.length;
          this.#fs.readdir(node, listed.nextOffset, listed);
        }
        return listed;
      },
      (status, listed) =>
        done(
          status,
          listed?.names,
          listed?.inos.map((ino, index) => listedStat(ino, listed.types[index]!)),
        ),
    );
  }

  mknod(path: string, mode: number, device: number, done: Done): void {
    this.#make('mknod', path, mode, done, (parent, name) => {
      this.#creation.rdevMajor = deviceMajor(device);
      this.#creation.rdevMinor = deviceMinor(device);
      this.#fs.mknod(parent, name, this.#creation, this.#newEntry);
    });
  }

  mkdir(path: string, mode: number, done: Done): void {
    this.#make('mkdir', path, mode, done, (parent, name) =>
      this.#fs.mkdir(parent, name, this.#creation, this.#newEntry),
    );
  }

  symlink(content: string, path: string, done: Done): void {
    this.#make('symlink', path, S_IFLNK | 0o777, done, (parent, name) =>
      this.#fs.symlink(parent, name, bytesOf(content, 'symlink'), this.#newEntry),
    );
  }

  link(from: string, path: string, done: Done): void {
    this.#make('link', path, 0, done, (parent, name) =>
      this.#fs.link(this.#node(from, 'link'), parent, name, this.#entry),
    );
  }

  unlink(path: string, done: Done): void {
    this.#remove('unlink', path, done, (parent, name) => this.#fs.unlink(parent, name));
  }

  rmdir(path: string, done: Done): void {
    this.#remove('rmdir', path, done, (parent, name) => this.#fs.rmdir(parent, name));
  }

  rename(from: string, to: string, done: Done): void {
    this.#answers.answer(
      { op: 'rename', path: from },
      () => {
        const old = this.#parentOf(from, 'rename');
        const target = this.#parentOf(to, 'rename');
        this.#fs.rename(old.parent.id, old.name, { parent: target.parent.id, name: target.name, flags: 0 });
        this.#tree.moved(old.parent, old.name, target.parent, target.name);
      },
      done,
    );
  }

  /** The package does not pass the flags of open(2) on; libfuse asks only after it saw no such name. */
  create(path: string, mode: number, done: DoneWith<number>): void {
    this.#answers.answer(
      { op: 'create', path },
      () => {
        const { parent, name } = this.#parentOf(path, 'create');
        this.#opened.reset();
        this.#begin(mode);
        this.#creation.flags = O_CREAT | O_RDWR;
        this.#fs.create(parent.id, name, this.#creation, this.#newFile);
        return this.#keep(this.#tree.entered(parent, name, this.#entry), O_RDWR);
      },
      done,
    );
  }

  open(path: string, flags: number, done: DoneWith<number>): void {
    this.#answers.answer(
      { op: 'open', path },
      () => {
        const node = this.#tree.resolve(pathNames(path, 'open'));
        this.#opened.reset();
        this.#intent.flags = flags;
        this.#fs.open(node.id, this.#intent, this.#opened);
        return this.#keep(node, flags);
      },
      done,
    );
  }

  release(path: string, fd: number, done: Done): void {
    this.#answers.answer(
      { op: 'release', path },
      () => {
        const { node, handle } = this.#handles.remove(fd);
        this.#fs.release(node.id, handle);
        this.#tree.unpin(node);
      },
      done,
    );
  }

  read(path: string, fd: number, into: Buffer, _length: number, offset: number, done: Done): void {
    this.#answers.answer(
      { op: 'read', path },
      () => {
        const { node, handle } = this.#handles.get(fd);
        return this.#fs.read(node.id, handle, offset, into);
      },
      (status, count) => done(count ?? status),
    );
  }

  write(path: string, fd: number, from: Buffer, _length: number, offset: number, done: Done): void {
    this.#answers.answer(
      { op: 'write', path },
      () => {
        const { node, handle, flags } = this.#handles.get(fd);
        this.#data.offset = (flags & O_APPEND) === 0 ? offset : this.#endOf(node.id, offset);
        this.#data.bytes = from;
        this.#data.flags = flags;
        return this.#fs.write(node.id, handle, this.#data);
      },
      (status, count) => done(count ?? status),
    );
  }

  fsync(path: string, dataOnly: number, fd: number, done: Done): void {
    this.#answers.answer(
      { op: 'fsync', path },
      () => {
        const { node, handle } = this.#handles.get(fd);
        this.#fs.fsync(node.id, handle, dataOnly === 0 ? 'all' : 'data');
      },
      done,
    );
  }

  fsyncdir(path: string, dataOnly: number, _fd: number, done: Done): void {
    this.#answers.answer(
      { op: 'fsyncdir', path },
      () => this.#fs.fsyncdir(this.#node(path, 'fsyncdir'), dataOnly === 0 ? 'all' : 'data'),
      done,
    );
  }

  truncate(path: string, sizeBytes: number, done: Done): void {
    this.#set({ op: 'truncate', path }, () => this.#node(path, 'truncate'), { sizeBytes }, done);
  }

  ftruncate(path: string, fd: number, sizeBytes: number, done: Done): void {
    this.#set({ op: 'ftruncate', path }, () => this.#handles.get(fd).node.id, { sizeBytes }, done);
  }

  chmod(path: string, mode: number, done: Done): void {
    this.#set({ op: 'chmod', path }, () => this.#node(path, 'chmod'), { mode: mode & 0o7777 }, done);
  }

  chown(path: string, uid: number, gid: number, done: Done): void {
    const ids = {
      uid: uid === KEEP_ID ? undefined : uid,
      gid: gid === KEEP_ID ? undefined : gid,
    };
    this.#set({ op: 'chown', path }, () => this.#node(path, 'chown'), ids, done);
  }

  utimens(path: string, atimeMs: number, mtimeMs: number, done: Done): void {
    const times = {
      atimeSec: Math.floor(atimeMs / WHOLE_SECOND_MS),
      atimeNsec: nanosecondsOf(atimeMs),
      mtimeSec: Math.floor(mtimeMs / WHOLE_SECOND_MS),
      mtimeNsec: nanosecondsOf(mtimeMs),
    };
    const find = (): NodeId => {
      if (Number.isNaN(mtimeMs)) throw fsError(EOPNOTSUPP, 'utimens', path);
      return this.#node(path, 'utimens');
    };
    this.#set({ op: 'utimens', path }, find, times, done);
  }

  statfs(path: string, done: DoneWith<PackageStatFs>): void {
    this.#answers.answer(
      { op: 'statfs', path },
      () => {
        this.#fs.statfs(this.#node(path, 'statfs'), this.#statFs);
        return statFsOf(this.#statFs);
      },
      done,
    );
  }

  /** Replaced by `getxattrInto`, which knows how much the caller takes. */
  getxattr(): never {
    throw new Error('getxattr came without its buffer');
  }

  listxattr(): never {
    throw new Error('listxattr came without its buffer');
  }

  /** `done` gets the length of the value; an empty `into` asks for that alone. */
  getxattrInto(path: string, name: string, into: Buffer, done: Done): void {
    this.#answers.answer(
      { op: 'getxattr', path },
      () => {
        const value = this.#fs.getxattr(this.#node(path, 'getxattr'), bytesOf(name, 'getxattr'));
        if (value === undefined) throw fsError(ENODATA, 'getxattr', name);
        return fill(into, value, 'getxattr');
      },
      (status, count) => done(count ?? status),
    );
  }

  listxattrInto(path: string, into: Buffer, done: Done): void {
    this.#answers.answer(
      { op: 'listxattr', path },
      () => fill(into, this.#fs.listxattr(this.#node(path, 'listxattr'), this.#caller), 'listxattr'),
      (status, count) => done(count ?? status),
    );
  }

  setxattr(path: string, name: string, value: Buffer, _position: number, flags: number, done: Done): void {
    this.#answers.answer(
      { op: 'setxattr', path },
      () => {
        const options = { flags, killSgid: false };
        this.#fs.setxattr(this.#node(path, 'setxattr'), bytesOf(name, 'setxattr'), value, options);
      },
      done,
    );
  }

  removexattr(path: string, name: string, done: Done): void {
    this.#answers.answer(
      { op: 'removexattr', path },
      () => this.#fs.removexattr(this.#node(path, 'removexattr'), bytesOf(name, 'removexattr')),
      done,
    );
  }

  #node(path: string, op: string): NodeId {
    return this.#tree.resolve(pathNames(path, op)).id;
  }

  /** The directory that has the last name of the path, or is to have it. */
  #parentOf(path: string, op: string): { readonly parent: PathNode; readonly name: Name } {
    const names = pathNames(path, op);
    const name = names.pop() ?? '';
    return { parent: this.#tree.resolve(names), name };
  }

  /** Where an append goes: the host may have lengthened a file of a bind since the kernel learned its size. */
  #endOf(node: NodeId, offset: number): number {
    this.#fs.getattr(node, undefined, this.#attr);
    return Math.max(offset, this.#attr.sizeBytes);
  }

  #begin(mode: number): void {
    this.#creation.mode = mode;
    this.#creation.umask = 0;
    this.#creation.rdevMajor = 0;
    this.#creation.rdevMinor = 0;
    this.#creation.flags = 0;
  }

  #make(
    op: string,
    path: string,
    mode: number,
    done: Done,
    make: (parent: NodeId, name: Name) => void,
  ): void {
    this.#answers.answer(
      { op, path },
      () => {
        const { parent, name } = this.#parentOf(path, op);
        this.#begin(mode);
        make(parent.id, name);
        this.#tree.entered(parent, name, this.#entry);
      },
      done,
    );
  }

  #remove(op: string, path: string, done: Done, remove: (parent: NodeId, name: Name) => void): void {
    this.#answers.answer(
      { op, path },
      () => {
        const { parent, name } = this.#parentOf(path, op);
        remove(parent.id, name);
        this.#tree.removed(parent, name);
      },
      done,
    );
  }

  #set(asked: AskedOperation, find: () => NodeId, wanted: Partial<AttrChange>, done: Done): void {
    this.#answers.answer(
      asked,
      () => {
        this.#change.reset();
        Object.assign(this.#change, wanted);
        this.#fs.setattr(find(), this.#change, this.#attr, this.#caller);
      },
      done,
    );
  }

  #keep(node: PathNode, flags: number): number {
    this.#tree.pin(node);
    return this.#handles.add({ node, handle: this.#opened.handle, flags });
  }
}

function nanosecondsOf(ms: number): number {
  return (ms - Math.floor(ms / WHOLE_SECOND_MS) * WHOLE_SECOND_MS) * 1_000_000;
}

/** @throws ERANGE when the value is longer than the caller takes. */
function fill(into: Buffer, value: Uint8Array, op: string): number {
  if (into.length === 0) return value.length;
  if (value.length > into.length) throw fsError(ERANGE, op);
  into.set(value);
  return value.length;
}
