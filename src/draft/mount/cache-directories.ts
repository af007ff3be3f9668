/**
 * Directories of the user's in which programs keep what they can fetch again. Beside what a draft covers nothing can be written, and
 * package managers fail without them.
 */

import { realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../../errno/error-code.js';
import { type Name, nameFromText } from '../../vfs/name.js';
import { KERNEL_TREES } from './plan-tree.js';

/**
 * Those that exist, free of symlinks.
 * @param over the directories that the draft covers, and any others that need nothing.
 */
export function cacheDirectories(environment: NodeJS.ProcessEnv, over: readonly Name[]): Name[] {
  const found = new Set(placesOf(environment).map(realDirectory));
  const others = [...over, ...KERNEL_TREES];
  const isApart = (path: Name): boolean =>
    path !== '/' && !others.some((other) => isAtOrBelow(path, other) || isAtOrBelow(other, path));
  return [...found].filter((path) => path !== undefined).filter(isApart);
}

/** The XDG base directory specification, and the manuals of npm, Cargo and Go. */
function placesOf(environment: NodeJS.ProcessEnv): string[] {
  const { HOME = '' } = environment;
  const of = (variable: string, ...below: string[]): string => {
    const value = environment[variable];
    if (value?.startsWith('/') === true) return value;
    return HOME.startsWith('/') ? join(HOME, ...below) : '';
  };
  const cargo = of('CARGO_HOME', '.cargo');
  return [
    of('XDG_CACHE_HOME', '.cache'),
    of('npm_config_cache', '.npm'),
    ...(cargo === '' ? [] : [join(cargo, 'registry'), join(cargo, 'git')]),
    of('GOMODCACHE', 'go', 'pkg', 'mod'),
  ].filter((path) => path !== '');
}

function realDirectory(path: string): Name | undefined {
  try {
    const real = realpathSync.native(path);
    return statSync(real).isDirectory() ? nameFromText(real) : undefined;
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return undefined;
  }
}

function isAtOrBelow(path: Name, folder: Name): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
