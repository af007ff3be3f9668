/** What kind of data a regular file holds, by its first bytes: text, or one of the common kinds of binaries. */

import { check } from '../../errno/fs-error.js';
import { O_NONBLOCK, O_RDONLY } from '../../linux/constants.js';
import { preadPrefix } from '../../linux/files/data.js';
import { close } from '../../linux/files/open.js';
import type { Name } from '../../vfs/name.js';
import type { BeneathTree } from './beneath-tree.js';

const HEAD_BYTES = 8192;
/** Larger texts are told by their size alone. */
export const MAX_TEXT_BYTES = 1 << 20;

const MAGICS: readonly [offset: number, bytes: string, kind: string][] = [
  [0, '\x7fELF', 'ELF program'],
  [0, '\x1f\x8b', 'gzip'],
  [0, 'BZh', 'bzip2'],
  [0, '\xfd7zXZ\0', 'xz'],
  [0, '\x28\xb5\x2f\xfd', 'zstd'],
  [0, 'PK\x03\x04', 'zip'],
  [257, 'ustar', 'tar'],
  [0, '!<arch>\n', 'ar archive'],
  [0, '\x89PNG', 'PNG image'],
  [0, '\xff\xd8\xff', 'JPEG image'],
  [0, 'GIF8', 'GIF image'],
  [0, '%PDF', 'PDF'],
  [0, 'SQLite format 3\0', 'SQLite database'],
  [0, '\xca\xfe\xba\xbe', 'Java class'],
  [0, '\0asm', 'WebAssembly'],
  [0, 'PACK', 'git pack'],
  [0, 'DIRC', 'git index'],
];

export interface Content {
  /** `text`, or what the binary is. */
  readonly kind: string;
  /** The whole of a text that is not too long. */
  readonly text?: string;
}

/** @throws FsError */
export function readContent(tree: BeneathTree, path: Name, sizeBytes: number): Content {
  const fd = check(tree.open(path, O_RDONLY | O_NONBLOCK), 'open', tree.shown(path));
  try {
    const head = readUpTo(fd, Math.min(HEAD_BYTES, sizeBytes));
    const kind = kindOf(head, sizeBytes);
    if (kind !== 'text' || sizeBytes > MAX_TEXT_BYTES) return { kind };
    const bytes = sizeBytes <= head.length ? head : readUpTo(fd, sizeBytes);
    // What is no UTF-8 would not come out as it is.
    const text = bytes.toString('utf8');
    return Buffer.from(text, 'utf8').equals(bytes) ? { kind, text } : { kind: 'data' };
  } finally {
    close(fd);
  }
}

export function kindOf(head: Buffer, sizeBytes: number): string {
  if (sizeBytes === 0) return 'text';
  const magic = MAGICS.find(
    ([offset, bytes]) => head.toString('latin1', offset, offset + bytes.length) === bytes,
  );
  if (magic !== undefined) return magic[2];
  return head.includes(0) ? 'data' : 'text';
}

function readUpTo(fd: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let at = 0;
  while (at < length) {
    const got = check(preadPrefix(fd, bytes.subarray(at), length - at, at), 'read');
    if (got === 0) break;
    at += got;
  }
  return bytes.subarray(0, at);
}
