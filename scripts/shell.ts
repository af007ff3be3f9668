/**
 * Commands as children of the demo and the benchmark, with a time limit, and ended when the script is interrupted.
 *
 * INVARIANT: each runs in a process group of its own, which is killed as a whole at the limit or at an interrupt. A
 * daemon that a command left behind has its own session and is not touched: who mounted unmounts.
 */

import { spawn } from 'node:child_process';
import { setMaxListeners } from 'node:events';

interface Run {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Called at the time limit before the kill: a process that waits for a FUSE server cannot be killed before. */
  readonly onTimeout?: () => void;
}

const interrupted = new AbortController();
/** Commands that run at once listen to it, as many as there are. */
setMaxListeners(0, interrupted.signal);

/** Ends the running command and makes every later one throw. */
export function interrupt(): void {
  interrupted.abort();
}

export function wasInterrupted(): boolean {
  return interrupted.signal.aborted;
}

/** Runs a command and gives its standard output. @throws Error with one line: what failed and its last words. */
export function command(argv: readonly string[], run: Run = {}): Promise<string> {
  if (wasInterrupted()) return Promise.reject(new Error('interrupted'));
  return cleanup(argv, run, interrupted.signal);
}

/** The same for cleaning up: an interrupt does not stop it. */
export function cleanup(argv: readonly string[], run: Run = {}, signal?: AbortSignal): Promise<string> {
  const [file = '', ...args] = argv;
  const env = { ...process.env, LC_ALL: 'C', ...run.env };
  const child = spawn(file, args, { cwd: run.cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const kill = (): void => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  };
  let problem: string | undefined;
  const stop = (why: string) => (): void => {
    problem = why;
    if (why !== 'interrupted') run.onTimeout?.();
    kill();
  };
  const timeoutMs = run.timeoutMs ?? 600_000;
  const timer = setTimeout(stop(`no end after ${timeoutMs / 1000} s`), timeoutMs);
  const onInterrupt = stop('interrupted');
  signal?.addEventListener('abort', onInterrupt, { once: true });
  return new Promise((resolve, reject) => {
    const settle = (status: string): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onInterrupt);
      // A daemon may still hold the pipes.
      child.stdout.destroy();
      child.stderr.destroy();
      if (status === '0' && problem === undefined) resolve(Buffer.concat(output).toString());
      else reject(new Error(`${name(argv)}: ${problem ?? `status ${status}${lastWords(errors)}`}`));
    };
    child.on('error', (error) => settle(error.message));
    // Not 'close': that would wait for a daemon that keeps standard output open.
    child.on('exit', (code, killedBy) => setImmediate(settle, String(code ?? killedBy)));
  });
}

/** A bash script; the first command that fails ends it. */
export function bash(script: string, run: Run = {}): Promise<string> {
  return command(['bash', '-c', `set -e -o pipefail\n${script}`], run);
}

/** Whether a program of this name is in the path. */
export function isInPath(program: string): Promise<boolean> {
  return command(['sh', '-c', 'command -v -- "$1" >/dev/null', 'sh', program]).then(
    () => true,
    (error: unknown) => {
      if (wasInterrupted()) throw error;
      return false;
    },
  );
}

function name(argv: readonly string[]): string {
  return argv[0] === 'bash' ? 'bash' : argv.slice(0, 3).join(' ');
}

function lastWords(errors: readonly Buffer[]): string {
  const text = Buffer.concat(errors).toString().trim().split('\n').slice(-2).join('; ');
  return text === '' ? '' : `: ${text}`;
}
