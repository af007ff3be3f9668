/**
 * Which files of a source COPY takes, and a digest of them for the cache.
 */

import { createHash, type Hash } from 'node:crypto';
import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type Stats,
  statSync,
} from 'node:fs';
import { check } from '../../errno/fs-error.js';
import { O_PATH } from '../../linux/constants.js';
import { close } from '../../linux/files/open.js';
import { type Name, nameFromText, textFromName } from '../../vfs/name.js';
import type { PathFilter } from './path-filter.js';
import { realPath, type SourceTree } from './source-tree.js';

const READ_BYTES = 256 * 1024;

export interface Selection {
  /** Not what matches; paths are relative to the source. */
  readonly excluded?: PathFilter | undefined;
  /** Nothing but what matches, with the directories on the way. */
  readonly only?: PathFilter | undefined;
}

interface SelectedFiles {
  /** Whether what lies at a path below the source belongs to it. */
  readonly includes: (path: Name) => boolean;
  /** The digest of names, types, modes and contents; times and owners do not count, as for Docker. */
  readonly digest: string;
  /** Whether there is anything beside the source itself. */
  readonly isEmpty: boolean;
  /** Whether something below it is not taken. */
  readonly leavesOut: boolean;
}

/** Selects what is at `path`, a symlink followed, or below it. PRECONDITION: it is there. */
export function selectFiles(source: SourceTree, path: string, selection: Selection = {}): SelectedFiles {
  const fd = check(source.tree.open(nameFromText(path === '' ? '/' : path), O_PATH), 'open', path);
  try {
    const hash = createHash('sha256');
    const included = new Set<Name>();
    const top = nameFromText(realPath(source, path) ?? path);
    const walk = new Walk({
      base: `/proc/self/fd/${fd}`,
      top,
      ignored: source.ignored,
      selection,
      included,
      hash,
    });
    walk.visit('');
    return {
      leavesOut: walk.leavesOut,
      includes: (below) => included.has(below),
      digest: hash.digest('hex'),
      isEmpty: included.size <= 1,
    };
  } finally {
    close(fd);
  }
}

interface WalkState {
  /** The source; a path below it is a path below this. */
  readonly base: string;
  /** The source in its tree. */
  readonly top: Name;
  readonly ignored: PathFilter;
  readonly selection: Selection;
  readonly included: Set<Name>;
  readonly hash: Hash;
}

class Walk {
  leavesOut = false;
  readonly #state: WalkState;

  constructor(state: WalkState) {
    this.#state = state;
  }

  /** @returns whether something of it belongs. */
  visit(below: Name): boolean {
    const { included, ignored, selection } = this.#state;
    const isSelected = this.#isSelected(below);
    if (!isSelected) this.leavesOut = true;
    const mayHoldMore =
      ignored.hasExceptions || selection.only !== undefined || selection.excluded?.hasExceptions === true;
    if (!isSelected && !mayHoldMore) return false;
    const { base } = this.#state;
    const path = Buffer.from(below === '' ? base : `${base}/${below}`, 'latin1');
    // What the descriptor itself is shown as is a symlink.
    const stat = below === '' ? statSync(path) : lstatSync(path);
    if (!isSelected && !stat.isDirectory()) return false;
    this.#update(below, stat, path);
    const holds = stat.isDirectory() && this.#visitEntries(below, path);
    // A directory that is not selected is there only for what lies in it.
    if (!isSelected && !holds) return false;
    included.add(below);
    return true;
  }

  #visitEntries(below: Name, path: Buffer): boolean {
    return readdirSync(path, 'latin1')
      .sort()
      .map((name) => this.visit(below === '' ? name : `${below}/${name}`))
      .includes(true);
  }

  #isSelected(below: Name): boolean {
    const { top, ignored, selection } = this.#state;
    const path = [top, below].filter((part) => part !== '').join('/');
    if (ignored.matches(textFromName(path))) return false;
    if (below === '') return selection.only === undefined;
    const text = textFromName(below);
    if (selection.excluded?.matches(text) === true) return false;
    return selection.only === undefined || selection.only.matches(text);
  }

  #update(below: Name, stat: Stats, path: Buffer): void {
    const { hash } = this.#state;
    hash.update(`${below}\0${stat.mode}\0`, 'latin1');
    if (stat.isFile()) {
      hash.update(`${stat.size}\0`);
      hashFile(path, hash);
    } else if (stat.isSymbolicLink()) {
      hash.update(`${readlinkSync(path, 'latin1')}\0`, 'latin1');
    }
  }
}

function hashFile(path: Buffer, hash: Hash): void {
  const fd = openSync(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (;;) {
      const length = readSync(fd, buffer);
      if (length === 0) return;
      hash.update(buffer.subarray(0, length));
    }
  } finally {
    closeSync(fd);
  }
}
