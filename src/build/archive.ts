/**
 * Tars that ADD unpacks, and a build context that comes as one: plain, gzip, zstd; bzip2 and xz by the programs of those
 * names. What is in them is made as it says; `.wh.` names are names, since such a tar is no layer.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readSync } from 'node:fs';
import { ObjectCopy, type Owners } from '../container/copy/copy-objects.js';
import { containerTree } from '../container/copy/place.js';
import { TarTarget } from '../container/copy/tar-in.js';
import { UserError } from '../errno/user-error.js';
import { type Chunks, decompress } from '../image/decompress.js';
import { openInput } from '../image/input.js';
import { BLOCK_BYTES } from '../image/tar/entry.js';
import { decodeHeader } from '../image/tar/header.js';
import { TarReader } from '../image/tar/reader.js';

const PROGRAMS = [
  { program: 'bzip2', magic: Buffer.from('BZh') },
  { program: 'xz', magic: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]) },
];

/** Whether ADD unpacks the file: it begins with a tar's header, under whichever compression. As Docker decides. */
export async function isArchive(path: string): Promise<boolean> {
  const start = startOf(path);
  if (start === undefined) return false;
  // The oldest form has no magic number, but every header a checksum.
  if (isHeader(start)) return true;
  const isPacked = programFor(start) !== undefined || /^(?:1f8b|28b52ffd)/.test(start.toString('hex', 0, 4));
  return isPacked && isHeader(await firstBlock(path));
}

export interface Unpacking {
  /** What the tar is unpacked in. */
  readonly rootFd: number;
  /** A directory in it. */
  readonly directory: string;
  readonly owners: Owners;
}

/** @throws UserError for a tar that is damaged, or leads out. */
export async function unpackArchive(chunks: Chunks, { rootFd, directory, owners }: Unpacking): Promise<void> {
  using copy = new ObjectCopy(owners);
  const target = new TarTarget(containerTree(rootFd, 'build'), directory, copy, {
    keepsXattrs: owners === 'keep',
    conflicts: 'replace',
  });
  const reader = new TarReader(target);
  for await (const chunk of chunks) reader.write(chunk);
  reader.finish(false);
  target.finish();
}

/** The tar in a file, unpacked from its compression. */
export async function openArchive(path: string): Promise<Chunks> {
  const { program } = programFor(startOf(path) ?? Buffer.alloc(0)) ?? {};
  if (program !== undefined) return throughProgram(program, path);
  return (await decompress(openInput(path))).chunks;
}

function programFor(start: Buffer): { readonly program: string } | undefined {
  return PROGRAMS.find(({ magic }) => start.subarray(0, magic.length).equals(magic));
}

async function* throughProgram(program: string, path: string): AsyncGenerator<Buffer> {
  const fd = openSync(path, 'r');
  const child = spawn(program, ['-dc'], { stdio: [fd, 'pipe', 'ignore'] });
  closeSync(fd);
  const ended = once(child, 'close') as Promise<[code: number | null]>;
  const failed = ended.catch((error: Error) => error);
  try {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) yield chunk;
    const end = await failed;
    if (end instanceof Error) {
      throw new UserError(`cannot unpack '${path}': cannot run '${program}'`, {
        hint: 'install it, or compress with gzip or zstd',
        cause: end,
      });
    }
    if (end[0] !== 0) throw new UserError(`cannot unpack '${path}': '${program}' finds it damaged`);
  } finally {
    child.kill();
  }
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
    return decodeHeader(block.subarray(0, BLOCK_BYTES)) !== undefined;
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
    if ((error as NodeJS.ErrnoException).code === 'EISDIR') return undefined;
    throw error;
  } finally {
    closeSync(fd);
  }
}
