/**
 * What ADD takes from elsewhere: a file of the web, or the files of a git repository. Both lie in a staged directory first.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { hostTree } from '../../../container/copy/copy-target.js';
import { UserError } from '../../../errno/user-error.js';
import { fetchGit, removeGitDirectory } from '../../context/fetch-git.js';
import { fetchRemote, isWebAddress } from '../../context/fetch-remote.js';
import { type GitAddress, parseGitAddress } from '../../context/git-address.js';
import type { StageTools } from '../../stage/stage-build.js';
import { type Arrival, defaultOwner, isDirectoryIn, writeSource } from '../../stage/write-files.js';
import { addArchive } from './add-archive.js';
import type { CopyInstructionOptions } from './copy-options.js';
import type { CopyPiece } from './piece.js';

const REMOTE_MODE = 0o600;

type Staging = Pick<StageTools, 'store' | 'intent'>;

export class RemotePieces {
  readonly #staging: Staging;
  readonly #options: CopyInstructionOptions;

  constructor(staging: Staging, options: CopyInstructionOptions) {
    this.#staging = staging;
    this.#options = options;
  }

  /** @returns undefined: the source is no address. @throws UserError when it cannot be had. */
  async pieceOf(source: string): Promise<CopyPiece | undefined> {
    const git = parseGitAddress(source);
    if (git !== undefined) return this.#git(git);
    if (isWebAddress(source)) return this.#web(source);
    if (this.#options.checksum === undefined) return undefined;
    throw new UserError(`'--checksum' is for addresses, and '${source}' is none`);
  }

  async #web(address: string): Promise<CopyPiece> {
    const { checksum, mode = () => REMOTE_MODE, modeText, unpack } = this.#options;
    const directory = stagedDirectory(this.#staging);
    const path = join(directory, 'file');
    const { name, digest } = await fetchRemote(address, path);
    if (checksum !== undefined && !/^sha256:[0-9a-f]{64}$/.test(checksum)) {
      throw new UserError(`'${checksum}' is no sha256 digest`);
    }
    if (checksum !== undefined && checksum !== `sha256:${digest}`) {
      throw new UserError(`'${address}' has the digest 'sha256:${digest}', not '${checksum}'`);
    }
    return {
      key: JSON.stringify([name, digest, modeText, unpack]),
      count: 1,
      place: async (arrival, owner) => {
        if (unpack === true && (await addArchive(path, arrival))) return 1;
        const owners = owner ?? defaultOwner();
        const source = { tree: hostTree(directory), path: 'file', owners, rules: { mode } };
        writeSource(source, named(arrival, name, address));
        return 1;
      },
    };
  }

  async #git(address: GitAddress): Promise<CopyPiece> {
    const { checksum, modeText, mode } = this.#options;
    const keepsGit = address.keepsGitDirectory ?? this.#options.keepsGitDirectory;
    const directory = join(stagedDirectory(this.#staging), 'tree');
    const commit = await fetchGit({ ...address, checksum: checksum ?? address.checksum }, directory);
    if (!keepsGit) removeGitDirectory(directory);
    return {
      key: JSON.stringify([address.remote, commit, address.directory, keepsGit, modeText]),
      count: 1,
      place: (arrival, owner) => {
        const owners = owner ?? defaultOwner();
        writeSource({ tree: hostTree(directory), path: address.directory, owners, rules: { mode } }, arrival);
        return 1;
      },
    };
  }
}

/** A directory in the store that goes with the Intent. */
export function stagedDirectory({ store, intent }: Staging): string {
  const directory = join(store.path(store.stage('layers', intent)), 'fetched');
  mkdirSync(directory, { mode: 0o755 });
  return directory;
}

/** The file is called as its address says. */
function named(arrival: Arrival, name: string, address: string): Arrival {
  const { rootFd, target } = arrival;
  if (!target.endsWith('/') && !isDirectoryIn(rootFd, target)) return arrival;
  if (name !== '') return { ...arrival, target: join(target, name) };
  throw new UserError(`'${address}' names no file`, { hint: 'let the target be a full name' });
}
