/**
 * The directory that COPY and ADD take files from, without what `.dockerignore` leaves out.
 */

import { closeSync, constants, existsSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { containerTree } from '../../container/copy/copy-target.js';
import { UserError } from '../../errno/user-error.js';
import { PathFilter, readIgnoreFile } from './path-filter.js';
import type { SourceTree } from './source-tree.js';

export class BuildContext implements Disposable {
  readonly root: string;
  readonly source: SourceTree;
  readonly #rootFd: number;

  /** `dockerfile`: a file DOCKERFILE.dockerignore beside it comes before `.dockerignore`. */
  constructor(root: string, dockerfile?: string) {
    this.root = realpathSync(root);
    const ignored = readFilter([
      ...(dockerfile === undefined ? [] : [`${dockerfile}.dockerignore`]),
      join(this.root, '.dockerignore'),
    ]);
    this.#rootFd = openSync(this.root, constants.O_RDONLY | constants.O_DIRECTORY);
    this.source = { tree: containerTree(this.#rootFd, 'context'), root: this.root, ignored };
  }

  [Symbol.dispose](): void {
    closeSync(this.#rootFd);
  }
}

/** What `--build-context` gives a name. */
export type NamedContext = { readonly context: BuildContext } | { readonly image: string };

export function notFound(source: string): UserError {
  return new UserError(`'${source}' is not in the build context`, {
    hint: 'it is missing, or .dockerignore leaves it out',
  });
}

function readFilter(paths: readonly string[]): PathFilter {
  const path = paths.find((candidate) => existsSync(candidate));
  if (path === undefined) return new PathFilter([]);
  try {
    return new PathFilter(readIgnoreFile(readFileSync(path, 'utf8')));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`${path}: ${error.message}`, { cause: error });
  }
}
