/**
 * Entry of the process behind `run -d`: waits for one container's command, records its end, unmounts.
 *
 * Standard output and error are the container's log. An order comes in on descriptor 3, one line of JSON goes out when
 * the command is about to run, or why it cannot.
 */

import { closeSync, readSync, writeSync } from 'node:fs';
import { UserError } from '../errno/user-error.js';
import { readContainer } from '../store/container-record.js';
import { Store } from '../store/store.js';
import type { SuperviseOrder, SuperviseReport } from './run.js';
import { StartFailure } from './start-process.js';
import { superviseCommand } from './supervise.js';
import { type Connection, connectTerminal, takeMaster } from './terminal.js';

const CHANNEL_FD = 3;

let isReportOpen = true;

function report(record: SuperviseReport): void {
  if (!isReportOpen) return;
  isReportOpen = false;
  try {
    writeSync(CHANNEL_FD, `${JSON.stringify(record)}\n`);
  } catch (error) {
    // The command that waited was killed; the container runs all the same.
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
  closeSync(CHANNEL_FD);
}

function readOrder(): SuperviseOrder {
  const chunk = Buffer.alloc(65536);
  const bytes = readSync(CHANNEL_FD, chunk);
  return JSON.parse(chunk.toString('utf8', 0, bytes)) as SuperviseOrder;
}

async function main(): Promise<void> {
  const { root, id } = readOrder();
  process.chdir('/');
  const store = new Store(root);
  const record = readContainer(store, id);
  if (record === undefined) throw new UserError(`no such container: '${id}'`);
  process.title = `plyfs run ${record.name}`;
  let connection: Connection | undefined;
  await superviseCommand(store, record, {
    stdio: ['ignore', 'inherit', 'inherit'],
    onTerminal: (pid, masterFd) => {
      connection = connectTerminal(pid, takeMaster(pid, masterFd), false);
    },
    onReady: () => report({ ok: true }),
  });
  await connection?.[Symbol.asyncDispose]();
}

main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof UserError && error.hint !== undefined ? `; ${error.hint}` : '';
  if (isReportOpen) {
    report({
      ok: false,
      status: error instanceof StartFailure ? error.status : 125,
      message: `${message}${hint}`,
    });
  } else {
    process.stderr.write(`plyfs: ${message}${hint}\n`);
  }
  process.exitCode = 1;
});
