/** The files that a container's log is in: `log.json`, and `log.json.1` and on, which are older ones of it. */

import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { UserError } from '../../../errno/user-error.js';
import { isMissing } from '../../../store/atomic-file.js';

export interface OpenLog {
  readonly fd: number;
  readonly inode: number;
}

/** The path of an older file. */
export function rotatedPath(path: string, number: number): string {
  return number === 0 ? path : `${path}.${number}`;
}

/**
 * All that there are, oldest first.
 * @param since the inode of one that is known: only those written after it.
 */
export function openLogs(path: string, since?: number): OpenLog[] {
  const found: OpenLog[] = [];
  // From the newest on: one that is renamed meanwhile is met twice, and none is missed.
  for (let number = 0; ; number++) {
    const log = openLog(rotatedPath(path, number));
    if (log === undefined) break;
    if (log.inode === since || found.some(({ inode }) => inode === log.inode)) {
      closeSync(log.fd);
      if (log.inode === since) break;
    } else found.unshift(log);
  }
  return found;
}

function openLog(path: string): OpenLog | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    if (stat.isFile()) return { fd, inode: stat.ino };
    closeSync(fd);
    throw new UserError(`cannot read the log '${path}': it is no file`);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Whether something else is at the path by now. */
export function isReplaced(path: string, { inode }: OpenLog): boolean {
  try {
    return statSync(path).ino !== inode;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

interface LogPosition {
  readonly index: number;
  readonly offset: number;
}

const NEWLINE = 0x0a;
const CHUNK_BYTES = 64 * 1024;

/** Where the last so many lines of them begin. */
export function startOfLast(logs: readonly OpenLog[], count: number): LogPosition {
  const last = logs.length - 1;
  if (count === 0) return { index: last, offset: sizeOf(logs[last]!) };
  let missing = count;
  for (let index = last; index >= 0; index--) {
    const log = logs[index]!;
    const size = sizeOf(log);
    // The last line of a file ends with a newline, which begins none.
    const found = newlineFromEnd(log.fd, { end: size - 1, count: missing });
    if (found.offset !== undefined) return { index, offset: found.offset };
    missing = size === 0 ? missing : found.missing - 1;
    if (missing === 0) return { index, offset: 0 };
  }
  return { index: 0, offset: 0 };
}

function newlineFromEnd(
  fd: number,
  { end: before, count }: { readonly end: number; readonly count: number },
): { readonly offset: number | undefined; readonly missing: number } {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let missing = count;
  for (let end = before; end > 0; ) {
    const start = Math.max(0, end - chunk.length);
    const bytes = readSync(fd, chunk, 0, end - start, start);
    for (let at = bytes - 1; at >= 0; at--) {
      if (chunk[at] === NEWLINE && --missing === 0) return { offset: start + at + 1, missing };
    }
    end = start;
  }
  return { offset: undefined, missing };
}

function sizeOf({ fd }: OpenLog): number {
  return fstatSync(fd).size;
}
