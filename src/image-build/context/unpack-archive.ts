/**
 * Tars that ADD unpacks, and a build context that comes as one, compressed as layers may be or by xz or bzip2. What is in
 * them is made as it says; `.wh.` names are names, since such a tar is no layer.
 */

import { closeSync, openSync, readSync } from 'node:fs';
import { type Chunks, compressionOf, decompress } from '../../archive/compress/decompress.js';
import { openInput } from '../../archive/streams/input.js';
import { BLOCK_BYTES } from '../../archive/tar/entry.js';
import { decodeTarHeader } from '../../archive/tar/header.js';
import { TarReader } from '../../archive/tar/reader.js';
import { copyPolicy } from '../../container/copy/copy-policy.js';
import { containerTree } from '../../container/copy/copy-target.js';
import { TarTarget } from '../../container/copy/tar-in.js';
import { hasCode } from '../../errno/error-code.js';
import { UserError } from '../../errno/user-error.js';
import type { Owners } from '../../realfs/tree-copy/policy.js';

/** Whether ADD unpacks the file: it begins with a tar's header, under whichever compression. As Docker decides. */
export async function isArchive(path: string): Promise<boolean> {
  const start = startOf(path);
  if (start === undefined) return false;
  // The oldest form has no magic number, but every header a checksum.
  if (isHeader(start)) return true;
  return compressionOf(start) !== 'none' && isHeader(await firstBlock(path));
}

interface Unpacking {
  /** What the tar is unpacked in. */
  readonly rootFd: number;
  /** A directory in it. */
  readonly directory: string;
  readonly owners: Owners;
}

/** @throws UserError for a tar that is damaged, or leads out. */
export async function unpackArchive(chunks: Chunks, { rootFd, directory, owners }: Unpacking): Promise<void> {
  const target = new TarTarget(containerTree(rootFd, 'build'), directory, copyPolicy(owners), {
    keepsXattrs: owners === 'keep',
    conflicts: 'replace',
  });
  const reader = new TarReader(target);
  for await (const chunk of chunks) reader.write(chunk);
  reader.finish({ wantsEnd: false });
  target.finish();
}

/** The tar in a file, unpacked from its compression. */
export async function openArchive(path: string): Promise<Chunks> {
  return (await decompress(openInput(path))).chunks;
}

async function firstBlock(path: string): Promise<Buffer> {
  let block: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of await openArchive(path)) {
      block = Buffer.concat([block, chunk]);
      if (block.length >= BLOCK_BYTES) break;
    }
  } catch (error) {
    // What cannot be unpacked is no tar, and copied as it is; but for a program that is missing.
    if (!(error instanceof UserError) || error.hint !== undefined) throw error;
  }
  return block;
}

/** A tar without an entry is one too, but there is nothing to unpack. */
function isHeader(block: Buffer): boolean {
  if (block.length < BLOCK_BYTES) return false;
  try {
    return decodeTarHeader(block.subarray(0, BLOCK_BYTES)) !== undefined;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

/** Its first bytes; undefined: a directory. */
function startOf(path: string): Buffer | undefined {
  const fd = openSync(path, 'r');
  try {
    const start = Buffer.alloc(BLOCK_BYTES);
    return start.subarray(0, readSync(fd, start));
  } catch (error) {
    if (hasCode(error, 'EISDIR')) return undefined;
    throw error;
  } finally {
    closeSync(fd);
  }
}
