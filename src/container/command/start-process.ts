/**
 * Starts a container's command and speaks with the process that becomes it (enter/become-command.ts) until it does: a copy of a
 * template where there is one, else a Node of its own.
 */

import type { Duplex } from 'node:stream';
import { splitLines } from '../../daemon/messages/lines.js';
import type { AttachedMount, EnterReport, EnterRequest } from '../enter/enter-request.js';
import type { CommandTemplate } from './command-template.js';
import { StartFailure } from './start-failure.js';
import type { StdioOfCommand } from './started-process.js';
import { startWrapped } from './wrapped-process.js';

export interface StartOptions {
  readonly stdio: StdioOfCommand;
  /** What it is copied from, when that is ready. */
  readonly template?: CommandTemplate | undefined;
  /** Takes the master of the command's terminal over, from that process. */
  readonly onTerminal?: (pid: number, masterFd: number) => void;
  /** The command is about to run; `attached`: what the kernel has mounted in its namespace. */
  readonly onReady: (pid: number, attached: readonly AttachedMount[]) => Promise<void> | void;
  /** The command is killed when this process dies, where util-linux's `setpriv` is. */
  readonly endsWithUs?: boolean;
}

/**
 * Resolves with the exit status when the command has ended.
 * @throws StartFailure
 */
export function runProcess(request: EnterRequest, options: StartOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const { stdio, template, endsWithUs = false } = options;
    const copied = endsWithUs ? undefined : template?.start(request, stdio);
    const started = copied ?? startWrapped(request, stdio, { endsWithUs });
    const { channel, complaint } = started;
    let failure: StartFailure | undefined;
    let hasBegun = false;
    // The process has ended; its exit says how.
    channel.on('error', () => undefined);
    channel.write(`${JSON.stringify(request)}\n`);
    const fail = (error: unknown) => {
      started.kill();
      reject(error as Error);
    };
    let preparing: Promise<void> = Promise.resolve();
    const hooks = {
      ...options,
      onReady: async (pid: number, attached: readonly AttachedMount[]) => {
        hasBegun = true;
        const ready = Promise.resolve(options.onReady(pid, attached));
        preparing = ready.catch(() => undefined);
        await ready;
      },
    };
    onReports(channel, hooks, (found) => (failure = found), fail);
    started.onFailure(reject);
    const settle = (status: () => number, how: string) => {
      channel.destroy();
      started.forget();
      if (failure !== undefined) reject(failure);
      else if (!hasBegun)
        reject(
          new StartFailure(125, `cannot run '${started.name}': ${complaint() || `it ended with ${how}`}`),
        );
      else resolve(status());
    };
    // 'close' would wait for what the command has started and left behind. Why it failed may still be on its way.
    // And who records that it begins has done so before who records that it has ended.
    started.onEnd((status, how) => whenRead(channel, () => void preparing.then(() => settle(status, how))));
  });
}

function onReports(
  channel: Duplex,
  options: StartOptions,
  onFailure: (failure: StartFailure) => void,
  onError: (error: unknown) => void,
): void {
  let pid = 0;
  const receive = async (report: EnterReport): Promise<void> => {
    if (report.at === 'begun') pid = report.pid;
    else if (report.at === 'failed') onFailure(new StartFailure(report.code, report.message));
    else {
      if (report.at === 'terminal') options.onTerminal?.(pid, report.masterFd);
      else await options.onReady(pid, report.attached);
      channel.write('\n');
    }
  };
  channel.setEncoding('utf8');
  channel.on(
    'data',
    splitLines(LINE_LIMIT, (line) => {
      if (line === undefined) return onError(new Error('a report of the command is too long'));
      receive(JSON.parse(line) as EnterReport).catch(onError);
    }),
  );
}

const LINE_LIMIT = 64 * 1024;
const DRAIN_MS = 1_000;

/** When all that was written into the channel is read: its other ends are closed once the process has ended. */
function whenRead(channel: Duplex, done: () => void): void {
  if (channel.readableEnded || channel.destroyed) {
    done();
    return;
  }
  const finish = () => {
    clearTimeout(timer);
    channel.off('end', finish).off('close', finish);
    done();
  };
  const timer = setTimeout(finish, DRAIN_MS);
  channel.on('end', finish).on('close', finish);
}
