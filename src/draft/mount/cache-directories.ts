/**
 * Directories of the user's in which programs keep what they can fetch again. Beside what a draft covers nothing can be written, and
 * package managers fail without them.
 */

import { realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

/**
 * Variables that lead programs to directories of their own in `temporary`, where what they have for it is not there and cannot be made:
 * the directory above it is read-only in the draft.
 * @param over as for `cacheDirectories()`. @param temporary a directory of the draft's that is empty and in memory.
 */
export function cacheVariables(
  environment: NodeJS.ProcessEnv,
  over: readonly Name[],
  temporary: string,
): Record<string, string> {
  // What lies in a place that is in memory, or is covered, can be made.
  const writable = [...over, nameFromText(temporary)];
  const isLost = (path: string): boolean =>
    realDirectory(path) === undefined && !writable.some((one) => isAtOrBelow(existingAbove(path), one));
  const lost = PLACES.map(({ variable, below }) => ({
    variable,
    path: placeOf(environment, variable, below),
  }))
    .filter(({ path }) => path !== '' && isLost(path))
    .map(({ variable }) => [variable, join(temporary, `.${variable.toLowerCase()}`)]);
  return Object.fromEntries(lost);
}

/** The nearest directory above that is there, free of symlinks. */
function existingAbove(path: string): Name {
  const above = dirname(path);
  return above === path ? path : (realDirectory(above) ?? existingAbove(above));
}

/** The XDG base directory specification, and the manuals of npm, Cargo and Go. */
const PLACES: readonly { readonly variable: string; readonly below: readonly string[] }[] = [
  { variable: 'XDG_CACHE_HOME', below: ['.cache'] },
  { variable: 'npm_config_cache', below: ['.npm'] },
  { variable: 'CARGO_HOME', below: ['.cargo'] },
  { variable: 'GOMODCACHE', below: ['go', 'pkg', 'mod'] },
];

/** What Cargo keeps beside its programs and settings. */
const OF_CARGO = ['registry', 'git'];

/** @returns '' where it has none. */
function placeOf(environment: NodeJS.ProcessEnv, variable: string, below: readonly string[]): string {
  const { HOME = '', [variable]: value } = environment;
  if (value?.startsWith('/') === true) return value;
  return HOME.startsWith('/') ? join(HOME, ...below) : '';
}

function placesOf(environment: NodeJS.ProcessEnv): string[] {
  return PLACES.flatMap(({ variable, below }) => {
    const path = placeOf(environment, variable, below);
    if (path === '') return [];
    return variable === 'CARGO_HOME' ? OF_CARGO.map((name) => join(path, name)) : [path];
  });
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
