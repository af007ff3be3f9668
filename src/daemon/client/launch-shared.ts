/** Mounting by the daemon that serves all mounts of a user; it is started where it does not run. */

import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { hasCode } from '../../errno/error-code.js';
import { UserError } from '../../errno/user-error.js';
import { makeDirectories } from '../../linux/files/make-directories.js';
import { displayName } from '../../vfs/name.js';
import type { ServeRequest } from '../config/mount-config.js';
import { sharedEnvironment } from '../config/own-environment.js';
import { ControlConnection } from '../messages/control-client.js';
import type { SharedMount } from '../messages/daemon-report.js';
import {
  isAlive,
  makeMountsDirectory,
  type RunState,
  readRunState,
  runDirectory,
} from '../run-directory/run-state.js';
import { daemonDirectory } from './daemon-context.js';
import { limitedLaunch } from './limited-launch.js';
import { isNested } from './nested-context.js';

/** As for a daemon of its own. */
const START_TIMEOUT_MS = 60_000;
/** After the last mount the daemon is there for the next, which finds it warm. */
const REST_MS = 60_000;
/** One that ends just now is met a few times. */
const MOST_TRIES = 40;
const NEXT_TRY_MS = 50;

/** @throws UserError with the daemon's message. */
export function mountShared(request: ServeRequest): Promise<RunState> {
  return mountAndTake(request, (state) => state);
}

/**
 * The same for a mount that has no place.
 * @param take is called while the daemon has its descriptor of the mount, and makes what is returned.
 */
export async function mountAndTake<T>(request: ServeRequest, take: (mount: SharedMount) => T): Promise<T> {
  const script = fileURLToPath(new URL('../serve/shared-main.js', import.meta.url));
  makeMountsDirectory(request.runRoot);
  const directory = daemonDirectory(request.runRoot, script);
  for (let attempt = 1; attempt <= MOST_TRIES; attempt++) {
    const state = await askToMount(directory, request, take);
    if (state !== undefined) return state;
    const left = takenOver(request);
    if (left !== undefined) return take(left);
    if (attempt > 1) await pause(NEXT_TRY_MS);
    await startShared(directory, script, request);
  }
  throw new UserError(`${cannotMount(request)}: the daemon ends as soon as it begins${lastWords(directory)}`);
}

/** Undefined: there is no daemon, or it was about to end. */
async function askToMount<T>(
  directory: string,
  request: ServeRequest,
  take: (mount: SharedMount) => T,
): Promise<T | undefined> {
  try {
    using connection = new ControlConnection(directory);
    return take((await connection.ask('mount', { request }, { timeoutMs: START_TIMEOUT_MS })) as SharedMount);
  } catch (error) {
    if (hasCode(error, 'ERR_NO_DAEMON')) return undefined;
    if (!hasCode(error, 'ERR_NO_ANSWER')) throw error;
    throw new UserError(`${cannotMount(request)}: ${(error as UserError).message}`);
  }
}

/** What stands already where the daemon was killed before it could say so, and the next one serves it. */
function takenOver({ runRoot, id }: ServeRequest): RunState | undefined {
  const state = readRunState(runDirectory(runRoot, id));
  return state?.mountId !== undefined && state.isStarting !== true && isAlive(state) ? state : undefined;
}

/** Resolves when a daemon listens, this one or another that was quicker. @throws UserError */
async function startShared(directory: string, script: string, request: ServeRequest): Promise<void> {
  const logFd = openLog(directory);
  const { program, args } = limitedLaunch(process.execPath, [script, directory, String(restMs())]);
  const child = spawn(program, args, {
    stdio: ['ignore', logFd, logFd, 'pipe'],
    detached: true,
    env: sharedEnvironment(),
  });
  closeSync(logFd);
  const ready = child.stdio[3] as Readable;
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string): void =>
        reject(new UserError(`${cannotMount(request)}: ${why}${lastWords(directory)}`));
      const late = setTimeout(() => fail(`no daemon in ${START_TIMEOUT_MS / 1000} s`), START_TIMEOUT_MS);
      child.on('error', (error) => fail(error.message));
      child.on('exit', () => clearTimeout(late));
      child.on('exit', (code) => (code === 0 ? resolve() : fail(`the daemon ended with status ${code}`)));
      ready.on('data', () => {
        clearTimeout(late);
        resolve();
      });
    });
  } finally {
    ready.destroy();
    child.removeAllListeners();
    child.unref();
  }
}

/** The directory goes with the daemon, also between two steps of ours. */
function openLog(directory: string): number {
  for (;;) {
    makeDirectories(directory, 0o700);
    try {
      return openSync(join(directory, 'log'), 'a', 0o600);
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
    }
  }
}

/** How long what serves many stays when nobody is left. `PLYFS_DAEMON_IDLE_MS`: for tests, and for who wants the memory back sooner. */
export function restMs(): number {
  const text = process.env.PLYFS_DAEMON_IDLE_MS ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text);
  return isNested() ? 0 : REST_MS;
}

function cannotMount({ config }: ServeRequest): string {
  return `cannot mount on '${displayName(config.mountpoint)}'`;
}

/** The last line of the log says more than an exit status. */
function lastWords(directory: string): string {
  const log = join(directory, 'log');
  const lines = existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : [];
  const telling = lines.findLast((line) => /Error\b|fatal|cannot/i.test(line)) ?? '';
  return telling === '' ? '' : `: ${telling.trim()}`;
}
