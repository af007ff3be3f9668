/**
 * Writes a layer described as data (`layers.ts`) into a directory, in the on-disk form of kernel overlayfs.
 *
 * Order matters: hard links come after all else, directory times last and deepest first. Needs root.
 */

import fs from 'node:fs';
import { DEFAULT_ATIME_NS, DEFAULT_MTIME_NS, type DirSpec, type FileSpec, type NodeSpec } from '../layers.js';
import { call } from '../libc.js';
import { S_IFBLK, S_IFCHR, S_IFIFO, S_IFSOCK } from '../test-constants.js';
import { attributeOperations } from './attribute-operations.js';
import { makeDevice } from './name-operations.js';
import { bytesOf, cPath, cString } from './path.js';

const SPECIAL = { fifo: S_IFIFO, socket: S_IFSOCK, char: S_IFCHR, block: S_IFBLK } as const;
const DEFAULT_MODE = { dir: 0o755, file: 0o644, symlink: 0o777 } as const;

/** Builds into the root, which must be an empty directory. */
export function build(layer: DirSpec): void {
  const links: [path: string, to: string][] = [];
  const finish: [path: string, node: Exclude<NodeSpec, { type: 'hardlink' }>][] = [];
  const visit = (path: string, node: NodeSpec): void => {
    if (node.type === 'hardlink') {
      links.push([path, node.to]);
      return;
    }
    if (path !== '') make(path, node);
    finish.push([path, node]);
    if (node.type !== 'dir') return;
    for (const [name, child] of Object.entries(node.entries))
      visit(path === '' ? name : `${path}/${name}`, child);
  };
  visit('', layer);
  for (const [path, to] of links) fs.linkSync(bytesOf(to), bytesOf(path));
  for (const [path, node] of finish.reverse()) if (node.type !== 'whiteout') decorate(path, node);
}

function make(path: string, node: Exclude<NodeSpec, { type: 'hardlink' }>): void {
  if (node.type === 'dir') fs.mkdirSync(bytesOf(path));
  else if (node.type === 'file') writeContent(path, node);
  else if (node.type === 'symlink') call('symlink', cString(node.target), cPath(path));
  else if (node.type === 'whiteout') call('mknod', cPath(path), S_IFCHR, 0);
  else call('mknod', cPath(path), SPECIAL[node.type] | 0o644, makeDevice(node.major, node.minor));
}

function writeContent(path: string, node: FileSpec): void {
  const fd = fs.openSync(bytesOf(path), 'wx');
  for (const [offset, data] of node.pieces) {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
    fs.writeSync(fd, bytes, 0, bytes.length, offset);
  }
  fs.ftruncateSync(fd, node.sizeBytes);
  fs.closeSync(fd);
}

/** Owner before mode (chown clears setuid), xattrs before times. */
function decorate(path: string, node: Exclude<NodeSpec, { type: 'hardlink' | 'whiteout' }>): void {
  const { uid = 0, gid = 0 } = node;
  // It was made by root.
  if (uid !== 0 || gid !== 0) attributeOperations.lchown(path, uid, gid);
  if (node.type !== 'symlink') {
    const fallback = node.type === 'dir' ? DEFAULT_MODE.dir : DEFAULT_MODE.file;
    attributeOperations.chmod(path, node.mode ?? fallback);
  }
  for (const [name, value] of Object.entries(node.xattrs ?? {}))
    attributeOperations.setxattr(path, name, value);
  if (node.type === 'dir' && node.opaque !== undefined) {
    attributeOperations.setxattr(path, `${node.opaque}.overlay.opaque`, 'y');
  }
  attributeOperations.utimens(path, node.atimeNs ?? DEFAULT_ATIME_NS, node.mtimeNs ?? DEFAULT_MTIME_NS);
}
