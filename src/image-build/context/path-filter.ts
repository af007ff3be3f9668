/**
 * Lists of patterns, as `.dockerignore` and `COPY --exclude` have them: the last one that matches a path, or a directory
 * above it, decides, and `!` brings back. Which words mean what is moby/patternmatcher's rule (v0.6), case and all.
 */

import { posix } from 'node:path';
import { UserError } from '../../errno/user-error.js';
import { pathMatcher } from './pattern.js';

interface FilterPattern {
  readonly isException: boolean;
  readonly matches: (path: string) => boolean;
}

/** For each pattern: it matches the path or what is above it. */
type Matched = readonly boolean[];

interface Verdict {
  readonly isMatched: boolean;
  readonly matched: Matched;
}

export class PathFilter {
  /** Some pattern brings back what another has matched: below what matches there may be what does not. */
  readonly hasExceptions: boolean;
  readonly #patterns: readonly FilterPattern[];
  readonly #none: Verdict;
  /** The verdicts on directories so far. */
  readonly #verdicts = new Map<string, Verdict>();

  /** @throws UserError for a pattern without meaning. */
  constructor(patterns: readonly string[]) {
    this.#patterns = patterns
      .map((pattern) => pattern.trim())
      .filter((pattern) => pattern !== '')
      .map(parsePattern);
    this.hasExceptions = this.#patterns.some(({ isException }) => isException);
    this.#none = { isMatched: false, matched: this.#patterns.map(() => false) };
  }

  get isEmpty(): boolean {
    return this.#patterns.length === 0;
  }

  /** Whether a relative, clean path matches; '' is the directory itself, and never matches. */
  matches(path: string): boolean {
    if (path === '' || this.#patterns.length === 0) return false;
    return this.#judge(path, this.#verdictOf(posix.dirname(path))).isMatched;
  }

  #verdictOf(directory: string): Verdict {
    if (directory === '.' || directory === '') return this.#none;
    const known = this.#verdicts.get(directory);
    if (known !== undefined) return known;
    const verdict = this.#judge(directory, this.#verdictOf(posix.dirname(directory)));
    this.#verdicts.set(directory, verdict);
    return verdict;
  }

  #judge(path: string, above: Verdict): Verdict {
    let isMatched = false;
    const matched = this.#patterns.map(({ isException, matches }, index) => {
      // What changes nothing is not asked, and so not known to match what is below either.
      const isHit = above.matched[index] === true || (isException === isMatched && matches(path));
      if (isHit) isMatched = !isException;
      return isHit;
    });
    return { isMatched, matched };
  }
}

function parsePattern(text: string): FilterPattern {
  const clean = cleanPath(text);
  const isException = clean.startsWith('!');
  const pattern = isException ? clean.slice(1) : clean;
  if (pattern === '') throw new UserError("invalid pattern '!': it excepts nothing");
  return { isException, matches: pathMatcher(pattern) };
}

/** The patterns of a `.dockerignore`: a line each, without comments, relative to the context. */
export function readIgnoreFile(text: string): string[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const isException = line.startsWith('!');
      const pattern = isException ? line.slice(1).trim() : line;
      const clean = pattern === '' ? '' : cleanPath(pattern);
      return `${isException ? '!' : ''}${clean.length > 1 ? clean.replace(/^\//, '') : clean}`;
    });
}

/** Go's filepath.Clean, which leaves no slash at the end. */
function cleanPath(path: string): string {
  const clean = posix.normalize(path);
  return clean.length > 1 ? clean.replace(/\/$/, '') : clean;
}
