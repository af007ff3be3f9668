/**
 * Starts a container's command below util-linux's `unshare` or `nsenter`, and speaks with the process that becomes it
 * (enter/main.ts) until it does.
 */

import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Duplex, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { splitLines } from '../daemon/lines.js';
import { UserError } from '../errno/user-error.js';
import type { AttachedMount, EnterOrder, EnterReport } from './enter/order.js';
import { openSealedProgram, SEAL_FLAG } from './enter/sealed-program.js';
import { type SignalName, statusOfSignal } from './signal.js';

/** What a descriptor of the command is: one of ours, or nothing. */
export type Stdio = 'inherit' | 'ignore' | number;

export interface StartOptions {
  readonly stdio: readonly [Stdio, Stdio, Stdio];
  /** Takes the master of the command's terminal over, from that process. */
  readonly onTerminal?: (pid: number, masterFd: number) => void;
  /** The command is about to run; `attached`: what the kernel has mounted in its namespace. */
  readonly onReady: (pid: number, attached: readonly AttachedMount[]) => void;
}

/** The command could not be run; `status` is the exit status for it. */
export class StartFailure extends UserError {
  readonly status: 125 | 126 | 127;

  constructor(status: 125 | 126 | 127, message: string) {
    super(message);
    this.name = 'StartFailure';
    this.status = status;
  }
}

/**
 * Resolves with the exit status when the command has ended.
 * @throws StartFailure
 */
export function runProcess(order: EnterOrder, options: StartOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const [program, ...args] = wrapperOf(order);
    const [input, output, errors] = options.stdio;
    const sealed = order.rootless ? undefined : openSealedProgram();
    const node = sealed === undefined ? process.execPath : `/proc/self/fd/${PROGRAM_FD}`;
    const seal = order.rootless ? [SEAL_FLAG] : [];
    const child = spawn(program!, [...args, node, enterScript(), ...seal], {
      // What the wrapper itself says is for us; the command finds its standard error as descriptor 4.
      stdio: [input, output, 'pipe', 'pipe', errors === 'inherit' ? 2 : errors, sealed ?? 'ignore'],
      // A session of its own: a Ctrl-C at our terminal comes to us alone, and we pass it on.
      detached: true,
    });
    if (sealed !== undefined) closeSync(sealed);
    let failure: StartFailure | undefined;
    let hasBegun = false;
    const complaint = collect(child.stderr as Readable);
    const channel = child.stdio[3] as Duplex;
    // The process has ended; its exit says how.
    channel.on('error', () => undefined);
    channel.write(`${JSON.stringify(order)}\n`);
    const fail = (error: unknown) => {
      child.kill('SIGKILL');
      reject(error as Error);
    };
    const hooks = {
      ...options,
      onReady: (pid: number, attached: readonly AttachedMount[]) => {
        hasBegun = true;
        options.onReady(pid, attached);
      },
    };
    onReports(channel, hooks, (found) => (failure = found), fail);
    child.on('error', (error) => reject(wrapperFailure(program!, error)));
    const settle = (code: number | null, signal: NodeJS.Signals | null) => {
      channel.destroy();
      child.stderr?.destroy();
      if (failure !== undefined) reject(failure);
      else if (!hasBegun)
        reject(
          new StartFailure(
            125,
            `cannot run '${program}': ${complaint() || `it ended with ${signal ?? code}`}`,
          ),
        );
      else resolve(exitStatus(code, signal, complaint()));
    };
    // 'close' would wait for what the command has started and left behind. Why it failed may still be on its way.
    child.on('exit', (code, signal) => whenRead(channel, () => settle(code, signal)));
  });
}

function onReports(
  channel: Duplex,
  options: StartOptions,
  onFailure: (failure: StartFailure) => void,
  onError: (error: unknown) => void,
): void {
  let pid = 0;
  channel.setEncoding('utf8');
  channel.on(
    'data',
    splitLines(LINE_LIMIT, (line) => {
      if (line === undefined) return onError(new Error('a report of the command is too long'));
      const report = JSON.parse(line) as EnterReport;
      try {
        if (report.at === 'begun') pid = report.pid;
        else if (report.at === 'failed') onFailure(new StartFailure(report.code, report.message));
        else {
          if (report.at === 'terminal') options.onTerminal?.(pid, report.masterFd);
          else options.onReady(pid, report.attached);
          channel.write('\n');
        }
      } catch (error) {
        onError(error);
      }
    }),
  );
}

const LINE_LIMIT = 64 * 1024;
const PROGRAM_FD = 5;
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

/**
 * Docker's status for a signal is that of the shell. unshare(1) ends as the command did, but for SIGKILL, where that of
 * util-linux 2.38 complains about a signal that it cannot reset and ends with 1.
 */
function exitStatus(code: number | null, signal: NodeJS.Signals | null, complaint: string): number {
  if (signal !== null) return statusOfSignal(signal as SignalName);
  return code === 1 && complaint.startsWith('unshare: sig') ? statusOfSignal('SIGKILL') : (code ?? 0);
}

/** The first lines that a stream gives, when asked. */
function collect(stream: Readable): () => string {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    if (text.length < LINE_LIMIT) text += chunk;
  });
  return () => text.trim();
}

function wrapperFailure(program: string, error: Error): StartFailure {
  const hint = (error as NodeJS.ErrnoException).code === 'ENOENT' ? '; install util-linux' : '';
  return new StartFailure(125, `cannot run '${program}': ${error.message}${hint}`);
}

/** The command is the first process of a pid namespace: it ends with this wrapper, and all of its own with it. */
function wrapperOf({ joinPid, rootless, network }: EnterOrder): string[] {
  const user = rootless ? ['--user'] : [];
  const net = network === 'none' ? ['--net'] : [];
  if (joinPid === undefined) {
    const map = rootless ? ['--map-root-user'] : [];
    // Clones of shared mounts are to stay shared where that is asked for; the rest is made private right after.
    const mounts = ['--mount', '--propagation', 'unchanged'];
    return [
      'unshare',
      ...user,
      ...map,
      ...mounts,
      ...net,
      '--pid',
      '--uts',
      '--ipc',
      '--fork',
      '--kill-child=KILL',
    ];
  }
  const keep = rootless ? ['--preserve-credentials'] : [];
  return ['nsenter', '--target', String(joinPid), ...user, ...keep, '--pid', '--uts', '--ipc', ...net, '--'];
}

function enterScript(): string {
  return fileURLToPath(new URL('./enter/main.js', import.meta.url));
}
