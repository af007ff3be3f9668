/** The requests that a rehearsal makes: what the kernel asks when programs create, change, move and remove files, in its order. */

import { ENODATA } from '../../../errno/errno.js';
import { check } from '../../../errno/fs-error.js';
import { FATTR_ATIME, FATTR_GID, FATTR_MODE, FATTR_MTIME, FATTR_UID } from '../../../fuse/abi/abi-flags.js';
import {
  FUSE_CREATE,
  FUSE_FORGET,
  FUSE_GETATTR,
  FUSE_GETXATTR,
  FUSE_LOOKUP,
  FUSE_MKDIR,
  FUSE_OPEN,
  FUSE_RELEASE,
  FUSE_RENAME,
  FUSE_RMDIR,
  FUSE_SETATTR,
  FUSE_UNLINK,
  opcodeName,
} from '../../../fuse/abi/abi-opcodes.js';
import { O_APPEND, O_CREAT, O_EXCL, O_WRONLY, S_IFREG, XATTR_NAME_CAPS } from '../../../linux/constants.js';
import type { Name } from '../../../vfs/name.js';
import { type NodeId, ROOT_NODE } from '../../../vfs/node-id.js';
import type { StandInKernel } from './stand-in-kernel.js';

/** How often each is made: V8 compiles what has run some hundred times. */
const NEW_FILES = 300;
const FILES_OF_DIRECTORY = 60;

const MODE = 0o644;
const UMASK = 0o022;
/** Room for a capability, as the kernel has it. */
const CAPABILITY_BYTES = 24;
const SETATTR_WORDS = 22;

type Serving = Parameters<StandInKernel['ask']>[0];

export class RehearsedRequests {
  readonly #kernel: StandInKernel;
  readonly #session: Serving;

  constructor(kernel: StandInKernel, session: Serving) {
    this.#kernel = kernel;
    this.#session = session;
  }

  /**
   * All of them; others may be served after each step.
   * @param layerFiles names in the root of the layer.
   */
  *steps(layerFiles: readonly Name[]): Generator<void> {
    this.#kernel.init(this.#session);
    for (let made = 0; made < NEW_FILES; made += FILES_OF_DIRECTORY) {
      const directory = this.#makeDirectory(`directory${made}`);
      for (let index = 0; index < FILES_OF_DIRECTORY; index++) {
        this.#newFile(directory, `new-file-${made + index}`);
        yield;
      }
      this.#ask(FUSE_RMDIR, ROOT_NODE, [], `directory${made}`);
      this.#forget(directory, 1);
    }
    for (const [index, name] of layerFiles.entries()) {
      if (index % 2 === 0) this.#changeLayerFile(name);
      else this.#appendToLayerFile(name);
      yield;
    }
  }

  #makeDirectory(name: Name): NodeId {
    this.#ask(FUSE_LOOKUP, ROOT_NODE, [], name);
    this.#ask(FUSE_MKDIR, ROOT_NODE, [0o755, UMASK], name);
    return this.#kernel.node;
  }

  /** As tar(1) makes one, then mv(1) and rm(1). */
  #newFile(directory: NodeId, name: Name): void {
    const kernel = this.#kernel;
    const flags = O_CREAT | O_EXCL | O_WRONLY;
    this.#ask(FUSE_LOOKUP, directory, [], name);
    this.#ask(FUSE_CREATE, directory, [flags, S_IFREG | MODE, UMASK, 0], name);
    const file = kernel.node;
    const handle = kernel.createdHandle;
    this.#askCapability(file);
    this.#setattr(file, FATTR_UID | FATTR_GID);
    this.#setattr(file, FATTR_MODE);
    this.#setattr(file, FATTR_ATIME | FATTR_MTIME);
    this.#release(file, handle, flags);
    this.#getattr(directory);
    const moved = `${name}.moved`;
    this.#ask(FUSE_LOOKUP, directory, [], moved);
    this.#ask(FUSE_RENAME, directory, [directory, 0], name, moved);
    this.#getattr(directory);
    this.#ask(FUSE_UNLINK, directory, [], moved);
    this.#getattr(directory);
    this.#forget(file, 1);
  }

  #changeLayerFile(name: Name): void {
    this.#ask(FUSE_LOOKUP, ROOT_NODE, [], name);
    const file = this.#kernel.node;
    this.#setattr(file, FATTR_MODE);
    this.#setattr(file, FATTR_UID | FATTR_GID);
    this.#removeLayerFile(file, name);
  }

  #appendToLayerFile(name: Name): void {
    const flags = O_WRONLY | O_APPEND;
    this.#ask(FUSE_LOOKUP, ROOT_NODE, [], name);
    const file = this.#kernel.node;
    this.#ask(FUSE_OPEN, file, [flags, 0]);
    const handle = this.#kernel.openedHandle;
    this.#askCapability(file);
    this.#release(file, handle, flags);
    this.#removeLayerFile(file, name);
  }

  #removeLayerFile(file: NodeId, name: Name): void {
    this.#getattr(ROOT_NODE);
    this.#ask(FUSE_UNLINK, ROOT_NODE, [], name);
    this.#forget(file, 1);
  }

  #askCapability(file: NodeId): void {
    this.#ask(FUSE_GETXATTR, file, [CAPABILITY_BYTES, 0], XATTR_NAME_CAPS);
  }

  #getattr(node: NodeId): void {
    this.#ask(FUSE_GETATTR, node, [0, 0, 0, 0]);
  }

  /** What is set is what it is already, but for the times. */
  #setattr(file: NodeId, valid: number): void {
    const words = new Array<number>(SETATTR_WORDS).fill(0);
    words[0] = valid;
    words[8] = 1;
    words[10] = 1;
    words[17] = S_IFREG | MODE;
    words[19] = process.geteuid?.() ?? 0;
    words[20] = process.getegid?.() ?? 0;
    this.#ask(FUSE_SETATTR, file, words);
  }

  #release(file: NodeId, handle: number, flags: number): void {
    this.#ask(FUSE_RELEASE, file, [handle, 0, flags, 0, 0, 0]);
  }

  #forget(node: NodeId, count: number): void {
    this.#ask(FUSE_FORGET, node, [count, 0]);
  }

  #ask(opcode: number, node: NodeId, words: readonly number[], ...names: Name[]): void {
    const result = this.#kernel.ask(this.#session, opcode, node, words, ...names);
    if (result !== -ENODATA) check(result, opcodeName(opcode));
  }
}
