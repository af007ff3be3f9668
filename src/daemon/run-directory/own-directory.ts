/**
 * Directories and files that this user made himself, told from traps that somebody else has laid.
 *
 * A run directory may be in /tmp, where anyone can make its name first. So each level is looked at without following a link,
 * belongs to this user and is closed to all others; what is not so is neither read nor removed.
 * INVARIANT: below a level that passed, nobody else can change anything.
 */

import { closeSync, constants, fchmodSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { codeOf, hasCode } from '../../errno/error-code.js';

const OTHERS_ACCESS = 0o077;
const OTHERS_WRITE = 0o022;

/** Whether the path is a directory of this user's, closed to others: what is in it was put there by this user. */
export function isOwnDirectory(path: string): boolean {
  return problemOfDirectory(path) === undefined;
}

/**
 * @returns why the directory is not to be trusted: there is none, it is a link, another's, or others may write in it. One of
 * ours that others may read is closed.
 */
export function problemOfDirectory(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(
      path,
      constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
  } catch (error) {
    return openProblem(error);
  }
  try {
    const { uid, mode } = fstatSync(fd);
    if (uid !== process.geteuid?.()) return `it belongs to another user (${uid})`;
    // Not closed, but refused: who names /tmp here must not lose it.
    if ((mode & OTHERS_WRITE) !== 0) return 'others may write in it';
    if ((mode & OTHERS_ACCESS) !== 0) fchmodSync(fd, mode & 0o700);
    return undefined;
  } finally {
    closeSync(fd);
  }
}

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  // O_NOFOLLOW and O_DIRECTORY together say so of a link.
  ELOOP: 'it is a symbolic link',
  ENOTDIR: 'it is a symbolic link or no directory',
  EACCES: 'it is closed to this user',
};

function openProblem(error: unknown): string {
  const problem = PROBLEMS[codeOf(error) ?? ''];
  if (problem === undefined) throw error;
  return problem;
}

/**
 * A file of this user's below a directory that passed.
 * @returns undefined where there is none, and for a link, a device, a FIFO, a file of another user's or one that is longer
 * than `limitBytes`.
 */
export function readOwnFile(path: string, limitBytes: number): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    // ENXIO: a socket.
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'ENXIO')) return undefined;
    throw error;
  }
  try {
    const stat = fstatSync(fd);
    const isOurs = stat.isFile() && stat.uid === process.geteuid?.() && stat.size <= limitBytes;
    return isOurs ? readFileSync(fd, 'utf8') : undefined;
  } finally {
    closeSync(fd);
  }
}
