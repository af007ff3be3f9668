/**
 * A directory with all that is missing above it, as `mkdir -p` makes it.
 *
 * Node's own (`mkdirSync` with `recursive`, 20.20) begins again for ever where a name cannot be made in a directory that
 * is there: below /proc mkdir(2) says ENOENT for each. Here a name is tried twice at most, before and after its parent.
 */

import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { hasCode } from '../../errno/error-code.js';

/** What Node gives a directory when it is not told otherwise; the umask takes from it. */
const DEFAULT_MODE = 0o777;

/**
 * @param path as Node takes it: text, or bytes where the name may be no UTF-8.
 * @param mode of each directory that is made, less the umask.
 * @returns the topmost directory that was made, or undefined when all were there.
 * @throws Error the code of mkdir(2) at the name that could not be made; EEXIST where one is no directory.
 */
export function makeDirectories<Path extends string | Buffer>(
  path: Path,
  mode: number = DEFAULT_MODE,
): Path | undefined {
  try {
    return makeOne(path, mode) ? path : undefined;
  } catch (error) {
    const parent = parentOf(path);
    if (!hasCode(error, 'ENOENT') || parent === undefined) throw error;
    const first = makeDirectories(parent, mode);
    return makeOne(path, mode) ? (first ?? path) : first;
  }
}

/** @returns false when the directory is there. */
function makeOne(path: string | Buffer, mode: number): boolean {
  try {
    mkdirSync(path, mode);
    return true;
  } catch (error) {
    // A disk that is read-only, or storage that refuses, may say that in the place of EEXIST.
    if (hasCode(error, 'ENOENT') || !isDirectory(path)) throw error;
    return false;
  }
}

function isDirectory(path: string | Buffer): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    // The error of mkdir(2) tells more.
    return false;
  }
}

function parentOf<Path extends string | Buffer>(path: Path): Path | undefined {
  const text = typeof path === 'string' ? path : path.toString('latin1');
  const parent = dirname(text);
  if (parent === text) return undefined;
  return (typeof path === 'string' ? parent : Buffer.from(parent, 'latin1')) as Path;
}
