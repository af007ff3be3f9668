/**
 * Where a build's files come from: a directory, a git repository, a tar or Dockerfile of the web, or standard input.
 */

import { closeSync, constants, existsSync, openSync, readFileSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { Chunks } from '../archive/compress/decompress.js';
import { codeOf } from '../errno/error-code.js';
import { reasonOf } from '../errno/reason.js';
import { UserError } from '../errno/user-error.js';
import type { Intent } from '../store/intent.js';
import type { Store } from '../store/store.js';
import { fetchGit, removeGitDirectory } from './context/fetch-git.js';
import { fetchRemote, isWebAddress } from './context/fetch-remote.js';
import { parseGitAddress } from './context/git-address.js';
import { isArchive, openArchive, unpackArchive } from './context/unpack-archive.js';
import { stagedDirectory } from './steps/copy/remote-pieces.js';

interface OpenedContext {
  readonly directory: string;
  /** What came was no tar, but this; there are no files then. */
  readonly dockerfile: string | undefined;
  /** Whether the directory is the user's own, who may name a Dockerfile outside of it. */
  readonly isLocal: boolean;
}

export interface Staging {
  readonly store: Store;
  /** What is fetched goes with it. */
  readonly intent: Intent;
  /** For `-`. */
  readonly input: Chunks;
}

/** @throws UserError */
export async function openContext(staging: Staging, name: string): Promise<OpenedContext> {
  if (name === '-') return unpackInput(staging);
  const address = parseGitAddress(name.startsWith('github.com/') ? `https://${name}` : name);
  if (address !== undefined) {
    const directory = join(stagedDirectory(staging), 'tree');
    await fetchGit(address, directory);
    if (address.keepsGitDirectory !== true) removeGitDirectory(directory);
    return { directory: join(directory, address.directory), dockerfile: undefined, isLocal: false };
  }
  if (isWebAddress(name)) {
    const path = join(stagedDirectory(staging), 'input');
    await fetchRemote(name, path);
    return unpackFile(staging, path);
  }
  if (statSync(name, { throwIfNoEntry: false })?.isDirectory() === true) {
    return { directory: name, dockerfile: undefined, isLocal: true };
  }
  throw new UserError(`the build context '${name}' is no directory`, {
    hint: /^[\w+.-]+:\/\//.test(name) ? 'an address is http, https, git or ssh' : undefined,
  });
}

async function unpackInput(staging: Staging): Promise<OpenedContext> {
  const path = join(stagedDirectory(staging), 'input');
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const chunk of staging.input) await file.appendFile(chunk);
  } finally {
    await file.close();
  }
  return unpackFile(staging, path);
}

/** A tar becomes a directory; anything else is a Dockerfile. */
async function unpackFile(staging: Staging, path: string): Promise<OpenedContext> {
  const directory = stagedDirectory(staging);
  if (!(await isArchive(path))) {
    return { directory, dockerfile: readFileSync(path, 'utf8'), isLocal: false };
  }
  const rootFd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await unpackArchive(await openArchive(path), { rootFd, directory: '/', owners: undefined });
  } finally {
    closeSync(rootFd);
  }
  return { directory, dockerfile: undefined, isLocal: false };
}

interface FoundDockerfile {
  readonly text: string;
  /** `-`: it is not in a file. */
  readonly path: string;
}

/** @param file of `--file`; `-` is standard input. @throws UserError when it cannot be read. */
export function findDockerfile(context: OpenedContext, file: string | undefined): FoundDockerfile {
  const { directory, dockerfile, isLocal } = context;
  if (file === '-') return { text: readText(0, '-'), path: '-' };
  if (dockerfile !== undefined) {
    if (file === undefined) return { text: dockerfile, path: '-' };
    throw new UserError('the build context is a Dockerfile, and no tar', { hint: 'leave out -f' });
  }
  if (file === undefined) {
    const path = dockerfileIn(directory);
    return { text: readText(path, isLocal ? path : 'Dockerfile of the context'), path };
  }
  const inside = join(directory, posix.join('/', file));
  // As for docker: what is named is where the command runs, or else in the context.
  const path = isLocal && existsSync(file) ? file : inside;
  return { text: readText(path, isLocal && !existsSync(inside) ? file : `${file} of the context`), path };
}

/** `Dockerfile`; `dockerfile` where only that is there. */
function dockerfileIn(directory: string): string {
  const [path, other] = ['Dockerfile', 'dockerfile'].map((name) => join(directory, name)) as [string, string];
  return !existsSync(path) && existsSync(other) ? other : path;
}

function readText(path: string | number, shown: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = codeOf(error);
    const why =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a directory' : reasonOf(error);
    const hint = code === 'ENOENT' ? '-f FILE says where the Dockerfile is' : undefined;
    throw new UserError(`cannot read '${shown}': ${why}`, { hint, cause: error });
  }
}
