/**
 * Operations on the process itself: identity, umask, working directory, locks, shared memory, running programs.
 *
 * `become` is for good: an operator that took another identity is used for that identity only.
 */

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { call, callWide, fcntl, peek, poke } from '../libc.js';
import { F_UNLCK } from '../test-constants.js';
import { closeAll } from './file-operations.js';
import { bytesOf, type Path } from './path.js';

export interface Identity {
  readonly uid: number;
  readonly gid: number;
  readonly groups?: readonly number[];
}

type Lock = {
  /** F_RDLCK, F_WRLCK or F_UNLCK. */
  readonly type: number;
  readonly start: number;
  readonly length: number;
  readonly pid: number;
};

const F_GETLK = 5;
const F_SETLK = 6;
const F_SETLKW = 7;
const F_OFD_SETLK = 37;
const DEFAULT_UMASK = 0o022;

const maps = new Map<bigint, number>();

/** struct flock of a 64-bit machine: type u16 @0, whence u16 @2, start i64 @8, len i64 @16, pid i32 @24. */
function packLock(type: number, start: number, length: number): Buffer {
  const data = Buffer.alloc(32);
  data.writeUInt16LE(type, 0);
  data.writeBigInt64LE(BigInt(start), 8);
  data.writeBigInt64LE(BigInt(length), 16);
  return data;
}

export interface ProgramResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Why the program could not be started. */
  readonly code: string | undefined;
}

/** One that does not end would keep the mount busy. */
const PROGRAM_LIMIT_MS = 60_000;

export const processOperations = {
  become(identity: Identity): void {
    process.setgroups?.([...(identity.groups ?? [])]);
    process.setgid?.(identity.gid);
    process.setuid?.(identity.uid);
  },
  umask(mask: number): number {
    return process.umask(mask);
  },
  chdir(path: Path): void {
    process.chdir(bytesOf(path).toString('utf8'));
  },
  cwd(): string {
    return process.cwd();
  },
  pid(): number {
    return process.pid;
  },
  /** Forgets what a case left: descriptors, maps, umask, working directory. */
  reset(): void {
    closeAll();
    for (const [address, length] of maps) call('munmap', address, length);
    maps.clear();
    process.umask(DEFAULT_UMASK);
    process.chdir('/');
  },
  flock(fd: number, operation: number): void {
    call('flock', fd, operation);
  },
  setLock(fd: number, type: number, start: number, length: number): void {
    fcntl(fd, F_SETLK, packLock(type, start, length));
  },
  /** The same, of the open file instead of the process. */
  setFileLock(fd: number, type: number, start: number, length: number): void {
    fcntl(fd, F_OFD_SETLK, packLock(type, start, length));
  },
  /** As `setLock`, waiting. */
  waitLock(fd: number, type: number, start: number, length: number): void {
    fcntl(fd, F_SETLKW, packLock(type, start, length));
  },
  /** What stands in the way of such a lock; `undefined` for nothing. */
  getLock(fd: number, type: number, start: number, length: number): Lock | undefined {
    const data = packLock(type, start, length);
    fcntl(fd, F_GETLK, data);
    const found = data.readUInt16LE(0);
    if (found === F_UNLCK) return undefined;
    return {
      type: found,
      start: Number(data.readBigInt64LE(8)),
      length: Number(data.readBigInt64LE(16)),
      pid: data.readInt32LE(24),
    };
  },
  /** @returns the address, which names the map. */
  mmap(fd: number, length: number, prot: number, flags: number, offset = 0): bigint {
    const address = callWide('mmap', 0n, length, prot, flags, fd, offset);
    maps.set(address, length);
    return address;
  },
  mapRead(map: bigint, offset: number, length: number): string {
    return peek(map + BigInt(offset), length).toString('latin1');
  },
  mapWrite(map: bigint, offset: number, data: string): void {
    poke(map + BigInt(offset), Buffer.from(data, 'latin1'));
  },
  /** MS_SYNC of the whole map. */
  msync(map: bigint): void {
    call('msync', map, maps.get(map) ?? 0, 4);
  },
  munmap(map: bigint): void {
    call('munmap', map, maps.get(map) ?? 0);
    maps.delete(map);
  },
  /** Runs a program with the root as working directory. */
  run(program: string, ...args: string[]): ProgramResult {
    const limits = { timeout: PROGRAM_LIMIT_MS, killSignal: 'SIGKILL' } as const;
    const done = spawnSync(program, args, {
      cwd: bytesOf('').toString('utf8'),
      encoding: 'latin1',
      ...limits,
    });
    const code = (done.error as NodeJS.ErrnoException | undefined)?.code;
    return { status: done.status, stdout: done.stdout ?? '', stderr: done.stderr ?? '', code };
  },
  /** Runs the file of the path itself. */
  execute(path: string, ...args: string[]): ProgramResult {
    return processOperations.run(bytesOf(path).toString('utf8'), ...args);
  },
  exists(path: Path): boolean {
    return fs.lstatSync(bytesOf(path), { throwIfNoEntry: false }) !== undefined;
  },
};
