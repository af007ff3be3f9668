/**
 * Starting a daemon: a detached Node process that lives on after the command, and the wait for its report.
 */

import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { reasonOf } from '../errno/reason.js';
import { UserError } from '../errno/user-error.js';
import { displayName } from '../vfs/name.js';
import { splitLines } from './lines.js';
import type { MountConfig, MountOrder } from './mount-config.js';
import type { DaemonReport } from './report.js';
import {
  createRunDirectory,
  newRunId,
  processStartTicks,
  type RunState,
  removeRunDirectory,
  runRoot,
} from './run-state.js';

export const LOG_FILE = 'log';

/** Longer than any start that goes well; layers on slow storage take their time. */
const START_TIMEOUT_MS = 60_000;
const CORPSE_POLL_MS = 20;
const REPORT_LIMIT = 1024 * 1024;

/** Makes the run directory of a new mount and the order for who serves it. */
export function newOrder(config: MountConfig): { readonly order: MountOrder; readonly directory: string } {
  const root = runRoot();
  const id = newRunId();
  return { order: { id, runRoot: root, config }, directory: createRunDirectory(root, id) };
}

/**
 * Mounts, and gives the state of the daemon that serves it. Nothing is left when it fails.
 * @throws UserError with the daemon's message.
 */
export async function launchDaemon(config: MountConfig, script = daemonScript()): Promise<RunState> {
  const { order, directory } = newOrder(config);
  try {
    return await startDaemon(order, directory, script);
  } catch (error) {
    removeRunDirectory(directory);
    throw error;
  }
}

async function startDaemon(order: MountOrder, directory: string, script: string): Promise<RunState> {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const logPath = join(directory, LOG_FILE);
  const logFd = openSync(logPath, 'a', 0o600);
  const child = spawn(process.execPath, [script], {
    stdio: ['pipe', logFd, logFd, 'pipe'],
    detached: true,
    env,
  });
  closeSync(logFd);
  try {
    return await new Promise<RunState>((resolve, reject) => {
      const lateBy = setTimeout(() => {
        child.kill('SIGTERM');
        reject(startFailure(order, `no answer in ${START_TIMEOUT_MS / 1000} s`, logPath));
      }, START_TIMEOUT_MS);
      child.on('error', (error) => reject(startFailure(order, reasonOf(error), logPath)));
      child.on('close', (code, signal) => {
        clearTimeout(lateBy);
        reject(startFailure(order, `the daemon ended with ${signal ?? `status ${code}`}`, logPath));
      });
      // A daemon that ends before it has read says why on its way out.
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(JSON.stringify(order));
      reportOf(child.stdio[3] as Readable, (report) => {
        clearTimeout(lateBy);
        if (report.ok) {
          // From here on its end is not the end of a start.
          child.removeAllListeners('close');
          return resolve(report.state);
        }
        const failure = new UserError(report.message, { hint: report.hint });
        if (report.stack !== undefined) failure.stack = report.stack;
        // The daemon still cleans up; when it is gone, nothing of the attempt is left. A thread that hangs in far
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
function startFailure(order: MountOrder, reason: string, logPath: string): UserError {
  const lines = existsSync(logPath) ? readFileSync(logPath, 'utf8').trimEnd().split('\n') : [];
  const telling = lines.findLast((line) => /Error\b|fatal|cannot/i.test(line)) ?? lines.at(-1) ?? '';
  const mountpoint = displayName(order.config.mountpoint);
  return new UserError(
    `cannot mount on '${mountpoint}': ${reason}${telling === '' ? '' : `: ${telling.trim()}`}`,
  );
}

function daemonScript(): string {
  return fileURLToPath(new URL('./main.js', import.meta.url));
}
