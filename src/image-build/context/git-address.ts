/**
 * Addresses of git repositories, as ADD and the context of a build take them: `ADDRESS[#REF[:SUBDIR]]`, or with the
 * same as a query (BuildKit, frontend/dockerfile/dfgitutil).
 */

import { posix } from 'node:path';
import { UserError } from '../../errno/user-error.js';

export interface GitAddress {
  /** For the program git. */
  readonly remote: string;
  /** A branch, a tag or a commit; undefined: what HEAD is there. */
  readonly ref: string | undefined;
  /** Clean, relative; '' is the root. */
  readonly directory: string;
  /** The beginning of the commit's digest. */
  readonly checksum: string | undefined;
  readonly keepsGitDirectory: boolean | undefined;
  readonly submodules: boolean;
}

const SCHEME = /^(https?|ssh|git):\/\//i;
/** `git@host:path`, as ssh writes it. */
const SCP = /^[\w.-]+@[\w.-]+:/;

/** @returns undefined: it is none. @throws UserError for one that says what has no meaning. */
export function parseGitAddress(text: string): GitAddress | undefined {
  const [, scheme] = SCHEME.exec(text) ?? [];
  if (scheme === undefined && !SCP.test(text)) return undefined;
  const [, location = '', query = '', fragment = ''] =
    /^([^?#]*)(?:\?([^#]*))?(?:#([\s\S]*))?$/.exec(text) ?? [];
  // Any other address of the web is that of a file.
  if (scheme?.toLowerCase().startsWith('http') === true && !location.endsWith('.git')) return undefined;
  const [ref = '', ...rest] = fragment.split(':');
  const found = queryOf(text, query);
  const address = {
    remote: location,
    ref: (found.get('ref') ?? tagOf(found) ?? branchOf(found) ?? ref) || undefined,
    directory: posix.join('/', found.get('subdir') ?? rest.join(':')).replace(/^\/|\/$/g, ''),
    checksum: found.get('checksum') ?? found.get('commit'),
    keepsGitDirectory: truthOf(found.get('keep-git-dir')),
    submodules: truthOf(found.get('submodules')) ?? true,
  };
  // The program would take it for an option.
  if (address.ref?.startsWith('-') === true)
    throw new UserError(`'${address.ref}' is no name in a repository`);
  return address;
}

const KEYS = new Set(
  'ref tag branch subdir checksum commit keep-git-dir submodules mtime fetch-by-commit'.split(' '),
);

function queryOf(text: string, query: string): Map<string, string> {
  const found = new Map<string, string>(new URLSearchParams(query));
  for (const key of found.keys()) {
    if (!KEYS.has(key)) throw new UserError(`'${key}' of the address '${text}' means nothing`);
  }
  return found;
}

function tagOf(found: ReadonlyMap<string, string>): string | undefined {
  const tag = found.get('tag');
  return tag === undefined ? undefined : `refs/tags/${tag.replace(/^refs\/tags\//, '')}`;
}

function branchOf(found: ReadonlyMap<string, string>): string | undefined {
  const branch = found.get('branch');
  return branch === undefined ? undefined : `refs/heads/${branch.replace(/^refs\/heads\//, '')}`;
}

function truthOf(text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  return text === '' || text === 'true' || text === '1';
}
