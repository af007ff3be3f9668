/**
 * Reads a whole tree: for comparing what two file systems show, and for proving that a layer was not touched.
 *
 * Reading leaves no trace where the caller may ask for that (O_NOATIME). A directory's size and link count are its
 * file system's own affair and are left out.
 */

import { createHash, type Hash } from 'node:crypto';
import fs from 'node:fs';
import { call } from '../libc.js';
import { O_NOATIME, O_RDONLY, SEEK_DATA } from '../test-constants.js';
import { attributeOperations, type FileType, listXattrs, type Stat } from './attribute-operations.js';
import { listDirectory } from './name-operations.js';
import { bytesOf } from './path.js';

export interface TreeNode {
  readonly type: FileType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  /** The size of all but directories. */
  readonly size?: number;
  readonly nlink?: number;
  /** First path, in order of names, of the same inode; of names with links. */
  readonly linkedTo?: string;
  readonly rdev?: string;
  readonly target?: string;
  readonly xattrs?: Readonly<Record<string, string>>;
  /** SHA-1 of the content; of a large file, of the blocks that are not all zeros and where they lie. */
  readonly hash?: string;
}

/** Path below the root to node; the root itself is ''. */
export type Tree = Readonly<Record<string, TreeNode>>;

/** Larger files are read where they have data. */
const READ_WHOLE = 1 << 20;
const BLOCK = 1 << 16;

function hashOf(path: string, size: number): string {
  const fd = fs.openSync(bytesOf(path), O_RDONLY | (process.geteuid?.() === 0 ? O_NOATIME : 0));
  try {
    const hash = createHash('sha1');
    if (size <= READ_WHOLE) hash.update(fs.readFileSync(fd));
    else for (const at of dataBlocks(fd, size)) hashBlock(hash, fd, at);
    return hash.digest('hex');
  } finally {
    fs.closeSync(fd);
  }
}

const block = Buffer.alloc(BLOCK);
const ZEROS = Buffer.alloc(BLOCK);

/** Offsets of blocks that hold data as lseek(2) tells it. */
function* dataBlocks(fd: number, size: number): Generator<number> {
  for (let at = 0; at < size; at += BLOCK) {
    const data = nextData(fd, at);
    if (data === undefined) return;
    at = Math.max(at, data - (data % BLOCK));
    yield at;
  }
}

function nextData(fd: number, offset: number): number | undefined {
  try {
    return call('lseek', fd, offset, SEEK_DATA);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
    return undefined;
  }
}

function hashBlock(hash: Hash, fd: number, at: number): void {
  const length = fs.readSync(fd, block, 0, BLOCK, at);
  if (block.compare(ZEROS, 0, length, 0, length) === 0) return;
  hash.update(`${at}:`);
  hash.update(block.subarray(0, length));
}

function readNode(path: string, stat: Stat, first: Map<bigint, string>): TreeNode {
  const { type, mode, uid, gid, mtimeNs } = stat;
  const names = listXattrs(path);
  const xattrs = Object.fromEntries(names.map((name) => [name, attributeOperations.getxattr(path, name)]));
  const common = { type, mode, uid, gid, mtimeNs, ...(names.length === 0 ? {} : { xattrs }) };
  if (type === 'dir') return common;
  const links = { size: stat.size, nlink: stat.nlink, ...linkOf(path, stat, first) };
  if (type === 'symlink') return { ...common, ...links, target: fs.readlinkSync(bytesOf(path), 'latin1') };
  if (type === 'file') return { ...common, ...links, hash: hashOf(path, stat.size) };
  return { ...common, ...links, rdev: stat.rdev };
}

function linkOf(path: string, stat: Stat, first: Map<bigint, string>): { linkedTo?: string } {
  if (stat.nlink < 2) return {};
  const known = first.get(stat.ino);
  if (known !== undefined) return { linkedTo: known };
  first.set(stat.ino, path);
  return {};
}

/** What a name shows that a directory lists and lookup does not find: never right, and to be seen in a comparison. */
const GHOST: TreeNode = { type: 'unknown', mode: 0, uid: 0, gid: 0, mtimeNs: 0n };

function statListed(path: string): Stat | undefined {
  try {
    return attributeOperations.lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  }
}

function walk(path: string, visit: (path: string, stat: Stat | undefined) => void): void {
  const stat = statListed(path);
  visit(path, stat);
  if (stat?.type !== 'dir') return;
  for (const { name } of listDirectory(path)) walk(path === '' ? name : `${path}/${name}`, visit);
}

export const treeOperations = {
  readTree(): Tree {
    const tree: Record<string, TreeNode> = {};
    const first = new Map<bigint, string>();
    walk('', (path, stat) => {
      tree[path] = stat === undefined ? GHOST : readNode(path, stat, first);
    });
    return tree;
  },
  /** One line a node with all that stat(2) says of it; content is not read, since no write leaves ctime as it was. */
  fingerprint(): string[] {
    const lines: string[] = [];
    walk('', (path, stat) => {
      if (stat === undefined) return;
      const { ino, mode, uid, gid, size, nlink, atimeNs, mtimeNs, ctimeNs } = stat;
      lines.push(
        `${path} ${[ino, mode, uid, gid, size, nlink].join(' ')} a${atimeNs} m${mtimeNs} c${ctimeNs}`,
      );
    });
    return lines;
  },
};
