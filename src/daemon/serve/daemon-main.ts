/**
 * Entry of the daemon process: one JSON ServeRequest on stdin, one JSON line on fd 3 when the mount answers or cannot.
 *
 * Started by launch.ts with stdout and stderr on the log of the run directory; has a session of its own (setsid) from the moment
 * that the mount stands. Loads nothing that serving does not need: the user waits for it.
 */

import { closeSync, readFileSync, writeSync } from 'node:fs';
import { hasCode } from '../../errno/error-code.js';
import { missingAddon } from '../../errno/missing-addon.js';
import { oneLine } from '../../errno/printable.js';
import { UserError } from '../../errno/user-error.js';
import { displayName } from '../../vfs/name.js';
import type { ServeRequest } from '../config/mount-config.js';
import type { DaemonReport } from '../messages/report.js';
import type { RunState } from '../run-directory/run-state.js';
import { dropEarlyThread, startEarlyThread } from '../session/early-thread.js';
import { closeInherited } from './inherited-descriptors.js';
import { spareFromOomKiller } from './out-of-memory.js';

const REPORT_FD = 3;

let isReportOpen = true;

function report(record: DaemonReport): void {
  if (!isReportOpen) return;
  isReportOpen = false;
  try {
    writeSync(REPORT_FD, `${JSON.stringify(record)}\n`);
  } catch (error) {
    // The command was killed while it waited; the mount stays, as if it had been told.
    if (!hasCode(error, 'EPIPE')) throw error;
  }
  closeSync(REPORT_FD);
}

function log(line: string): void {
  process.stderr.write(`${new Date().toISOString()} ${oneLine(line)}\n`);
}

async function main(): Promise<void> {
  closeInherited(REPORT_FD);
  spareFromOomKiller();
  startEarlyThread();
  const { serve } = await import('./serve.js');
  const { ownKeeper } = await import('./own-keeper.js');
  const { leave } = await import('./serve-outcome.js');
  const { setsid } = await import('../../linux/process/namespace.js');
  const request = JSON.parse(readFileSync(0, 'utf8')) as ServeRequest;
  if (request.config.engine !== 'kernel') await dropEarlyThread();
  process.chdir('/');
  process.umask(0);
  process.title = `plyfs ${displayName(request.config.mountpoint)}`;
  const onMounted = (state: RunState): void => {
    setsid();
    report({ ok: true, state });
  };
  const kept = ownKeeper(request, log);
  const outcome = await serve(request, { log, onMounted, ...(kept && { keeper: kept.keeper }) });
  const { error } = outcome;
  if (error) {
    const hint = error instanceof UserError ? error.hint : undefined;
    report({ ok: false, message: error.message, hint, stack: error.stack });
  }
  await dropEarlyThread();
  kept?.[Symbol.dispose]();
  leave(outcome);
}

main().catch((error: unknown) => {
  const addon = missingAddon(error);
  if (addon !== undefined) report({ ok: false, message: addon.message, hint: addon.hint });
  else log(error instanceof Error ? (error.stack ?? error.message) : String(error));
  void dropEarlyThread().finally(() => process.exit(1));
});
