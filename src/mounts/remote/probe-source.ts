/**
 * A look at remote storage from a command, which has no thread for it: a child looks, and is left behind when the storage
 * says nothing in time.
 *
 * A call of our own could not be ended: a FUSE request that its server has taken waits even through SIGKILL
 * (fs/fuse/dev.c:request_wait_answer() v6.18). So would spawnSync(), which waits for the child's end.
 */

import { spawn } from 'node:child_process';
import { reasonOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import type { SourceType } from '../request/types.js';

/** How long storage may take without `timeout=`. */
export const REMOTE_LIMIT_MS = 10_000;

/** @param path text. @param what was to be done, as in `cannot mount 'x:/y'`. */
interface SourceProbe {
  readonly path: string;
  readonly limitMs: number | undefined;
  readonly what: string;
}

/**
 * What is at a path; undefined: nothing.
 * @throws UserError when the storage does not answer in time, or with an error.
 */
export async function probeSource(look: SourceProbe): Promise<SourceType | undefined> {
  const { path, what } = look;
  const answer = await ask(look);
  if (answer === undefined) throw silentStorage(look);
  if (answer.status === 0) return answer.said === 'directory' ? 'directory' : 'file';
  const reason = answer.said.split(': ').at(-1) ?? '';
  if (reason === 'No such file or directory') return undefined;
  throw new UserError(`${what}: '${path}': ${reason}`, { hint: 'see whether its server is there' });
}

export function silentStorage({ path, limitMs = REMOTE_LIMIT_MS, what }: SourceProbe): UserError {
  return new UserError(`${what}: the storage at '${path}' does not answer in ${limitMs / 1000} s`, {
    hint: `see whether 'ls ${path}' answers; timeout=1m waits longer`,
  });
}

interface Answer {
  readonly status: number | null;
  readonly said: string;
}

/** @returns undefined when none came in time. */
function ask({ path, limitMs = REMOTE_LIMIT_MS, what }: SourceProbe): Promise<Answer | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn('stat', ['-L', '-c', '%F', '--', path], {
      cwd: '/',
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      // It may not end: nothing of it is to keep this process.
      child.unref();
      child.stdout.destroy();
      child.stderr.destroy();
      resolve(undefined);
    }, limitMs);
    child.on('error', (cause) =>
      reject(new UserError(`${what}: cannot run stat: ${reasonOf(cause)}`, { cause })),
    );
    child.on('close', (status) => {
      clearTimeout(timer);
      resolve({ status, said: said.trim() });
    });
  });
}
