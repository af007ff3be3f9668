/**
 * Operations on content: open, read, write, sizes, holes, copies. Each is one system call where Node allows.
 *
 * Open descriptors are remembered, so that what a case leaves open is closed before the next.
 */

import fs from 'node:fs';
import { call, callWide, peek, poke } from '../libc.js';
import {
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  O_CREAT,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
  PROT_READ,
  PROT_WRITE,
} from '../test-constants.js';
import { bytesOf, cPath, type Path } from './path.js';

const open = new Set<number>();

/** Closes what a case left open. */
export function closeAll(): void {
  for (const fd of open) fs.closeSync(fd);
  open.clear();
}

export function remember(fd: number): number {
  open.add(fd);
  return fd;
}

export const fileOperations = {
  open(path: Path, flags: number = O_RDONLY, mode = 0o666): number {
    return remember(fs.openSync(bytesOf(path), flags, mode));
  },
  close(fd: number): void {
    open.delete(fd);
    fs.closeSync(fd);
  },
  /** Reads at `offset`, or at the descriptor's own position when there is none. */
  read(fd: number, length: number, offset?: number): Buffer {
    const into = Buffer.alloc(length);
    return into.subarray(0, fs.readSync(fd, into, 0, length, offset ?? null));
  },
  write(fd: number, data: string | Uint8Array, offset?: number): number {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
    return fs.writeSync(fd, bytes, 0, bytes.length, offset ?? null);
  },
  /** The content as a latin1 string. */
  readFile(path: Path): string {
    return fs.readFileSync(bytesOf(path)).toString('latin1');
  },
  writeFile(path: Path, data: string | Uint8Array, flags = O_WRONLY | O_CREAT | O_TRUNC, mode = 0o666): void {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
    const fd = fs.openSync(bytesOf(path), flags, mode);
    try {
      fs.writeSync(fd, bytes, 0, bytes.length);
    } finally {
      fs.closeSync(fd);
    }
  },
  truncate(path: Path, size: number): void {
    call('truncate', cPath(path), size);
  },
  ftruncate(fd: number, size: number): void {
    call('ftruncate', fd, size);
  },
  fsync(fd: number): void {
    fs.fsyncSync(fd);
  },
  fdatasync(fd: number): void {
    fs.fdatasyncSync(fd);
  },
  lseek(fd: number, offset: number | bigint, whence: number): number {
    return call('lseek', fd, offset, whence);
  },
  fallocate(fd: number, mode: number, offset: number, length: number): void {
    call('fallocate', fd, mode, offset, length);
  },
  /** Both at the given offsets. @returns bytes copied. */
  copyFileRange(
    source: number,
    sourceOffset: number,
    target: number,
    targetOffset: number,
    length: number,
  ): number {
    const from = Buffer.alloc(8);
    const to = Buffer.alloc(8);
    from.writeBigInt64LE(BigInt(sourceOffset));
    to.writeBigInt64LE(BigInt(targetOffset));
    return call('copy_file_range', source, from, target, to, length, 0);
  },
  /** Writes from page-aligned memory, as O_DIRECT wants. */
  writeAligned(fd: number, data: Uint8Array, offset: number): number {
    return withAligned(data.length, (address) => {
      poke(address, data);
      return call('pwrite64', fd, address, data.length, offset);
    });
  },
  readAligned(fd: number, length: number, offset: number): Buffer {
    return withAligned(length, (address) => peek(address, call('pread64', fd, address, length, offset)));
  },
};

function withAligned<T>(length: number, use: (address: bigint) => T): T {
  const address = callWide('mmap', 0n, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  try {
    return use(address);
  } finally {
    call('munmap', address, length);
  }
}
