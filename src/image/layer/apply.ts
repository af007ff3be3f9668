/**
 * Unpacks a layer tar into a directory of overlayfs's form: image-spec 1.1, layer.md, "Applying Changesets".
 *
 * Whiteouts and opaque marks speak of the layers below alone, wherever they stand in the tar: a directory that the layer
 * also whites out becomes opaque, a file simply hides what is below.
 * Names and targets of hard links lie below the root, also absolute ones; a symlink of the same layer is followed while it
 * stays inside. What would lead out is refused.
 */

import { BARE_ENTRY, type EntryType, type TarEntry } from '../../archive/tar/entry.js';
import { partsInside } from '../../archive/tar/parts-inside.js';
import type { TarSink } from '../../archive/tar/reader.js';
import { EEXIST, ENOENT, EPERM } from '../../errno/errno.js';
import { check, FsError } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY, S_IFBLK, S_IFCHR, S_IFIFO } from '../../linux/constants.js';
import { pwrite } from '../../linux/files/data.js';
import { linkat, mknodat, symlinkat } from '../../linux/files/directory.js';
import { fchmodat, ftruncate } from '../../linux/files/inode.js';
import { close, dup, openat } from '../../linux/files/open.js';
import { fsetxattr } from '../../linux/files/xattr.js';
import { CAP_CHOWN, hasCapability } from '../../linux/process/process.js';
import { PrivateXattrs } from '../../union/form/overlay-xattrs.js';
import { xattrNamespaceHere } from '../../union/form/xattr-namespace.js';
import { displayName, type Name } from '../../vfs/name.js';
import { LayerDirectories, type LayerDirectory, NotADirectory } from './directories.js';
import { AttributeWriter, type Notices } from './entry-attributes.js';
import { type LayerLimits, Tally } from './layer-limits.js';

interface ApplyOptions {
  /** The empty directory that becomes the layer, and one beside it for what is replaced. Both stay the caller's. */
  readonly rootFd: number;
  readonly trashFd: number;
  readonly limits: LayerLimits;
  /** Leaves devices out instead of failing where they cannot be made. */
  readonly skipDevices: boolean;
  /** A tree and no layer (the content of a volume): `.wh.` names are ordinary ones. */
  readonly isPlainTree?: boolean;
}

export interface AppliedLayer {
  /** Directories that the tar does not describe, which take their attributes from the layers below; '' is the root. */
  readonly implicit: readonly ImplicitDirectory[];
  /** The root hides all layers below. */
  readonly isRootOpaque: boolean;
  readonly sizeBytes: number;
  readonly entries: number;
  readonly notices: Notices;
}

export interface ImplicitDirectory {
  readonly path: Name;
  /** What the layers below have here does not show. */
  readonly isCut: boolean;
  /** It holds whiteouts alone: without a directory below it is not there at all. */
  readonly isHollow: boolean;
}

const WHITEOUT_PREFIX = '.wh.';
const OPAQUE_NAME = '.wh..wh..opq';
const MAX_PATH = 4096;
const YES = Buffer.from('y');

/** What a directory has of which no layer says anything. */
const PLAIN_DIRECTORY: Omit<TarEntry, 'name'> = { ...BARE_ENTRY, type: 'directory', mode: 0o755 };

export class LayerApplier implements TarSink {
  readonly #options: ApplyOptions;
  readonly #directories: LayerDirectories;
  readonly #xattrs = new PrivateXattrs(xattrNamespaceHere());
  readonly #attributes = new AttributeWriter({ keepsOwners: hasCapability(CAP_CHOWN) }, this.#xattrs);
  readonly #tally: Tally;
  #fd = -1;
  #file: TarEntry | undefined;
  /** Where the last byte written ends. */
  #written = 0;

  constructor(options: ApplyOptions) {
    this.#options = options;
    this.#directories = new LayerDirectories(options.rootFd, options.trashFd);
    this.#tally = new Tally(options.limits);
  }

  /** @throws UserError naming the entry. */
  entry(entry: TarEntry): void {
    try {
      this.#tally.add(entry.type === 'file' ? entry.sizeBytes : 0);
      this.#apply(entry);
    } catch (error) {
      throw explained(error, entry.name);
    }
  }

  data(bytes: Buffer, offset: number): void {
    if (this.#fd < 0) return;
    for (let done = 0; done < bytes.length; ) {
      const result = pwrite(this.#fd, done === 0 ? bytes : bytes.subarray(done), offset + done);
      if (result < 0) throw explained(new FsError(-result, { op: 'write' }), this.#file!.name);
      done += result;
    }
    this.#written = offset + bytes.length;
  }

  end(): void {
    const entry = this.#file;
    if (entry === undefined) return;
    try {
      if (this.#written < entry.sizeBytes) check(ftruncate(this.#fd, entry.sizeBytes), 'truncate');
      this.#attributes.setNew(this.#fd, entry);
    } catch (error) {
      throw explained(error, entry.name);
    } finally {
      this.#closeFile();
    }
  }

  /** After the last entry: directories get their attributes. */
  finish(): AppliedLayer {
    for (const directory of this.#directories.depthFirst()) {
      if (this.#becomesWhiteout(directory)) continue;
      const { entry, isOpaque } = directory;
      const fd = this.#directories.descriptor(directory);
      const path = directory.path();
      if (isOpaque && directory.parent !== undefined && this.#options.isPlainTree !== true) {
        check(fsetxattr(fd, this.#xattrs.opaque, YES, 0), 'setxattr', path);
      }
      try {
        this.#attributes.setDirectory(fd, entry ?? { ...PLAIN_DIRECTORY, name: path });
      } catch (error) {
        throw explained(error, path);
      }
    }
    const implicit: ImplicitDirectory[] = [];
    gatherImplicit(this.#directories.root, implicit);
    return {
      implicit,
      isRootOpaque: this.#directories.root.isOpaque,
      sizeBytes: this.#tally.bytes,
      entries: this.#tally.entries,
      notices: this.#attributes.notices,
    };
  }

  /** A directory that was deleted, and of which the tar then says only what is deleted in it. */
  #becomesWhiteout(directory: LayerDirectory): boolean {
    const { parent, name } = directory;
    if (parent === undefined || !directory.isReplaced || !directory.isHollow()) return false;
    this.#directories.discard(parent, name);
    check(mknodat(this.#directories.descriptor(parent), name, S_IFCHR, 0, 0), 'mknod', name);
    return true;
  }

  /** Closes what is open, also after a failure. */
  close(): void {
    this.#closeFile();
    this.#directories.close();
  }

  #apply(entry: TarEntry): void {
    const path = cleanPath(entry.name);
    const slash = path.lastIndexOf('/');
    const name = path.slice(slash + 1);
    const above = slash < 0 ? '' : path.slice(0, slash);
    // aufs's own files, of which the image-spec keeps the opaque mark alone.
    const isLayer = this.#options.isPlainTree !== true;
    if (isLayer && hasAufsPart(above)) return;
    if (path === '') {
      if (entry.type !== 'directory') throw new UserError('the root of a layer is a directory');
      this.#directories.root.entry = entry;
      return;
    }
    if (isLayer && name.startsWith(WHITEOUT_PREFIX)) {
      this.#whiteout(above, name);
      return;
    }
    const parent = this.#parentAt(above);
    if (entry.type === 'directory') this.#directories.replace(parent, name).entry = entry;
    else this.#make(parent, name, entry);
  }

  #parentAt(path: Name): LayerDirectory {
    const before = this.#directories.made;
    const parent = this.#directories.at(path);
    for (let made = this.#directories.made - before; made > 0; made--) this.#tally.add(0);
    return parent;
  }

  #whiteout(above: Name, mark: Name): void {
    const parent = this.#parentOfWhiteout(above);
    // umoci lists what a directory had when it became a file: nothing of it shows any more.
    if (parent === undefined) return;
    if (mark === OPAQUE_NAME) {
      parent.isOpaque = true;
      return;
    }
    if (mark.startsWith(`${WHITEOUT_PREFIX}${WHITEOUT_PREFIX}`)) return;
    const name = mark.slice(WHITEOUT_PREFIX.length);
    if (name === '' || name === '.' || name === '..') throw new UserError('the whiteout names nothing');
    const known = parent.children.get(name);
    if (known !== undefined) {
      known.replaces();
      return;
    }
    const made = mknodat(this.#directories.descriptor(parent), name, S_IFCHR, 0, 0);
    if (made !== -EEXIST) check(made, 'mknod');
  }

  #parentOfWhiteout(above: Name): LayerDirectory | undefined {
    try {
      return this.#parentAt(above);
    } catch (error) {
      if (error instanceof NotADirectory) return undefined;
      throw error;
    }
  }

  #make(parent: LayerDirectory, name: Name, entry: TarEntry): void {
    parent.hasObjects = true;
    const make = MAKERS[entry.type];
    const source = entry.type === 'link' ? this.#linkSource(entry) : undefined;
    try {
      const at = { dirfd: this.#directories.descriptor(parent), name, entry, source };
      let result = make(at);
      if (result === -EEXIST) {
        if (source?.parent === parent && source.name === name) return;
        this.#directories.discard(parent, name);
        result = make({ ...at, dirfd: this.#directories.descriptor(parent) });
      }
      if (result === -EPERM && isDevice(entry.type)) this.#refuseDevice();
      else this.#finishMade(check(result, entry.type === 'link' ? 'link' : 'create'), at);
    } finally {
      if (source !== undefined) close(source.dirfd);
    }
  }

  #finishMade(result: number, at: Making): void {
    const { entry, dirfd, name } = at;
    if (entry.type === 'file') {
      this.#fd = result;
      this.#file = entry;
      this.#written = 0;
    } else if (entry.type !== 'link') {
      const chmod = (): number => (entry.type === 'symlink' ? 0 : fchmodat(dirfd, name, entry.mode));
      this.#attributes.setAt(dirfd, name, entry, chmod);
    }
  }

  #refuseDevice(): void {
    if (!this.#options.skipDevices) {
      throw new UserError('it is a device, which needs privileges to make', {
        hint: 'run as root, or leave devices out with --skip-devices',
      });
    }
    this.#attributes.notice('devices');
  }

  /** The descriptor in the result is the caller's. */
  #linkSource(entry: TarEntry): Source {
    const path = cleanPath(entry.linkName);
    const slash = path.lastIndexOf('/');
    const parent = this.#directories.find(slash < 0 ? '' : path.slice(0, slash));
    const name = path.slice(slash + 1);
    if (path === '' || parent === undefined || parent.children.has(name)) throw noTarget(entry);
    if (this.#directories.isWhiteout(parent, name)) throw noTarget(entry);
    return { dirfd: check(dup(this.#directories.descriptor(parent)), 'dup'), parent, name };
  }

  #closeFile(): void {
    if (this.#fd >= 0) close(this.#fd);
    this.#fd = -1;
    this.#file = undefined;
  }
}

interface Source {
  readonly dirfd: number;
  readonly parent: LayerDirectory;
  readonly name: Name;
}

interface Making {
  readonly dirfd: number;
  readonly name: Name;
  readonly entry: TarEntry;
  readonly source: Source | undefined;
}

const FILE_FLAGS = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;

const MAKERS: Readonly<Record<EntryType, (at: Making) => number>> = {
  file: ({ dirfd, name, entry }) => openat(dirfd, name, FILE_FLAGS, entry.mode & 0o777),
  link: ({ dirfd, name, entry, source }) => {
    const result = linkat(source!.dirfd, source!.name, dirfd, name, 0);
    if (result === -ENOENT) throw noTarget(entry);
    return result;
  },
  symlink: ({ dirfd, name, entry }) => symlinkat(entry.linkName, dirfd, name),
  character: (at) => makeDevice(at, S_IFCHR),
  block: (at) => makeDevice(at, S_IFBLK),
  fifo: ({ dirfd, name }) => mknodat(dirfd, name, S_IFIFO | 0o600, 0, 0),
  directory: () => {
    throw new Error('directories are made elsewhere');
  },
};

function makeDevice({ dirfd, name, entry: { major, minor } }: Making, type: number): number {
  if (major < 0 || minor < 0 || major >= 2 ** 12 || minor >= 2 ** 20) {
    throw new UserError(`${major}:${minor} is no device number`);
  }
  if (type === S_IFCHR && major === 0 && minor === 0) {
    throw new UserError('it is a device 0:0, which overlayfs takes for a whiteout');
  }
  return mknodat(dirfd, name, type | 0o600, major, minor);
}

function isDevice(type: EntryType): boolean {
  return type === 'character' || type === 'block';
}

function noTarget(entry: TarEntry): UserError {
  return new UserError(`it is a link to '${displayName(entry.linkName)}', which the layer has no file of`);
}

/** Parents before children. */
function gatherImplicit(
  directory: LayerDirectory,
  into: ImplicitDirectory[],
  { isHidden = false }: { readonly isHidden?: boolean | undefined } = {},
): void {
  const isCut = isHidden || directory.isReplaced;
  if (directory.entry === undefined) {
    into.push({ path: directory.path(), isCut, isHollow: directory.isHollow() });
  }
  for (const child of directory.children.values())
    gatherImplicit(child, into, { isHidden: isCut || directory.isOpaque });
}

function hasAufsPart(path: Name): boolean {
  if (!path.includes(WHITEOUT_PREFIX)) return false;
  for (const part of path.split('/')) {
    if (!part.startsWith(WHITEOUT_PREFIX)) continue;
    if (part.startsWith(`${WHITEOUT_PREFIX}${WHITEOUT_PREFIX}`)) return true;
    throw new UserError('it lies inside a whiteout');
  }
  return false;
}

/** Below the root, without empty parts and dots. @throws UserError for one that leads out. */
function cleanPath(name: Name): Name {
  if (name.length > MAX_PATH) throw new UserError(`the name is longer than ${MAX_PATH} bytes`);
  if (name.includes('\0')) throw new UserError('the name holds a NUL byte');
  if (!/(?:^|\/)\.{0,2}(?:\/|$)/.test(name)) return name;
  const parts = partsInside(name);
  if (parts === undefined) throw new UserError(`'${displayName(name)}' leads out with '..'`);
  return parts.join('/');
}

/** `cannot unpack 'NAME': why`. A mistake of ours stays as it is. */
function explained(error: unknown, name: Name): unknown {
  if (!(error instanceof UserError) && !(error instanceof FsError)) return error;
  const shown = displayName(name.length > 200 ? `${name.slice(0, 200)}...` : name);
  const hint = error instanceof UserError ? error.hint : undefined;
  return new UserError(`cannot unpack '${shown}': ${error.message}`, { hint, cause: error });
}
