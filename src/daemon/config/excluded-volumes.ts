/**
 * What `exclude=` of a bind leaves to the container: at each excluded directory an unnamed volume takes the place of the source's, filled
 * with what the image has there, as `-v TARGET/node_modules` would.
 *
 * A path is excluded whether or not the source has it; a glob means the directories that the source has when the mount is made.
 */

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../../errno/error-code.js';
import { UserError } from '../../errno/user-error.js';
import type { BindRequest, MountRequest, VolumeRequest } from '../../mounts/request/types.js';

/** So many directories of a source are looked into for globs. */
const MAX_DIRECTORIES = 100_000;

/** The requests, and the volumes that their exclusions are; a mount that is asked for at such a place stands for itself. @throws UserError */
export function withExcludedVolumes(requests: readonly MountRequest[]): MountRequest[] {
  const taken = new Set(requests.map(({ target }) => target));
  const volumes = requests
    .filter((request) => request.type === 'bind')
    .flatMap(excludedVolumes)
    .filter(({ target }) => !taken.has(target) && taken.add(target));
  return [...requests, ...volumes];
}

/** By target. @throws UserError when what is excluded is no directory in the source. */
export function excludedVolumes(bind: BindRequest): VolumeRequest[] {
  const paths = (bind.exclude ?? []).flatMap((pattern) =>
    isGlob(pattern) ? directoriesLike(bind, pattern) : [checked(bind, pattern)],
  );
  return [...new Set(paths)].map((path) => ({
    type: 'volume',
    source: undefined,
    target: `${bind.target}/${path}`,
    readOnly: false,
    spec: bind.spec,
    origin: bind.origin,
    notices: [],
    noCopy: false,
    labels: {},
    driverOptions: {},
  }));
}

function isGlob(pattern: string): boolean {
  return /[*?]/.test(pattern);
}

function checked({ source, spec }: BindRequest, path: string): string {
  const found = statSync(join(source, path), { throwIfNoEntry: false });
  if (found === undefined || found.isDirectory()) return path;
  throw new UserError(`cannot mount '${spec}': exclude is for directories, and '${path}' is none`, {
    hint: 'exclude the directory that it lies in, or mount something over it',
  });
}

/** Nothing below a directory that is excluded is looked at; symlinks are not followed. */
function directoriesLike({ source, spec }: BindRequest, pattern: string): string[] {
  const matcher = matcherOf(pattern);
  const found: string[] = [];
  const todo = [''];
  for (let count = 0; todo.length > 0; count++) {
    if (count === MAX_DIRECTORIES)
      throw new UserError(
        `cannot mount '${spec}': '${source}' has more than ${MAX_DIRECTORIES} directories`,
        {
          hint: 'exclude paths instead of globs',
        },
      );
    const folder = todo.pop() ?? '';
    for (const name of directoriesIn(join(source, folder))) {
      const path = folder === '' ? name : `${folder}/${name}`;
      if (matcher.test(path)) found.push(path);
      else todo.push(path);
    }
  }
  return found.sort();
}

function directoriesIn(path: string): string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return [];
    throw error;
  }
}

/** `*` and `?` stop at a slash, `**` does not; a glob without a slash is one of names, at any depth. */
function matcherOf(pattern: string): RegExp {
  const source = pattern.replace(/\*\*\/|\*\*|\*|\?|[\\^$.|+()[\]{}]/g, (part) => PARTS[part] ?? `\\${part}`);
  return new RegExp(`^${pattern.includes('/') ? '' : '(?:.*/)?'}${source}$`, 's');
}

const PARTS: Readonly<Record<string, string>> = {
  '**/': '(?:.*/)?',
  '**': '.*',
  '*': '[^/]*',
  '?': '[^/]',
};
