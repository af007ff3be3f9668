/**
 * A git repository's files at a commit, fetched by the program git.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { reasonOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import type { GitAddress } from './git-address.js';

/** Nobody is asked for a password. */
const ENVIRONMENT = {
  GIT_TERMINAL_PROMPT: '0',
  GIT_SSH_COMMAND: process.env.GIT_SSH_COMMAND ?? 'ssh -o BatchMode=yes',
};
const MAX_ERROR_BYTES = 64 * 1024;

/** Into a directory that is made. @returns the commit. @throws UserError */
export async function fetchGit(address: GitAddress, directory: string): Promise<string> {
  mkdirSync(directory, { mode: 0o755 });
  const git = (...args: string[]): Promise<GitResult> => runGit(['-C', directory, ...args]);
  const must = async (what: string, ...args: string[]): Promise<string> => {
    const { code, output, complaint } = await git(...args);
    if (code !== 0)
      throw new UserError(`cannot ${what} '${address.remote}': ${complaint || `git ended with ${code}`}`);
    return output;
  };
  await must('fetch', 'init', '-q');
  await must('fetch', 'remote', 'add', 'origin', address.remote);
  const { ref = 'HEAD' } = address;
  const shallow = await git('fetch', '-q', '--depth=1', '--no-tags', 'origin', '--', ref);
  if (shallow.code === 0) await must('check out', 'checkout', '-q', 'FETCH_HEAD');
  else await fetchAll(must, git, ref);
  const commit = (await must('read', 'rev-parse', 'HEAD')).trim();
  if (address.checksum !== undefined && !commit.startsWith(address.checksum)) {
    throw new UserError(`'${address.remote}' is at the commit '${commit}', not '${address.checksum}'`);
  }
  if (address.submodules && existsSync(join(directory, '.gitmodules'))) {
    await must(
      'fetch the submodules of',
      'submodule',
      '--quiet',
      'update',
      '--init',
      '--recursive',
      '--depth=1',
    );
  }
  if (address.directory !== '' && !existsSync(join(directory, address.directory))) {
    throw new UserError(`there is no '${address.directory}' in '${address.remote}'`);
  }
  return commit;
}

/** Servers that cannot give a part, and the commits that they do not give by digest. */
async function fetchAll(
  must: (what: string, ...args: string[]) => Promise<string>,
  git: (...args: string[]) => Promise<GitResult>,
  ref: string,
): Promise<void> {
  await must('fetch', 'fetch', '-q', '--tags', 'origin', '+refs/heads/*:refs/remotes/origin/*');
  if (ref === 'HEAD') {
    await must('fetch', 'fetch', '-q', 'origin', 'HEAD');
    await must('check out', 'checkout', '-q', 'FETCH_HEAD');
    return;
  }
  const name = ref.replace(/^refs\/heads\//, '');
  const branch = await git('checkout', '-q', '--detach', `refs/remotes/origin/${name}`);
  if (branch.code !== 0) await must(`check out '${ref}' of`, 'checkout', '-q', '--detach', ref);
}

/** Takes away what belongs to git and not to the files. */
export function removeGitDirectory(directory: string): void {
  rmSync(join(directory, '.git'), { recursive: true, force: true });
}

interface GitResult {
  readonly code: number;
  readonly output: string;
  readonly complaint: string;
}

async function runGit(args: readonly string[]): Promise<GitResult> {
  const child = spawn('git', ['-c', 'advice.detachedHead=false', '-c', 'init.defaultBranch=main', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...plainProxy(), ...ENVIRONMENT },
  });
  const [output, complaint] = [collect(child.stdout), collect(child.stderr)];
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    const lines = complaint().trim().split('\n');
    return { code: code ?? 1, output: output(), complaint: lines.at(-1) || (signal ?? '') };
  } catch (error) {
    throw new UserError(`cannot run 'git': ${reasonOf(error)}`, {
      hint: 'install git',
      cause: error,
    });
  }
}

/** curl, which git uses, knows this one in small letters alone. */
function plainProxy(): NodeJS.ProcessEnv {
  const { HTTP_PROXY, http_proxy = HTTP_PROXY } = process.env;
  return http_proxy === undefined ? {} : { http_proxy };
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    if (text.length < MAX_ERROR_BYTES) text += chunk;
  });
  return () => text;
}
