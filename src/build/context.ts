/**
 * The directory that COPY and ADD take files from, without what `.dockerignore` leaves out.
 *
 * Paths are relative to it, text, without a leading slash; '' is the directory itself. No symlink leads out: a path
 * through one is refused, unless it stays inside.
 */

import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join, posix } from 'node:path';
import ignoring from '@balena/dockerignore';
import { UserError } from '../errno/user-error.js';
import { expandPattern, hasWildcard } from './glob.js';

// Its types describe an ES module; what Node loads is CommonJS, whose `exports` is the function.
const dockerignore = ignoring as unknown as typeof ignoring.default;

type Ignore = ReturnType<typeof dockerignore>;

export class BuildContext {
  readonly root: string;
  private readonly ignore: Ignore | undefined;
  /** Some pattern brings back what another left out: directories must be entered to see. */
  private readonly hasExceptions: boolean;

  /** `dockerfile`: a file DOCKERFILE.dockerignore beside it comes before `.dockerignore`. */
  constructor(root: string, dockerfile?: string) {
    this.root = realpathSync(root);
    const patterns = readPatterns([
      ...(dockerfile === undefined ? [] : [`${dockerfile}.dockerignore`]),
      join(this.root, '.dockerignore'),
    ]);
    this.ignore = patterns.length === 0 ? undefined : dockerignore().add(patterns);
    this.hasExceptions = patterns.some((pattern) => pattern.startsWith('!'));
  }

  /** Whether the file, or the whole directory, is left out. */
  isIgnored(path: string): boolean {
    return path !== '' && this.ignore?.ignores(path) === true;
  }

  /** Whether all below an ignored directory is left out too. */
  isClosed(path: string): boolean {
    return this.isIgnored(path) && !this.hasExceptions;
  }

  /**
   * What a source of COPY means, sorted; a pattern may match nothing.
   * @throws UserError when it leads out of the directory, or is not there.
   */
  match(source: string): string[] {
    const clean = posix.join('/', source).slice(1).replace(/\/$/, '');
    const isPattern = hasWildcard(clean);
    const found = isPattern ? expandPattern(clean, (path) => this.entries(path)) : [clean];
    const there = found.filter((path) => this.exists(path));
    if (there.length === 0 && !isPattern) throw notFound(source);
    return there.sort();
  }

  private exists(path: string): boolean {
    const full = join(this.root, path);
    const found = lstatSync(full, { throwIfNoEntry: false });
    if (found === undefined) return false;
    // A directory that is left out may hold what an exception brings back.
    if (this.isIgnored(path) && !(this.hasExceptions && found.isDirectory())) return false;
    if (!existsSync(full)) return true;
    const real = realpathSync(full);
    if (real !== this.root && !real.startsWith(`${this.root}/`)) {
      throw new UserError(`'${path}' leads out of the build context '${this.root}'`);
    }
    return true;
  }

  private entries(path: string): string[] {
    const full = join(this.root, path);
    if (!lstatSync(full).isDirectory()) return [];
    return readdirSync(full).filter((name) => !this.isClosed(posix.join(path, name)));
  }
}

/** A test by patterns of `.dockerignore`, of paths relative to what they are for. */
export function patternTest(patterns: readonly string[]): (path: string) => boolean {
  for (const pattern of patterns) checkPattern(pattern, 'of --exclude');
  const found = dockerignore().add([...patterns]);
  return (path) => path !== '' && found.ignores(path);
}

export function notFound(source: string): UserError {
  return new UserError(`'${source}' is not in the build context`, {
    hint: 'it is missing, or .dockerignore leaves it out',
  });
}

/** The library makes regular expressions of them when they are used. */
function checkPattern(pattern: string, where: string): void {
  try {
    dockerignore().add([pattern]).ignores('x');
  } catch (error) {
    throw new UserError(`invalid pattern '${pattern}' ${where}`, { cause: error });
  }
}

function readPatterns(paths: readonly string[]): string[] {
  const path = paths.find((candidate) => existsSync(candidate));
  if (path === undefined) return [];
  const patterns = readFileSync(path, 'utf8')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  for (const pattern of patterns) checkPattern(pattern, `of '${path}'`);
  return patterns;
}
