/**
 * Entry of the daemon process: one JSON MountOrder on stdin, one JSON line on fd 3 when the mount answers or cannot.
 *
 * Started detached (setsid) by launch.ts with stdout and stderr on the log of the run directory. Loads nothing that
 * serving does not need: the user waits for it.
 */

import { closeSync, readFileSync, writeSync } from 'node:fs';
import { UserError } from '../errno/user-error.js';
import { displayName } from '../vfs/name.js';
import { dropEarlyWorker, startEarlyWorker } from './early-worker.js';
import type { MountOrder } from './mount-config.js';
import type { DaemonReport } from './report.js';

const REPORT_FD = 3;

let isReportOpen = true;

function report(record: DaemonReport): void {
  if (!isReportOpen) return;
  isReportOpen = false;
  try {
    writeSync(REPORT_FD, `${JSON.stringify(record)}\n`);
  } catch (error) {
    // The command was killed while it waited; the mount stays, as if it had been told.
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
  closeSync(REPORT_FD);
}

function log(line: string): void {
  process.stderr.write(`${new Date().toISOString()} ${line}\n`);
}

async function main(): Promise<void> {
  startEarlyWorker();
  const { leave, serve } = await import('./serve.js');
  const order = JSON.parse(readFileSync(0, 'utf8')) as MountOrder;
  if (order.config.engine !== 'kernel') await dropEarlyWorker();
  process.chdir('/');
  process.umask(0);
  process.title = `plyfs ${displayName(order.config.mountpoint)}`;
  const outcome = await serve(order, { log, onMounted: (state) => report({ ok: true, state }) });
  const { error } = outcome;
  if (error) {
    const hint = error instanceof UserError ? error.hint : undefined;
    report({ ok: false, message: error.message, hint, stack: error.stack });
  }
  leave(outcome);
}

main().catch((error: unknown) => {
  log(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(1);
});
