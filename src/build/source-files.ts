/**
 * What COPY takes from a build context: which files, and a digest of them for the cache.
 */

import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
} from 'node:fs';
import { join, posix, relative } from 'node:path';
import { nameFromText } from '../vfs/name.js';
import type { BuildContext } from './context.js';

const READ_BYTES = 256 * 1024;

export interface SourceFiles {
  /** Whether a path below the source belongs to it; bytes, relative to the source. */
  readonly includes: (path: string) => boolean;
  /** Of names, types, modes and contents; times and owners do not count, as for Docker. */
  readonly digest: string;
}

/** Of what is at `path` of the context, or below it; `isExcluded` is asked of paths relative to it. */
export function sourceFiles(
  context: BuildContext,
  path: string,
  isExcluded: (below: string) => boolean = () => false,
): SourceFiles {
  const hash = createHash('sha256');
  const included = new Set<string>();
  // A source that is a symlink is what it leads to; within a source they are copied as they are.
  const full = join(context.root, path);
  const top = existsSync(full) ? relative(context.root, realpathSync(full)) : path;
  walk({ context, top, isExcluded, included, update: hash.update.bind(hash) }, '');
  return { includes: (below) => included.has(below), digest: hash.digest('hex') };
}

type Update = (data: string | Buffer) => unknown;

interface Walk {
  readonly context: BuildContext;
  readonly top: string;
  readonly isExcluded: (below: string) => boolean;
  readonly included: Set<string>;
  readonly update: Update;
}

/** @returns whether something of it belongs. */
function walk(work: Walk, below: string): boolean {
  const { context, top, included, update } = work;
  const path = posix.join(top, below);
  if (context.isClosed(path) || work.isExcluded(below)) return false;
  const full = join(context.root, path);
  const stat = lstatSync(full);
  if (!stat.isDirectory() && context.isIgnored(path)) return false;
  update(`${below}\0${stat.mode}\0`);
  if (stat.isFile()) {
    update(`${stat.size}\0`);
    hashFile(full, update);
  } else if (stat.isSymbolicLink()) {
    update(`${readlinkSync(full)}\0`);
  } else if (stat.isDirectory()) {
    const has = readdirSync(full)
      .sort()
      .map((name) => walk(work, posix.join(below, name)))
      .includes(true);
    // A directory that is left out is there only for what an exception brings back.
    if (!has && context.isIgnored(path)) return false;
  }
  included.add(nameFromText(below));
  return true;
}

function hashFile(path: string, update: Update): void {
  const fd = openSync(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (;;) {
      const length = readSync(fd, buffer);
      if (length === 0) return;
      update(buffer.subarray(0, length));
    }
  } finally {
    closeSync(fd);
  }
}
