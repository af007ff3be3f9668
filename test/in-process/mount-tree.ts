/** Reads a whole tree of an in-process mount, in the form of helpers/operations/tree-operations.ts. */

import { createHash } from 'node:crypto';
import type { Stat } from '../helpers/operations/attribute-operations.js';
import type { Tree, TreeNode } from '../helpers/operations/tree-operations.js';
import { O_NOATIME, O_RDONLY, SEEK_DATA } from '../helpers/test-constants.js';
import type { MountOperations } from './mount-operations.js';

type Reading = Pick<
  MountOperations,
  'lstat' | 'names' | 'listxattr' | 'getxattr' | 'readlink' | 'open' | 'read' | 'lseek' | 'close'
>;

const READ_WHOLE = 1 << 20;
const BLOCK = 1 << 16;

export function readMountTree(fs: Reading): Tree {
  const tree: Record<string, TreeNode> = {};
  const first = new Map<bigint, string>();
  const visit = (path: string): void => {
    const stat = fs.lstat(path);
    tree[path] = nodeOf(fs, path, stat, first);
    if (stat.type !== 'dir') return;
    for (const name of fs.names(path)) visit(path === '' ? name : `${path}/${name}`);
  };
  visit('');
  return tree;
}

function nodeOf(fs: Reading, path: string, stat: Stat, first: Map<bigint, string>): TreeNode {
  const { type, mode, uid, gid, mtimeNs } = stat;
  const found = fs.listxattr(path);
  const xattrs = Object.fromEntries(found.map((name) => [name, fs.getxattr(path, name)]));
  const common = { type, mode, uid, gid, mtimeNs, ...(found.length === 0 ? {} : { xattrs }) };
  if (type === 'dir') return common;
  const links = { size: stat.size, nlink: stat.nlink, ...linkOf(path, stat, first) };
  if (type === 'symlink') return { ...common, ...links, target: fs.readlink(path) };
  if (type === 'file') return { ...common, ...links, hash: hashOf(fs, path, stat) };
  return { ...common, ...links, rdev: stat.rdev };
}

function linkOf(path: string, stat: Stat, first: Map<bigint, string>): { linkedTo?: string } {
  if (stat.nlink < 2) return {};
  const known = first.get(stat.ino);
  if (known === undefined) first.set(stat.ino, path);
  return known === undefined ? {} : { linkedTo: known };
}

function hashOf(fs: Reading, path: string, { size, uid }: Stat): string {
  const fd = fs.open(path, O_RDONLY | (process.geteuid?.() === uid ? O_NOATIME : 0));
  const hash = createHash('sha1');
  try {
    if (size <= READ_WHOLE) return hash.update(fs.read(fd, size + 1, 0)).digest('hex');
    for (let at = 0; at < size; at += BLOCK) {
      const data = nextData(fs, fd, at);
      if (data === undefined) break;
      at = Math.max(at, data - (data % BLOCK));
      const block = fs.read(fd, BLOCK, at);
      if (block.some((byte) => byte !== 0)) hash.update(`${at}:`).update(block);
    }
    return hash.digest('hex');
  } finally {
    fs.close(fd);
  }
}

function nextData(fs: Reading, fd: number, offset: number): number | undefined {
  try {
    return fs.lseek(fd, offset, SEEK_DATA);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
    return undefined;
  }
}
