/**
 * A tree that COPY and ADD take files from: the context without what `.dockerignore` names, or that of a stage or image.
 *
 * Paths are text (names that are no UTF-8 as `textFromName()` writes them), relative to the root, without a slash at
 * either end; '' is the root. Every symlink is resolved inside the root.
 */

import { readlinkSync } from 'node:fs';
import { posix } from 'node:path';
import type { FileTree } from '../../container/copy/copy-target.js';
import { ENOENT, ENOTDIR } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import { O_DIRECTORY, O_NOFOLLOW, O_PATH, O_RDONLY } from '../../linux/constants.js';
import { close } from '../../linux/files/open.js';
import { namesIn } from '../../realfs/tree-copy/walk.js';
import { nameFromText, textFromName } from '../../vfs/name.js';
import type { PathFilter } from './path-filter.js';
import { partMatcher } from './pattern.js';

export interface SourceTree {
  readonly tree: FileTree;
  /** Its root, as `/proc/self/fd` shows it. */
  readonly root: string;
  /** What is as if it were not there. */
  readonly ignored: PathFilter;
  /** Copies belong to whom the files belong to; else to root. */
  readonly keepsOwners?: boolean;
}

export function hasWildcard(pattern: string): boolean {
  return /[*?[\\]/.test(pattern);
}

/** A path of COPY, from the root: `..` leads nowhere above it. */
export function cleanSource(path: string): string {
  return posix.join('/', path).slice(1).replace(/\/$/, '');
}

/** What a source means, sorted; nothing when it is not there. @throws UserError for a pattern without meaning. */
export function matchSources(source: SourceTree, pattern: string): string[] {
  const clean = cleanSource(pattern);
  const paths = hasWildcard(clean) ? expandPattern(source, clean) : [clean];
  return paths.filter((path) => isThere(source, path)).sort();
}

/** Where a path leads, relative to the root; undefined: nowhere. */
export function realPath({ tree, root }: SourceTree, path: string): string | undefined {
  const fd = tree.open(nameFromText(path === '' ? '/' : path), O_PATH);
  if (fd === -ENOENT || fd === -ENOTDIR) return undefined;
  check(fd, 'open', path);
  try {
    const real = textFromName(readlinkSync(`/proc/self/fd/${fd}`, 'latin1'));
    return real === root ? '' : posix.relative(root, real);
  } finally {
    close(fd);
  }
}

function isThere(source: SourceTree, path: string): boolean {
  const real = realPath(source, path);
  if (real === undefined) return false;
  return [path, real].every((one) => !source.ignored.matches(one) || mayHoldMore(source, one));
}

/** A directory that is left out may hold what an exception brings back. */
function mayHoldMore(source: SourceTree, path: string): boolean {
  return source.ignored.hasExceptions && entriesOf(source, path, 0) !== undefined;
}

/** The parts before the first wildcard may be symlinks, what a wildcard matches is not followed. */
function expandPattern(source: SourceTree, pattern: string): string[] {
  const parts = pattern.split('/');
  const first = parts.findIndex(hasWildcard);
  let paths = [parts.slice(0, first).join('/')];
  for (const [index, part] of parts.slice(first).entries()) {
    const matches = partMatcher(part);
    paths = paths.flatMap((path) =>
      (entriesOf(source, path, index === 0 ? 0 : O_NOFOLLOW) ?? [])
        .filter(matches)
        .map((name) => posix.join(path, name)),
    );
  }
  return paths;
}

/** Names in a directory; undefined where there is none. */
function entriesOf({ tree }: SourceTree, path: string, flags: number): string[] | undefined {
  const fd = tree.open(nameFromText(path === '' ? '/' : path), O_RDONLY | O_DIRECTORY | flags);
  if (fd < 0) return undefined;
  try {
    return namesIn(fd).map(textFromName);
  } finally {
    close(fd);
  }
}
