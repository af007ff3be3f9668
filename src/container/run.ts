/**
 * Who waits for a container's command: this process, with its own standard input and output; or a process that lives
 * on by itself, with a log.
 */

import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { splitLines } from '../daemon/lines.js';
import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { StartFailure } from './start-process.js';
import { type Supervision, superviseCommand } from './supervise.js';
import { type Connection, connectTerminal, takeMaster } from './terminal.js';

/** @returns the exit status. @throws StartFailure, UserError */
export async function runForeground(store: Store, record: ContainerRecord): Promise<number> {
  const { tty, interactive } = record.process;
  return withTerminal(tty, interactive, (terminal) => superviseCommand(store, record, terminal));
}

/** Descriptors for a command in the foreground; with `tty`, its terminal is connected to ours while it runs. */
export async function withTerminal<T>(
  tty: boolean,
  interactive: boolean,
  run: (supervision: Supervision) => Promise<T>,
): Promise<T> {
  if (!tty) return run({ stdio: [interactive ? 'inherit' : 'ignore', 'inherit', 'inherit'] });
  let connection: Connection | undefined;
  try {
    return await run({
      stdio: ['ignore', 'inherit', 'inherit'],
      onTerminal: (pid, masterFd) => {
        connection = connectTerminal(pid, takeMaster(pid, masterFd), interactive);
      },
    });
  } finally {
    await connection?.[Symbol.asyncDispose]();
  }
}

export function logPath(store: Store, { id }: { readonly id: string }): string {
  return store.path('containers', id, 'log');
}

/** What the detached process (supervise-main.ts) is told, on its descriptor 3. */
export interface SuperviseOrder {
  readonly root: string;
  readonly id: string;
}

export type SuperviseReport =
  | { readonly ok: true }
  | { readonly ok: false; readonly status: 125 | 126 | 127; readonly message: string };

const LINE_LIMIT = 1024 * 1024;

/** Resolves when the command is about to run. @throws StartFailure */
export async function runDetached(store: Store, record: ContainerRecord): Promise<void> {
  const logFd = openSync(logPath(store, record), 'a', 0o600);
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn(process.execPath, [fileURLToPath(new URL('./supervise-main.js', import.meta.url))], {
    stdio: ['ignore', logFd, logFd, 'pipe'],
    detached: true,
    env,
  });
  closeSync(logFd);
  const channel = child.stdio[3] as Duplex;
  const order: SuperviseOrder = { root: store.root, id: record.id };
  try {
    const report = await new Promise<SuperviseReport>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) =>
        reject(
          new StartFailure(125, `the supervisor of the container ended with ${signal ?? `status ${code}`}`),
        ),
      );
      channel.setEncoding('utf8');
      channel.on('error', () => undefined);
      channel.on(
        'data',
        splitLines(LINE_LIMIT, (line) => {
          if (line !== undefined) resolve(JSON.parse(line) as SuperviseReport);
        }),
      );
      channel.write(`${JSON.stringify(order)}\n`);
    });
    if (!report.ok) throw new StartFailure(report.status, report.message);
  } finally {
    channel.destroy();
    child.unref();
  }
}
