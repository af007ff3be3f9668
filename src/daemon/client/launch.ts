/**
 * Starting a daemon: a Node process that lives on after the command, and the wait for its report.
 *
 * It leaves the command's process group when the mount stands: an automounter lets those of its group alone get at the mount
 * point meanwhile, and everybody else waits for it. Linux: fs/autofs/root.c:autofs_oz_mode().
 */

import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { reasonOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import { displayName } from '../../vfs/name.js';
import type { MountConfig, ServeRequest } from '../config/mount-config.js';
import { ownEnvironment } from '../config/own-environment.js';
import { splitLines } from '../messages/lines.js';
import type { DaemonReport } from '../messages/report.js';
import {
  createRunDirectory,
  newRunId,
  processStartTicks,
  type RunState,
  removeRunDirectory,
  runRoot,
} from '../run-directory/run-state.js';
import { unmountStranded } from '../run-directory/stranded-mount.js';
import { limitedLaunch } from './limited-launch.js';

const LOG_FILE = 'log';

/** Longer than any start that goes well; layers on slow storage take their time. */
const START_TIMEOUT_MS = 60_000;
const CORPSE_POLL_MS = 20;
const REPORT_LIMIT = 1024 * 1024;

/** Makes the run directory of a new mount and the request for the process that serves it. */
export function newServeRequest(config: MountConfig): {
  readonly request: ServeRequest;
  readonly directory: string;
} {
  const root = runRoot();
  const id = newRunId();
  return { request: { id, runRoot: root, config }, directory: createRunDirectory(root, id) };
}

/**
 * Mounts, and gives the state of the daemon that serves it. Nothing is left when it fails.
 * @param environment of a daemon that serves this mount alone.
 * @throws UserError with the daemon's message.
 */
export async function launchDaemon(
  config: MountConfig,
  environment: NodeJS.ProcessEnv = ownEnvironment(),
): Promise<RunState> {
  const { request, directory } = newServeRequest(config);
  try {
    if (await isShared(config)) {
      const { mountShared } = await import('./launch-shared.js');
      return await mountShared(request);
    }
    return await startDaemon(request, directory, environment);
  } catch (error) {
    await unmountStranded(directory);
    removeRunDirectory(directory);
    throw error;
  }
}

/** One daemon serves all mounts that may share it; `PLYFS_DAEMON=own`: each mount has a daemon of its own. */
async function isShared(config: MountConfig): Promise<boolean> {
  if (process.env.PLYFS_DAEMON === 'own') return false;
  const { mayShare } = await import('./daemon-context.js');
  return await mayShare(config);
}

async function startDaemon(
  request: ServeRequest,
  directory: string,
  environment: NodeJS.ProcessEnv,
): Promise<RunState> {
  const logPath = join(directory, LOG_FILE);
  const logFd = openSync(logPath, 'a', 0o600);
  const maps = request.config.debug ? ['--enable-source-maps'] : [];
  const { program, args } = limitedLaunch(process.execPath, [...maps, daemonScript()]);
  const child = spawn(program, args, {
    stdio: ['pipe', logFd, logFd, 'pipe'],
    env: environment,
  });
  closeSync(logFd);
  try {
    return await new Promise<RunState>((resolve, reject) => {
      const lateBy = setTimeout(() => {
        child.kill('SIGTERM');
        reject(startFailure(request, `no answer in ${START_TIMEOUT_MS / 1000} s`, logPath));
      }, START_TIMEOUT_MS);
      child.on('error', (error) => reject(startFailure(request, reasonOf(error), logPath)));
      child.on('close', (code, signal) => {
        clearTimeout(lateBy);
        reject(startFailure(request, `the daemon ended with ${signal ?? `status ${code}`}`, logPath));
      });
      // A daemon that ends before it has read says why on its way out.
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(JSON.stringify(request));
      reportOf(child.stdio[3] as Readable, (report) => {
        clearTimeout(lateBy);
        if (report.ok) {
          // From here on its end is not the end of a start.
          child.removeAllListeners('close');
          return resolve(report.state);
        }
        const failure = new UserError(report.message, { hint: report.hint });
        if (report.stack !== undefined) failure.stack = report.stack;
        // The daemon still cleans up; when it is gone, nothing of the attempt is left. A thread that hangs in remote
        // storage keeps the corpse, and so 'close' from coming.
        const pid = child.pid ?? 0;
        const corpseWatch = setInterval(() => {
          if (processStartTicks(pid) === undefined) leave();
        }, CORPSE_POLL_MS);
        const leave = (): void => {
          clearInterval(corpseWatch);
          reject(failure);
        };
        child.removeAllListeners('close').on('close', leave);
      });
    });
  } finally {
    child.stdin?.destroy();
    (child.stdio[3] as Readable).destroy();
    child.unref();
  }
}

function reportOf(stream: Readable, onReport: (report: DaemonReport) => void): void {
  stream.setEncoding('utf8');
  stream.on(
    'data',
    splitLines(REPORT_LIMIT, (line) => {
      if (line !== undefined) onReport(JSON.parse(line) as DaemonReport);
    }),
  );
}

/** The last line of the log says more than an exit status. */
function startFailure(request: ServeRequest, reason: string, logPath: string): UserError {
  const lines = existsSync(logPath) ? readFileSync(logPath, 'utf8').trimEnd().split('\n') : [];
  const telling = lines.findLast((line) => /Error\b|fatal|cannot/i.test(line)) ?? lines.at(-1) ?? '';
  const mountpoint = displayName(request.config.mountpoint);
  return new UserError(
    `cannot mount on '${mountpoint}': ${reason}${telling === '' ? '' : `: ${telling.trim()}`}`,
  );
}

function daemonScript(): string {
  return fileURLToPath(new URL('../serve/daemon-main.js', import.meta.url));
}
