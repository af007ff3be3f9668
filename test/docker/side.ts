/** One of the two that are compared: it runs the scripts of the cases, each in fresh state. */

import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../../scripts/repository.js';
import type { Case } from './docker-cases.js';

export interface Outcome {
  /** Undefined: it did not end within the time limit. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly milliseconds: number;
}

export interface Side extends AsyncDisposable {
  readonly name: 'docker' | 'plyfs';
  /** Runs the case and takes away what it has left. */
  run(one: Case): Promise<Outcome>;
}

interface ScriptEnvironment {
  /** Value of `$D`. */
  readonly command: string;
  readonly directory: string;
  readonly rootTar: string;
  readonly variables: Readonly<Record<string, string>>;
}

const TIME_LIMIT_MS = 90_000;

/** Runs a script in its directory, which is made afresh; at the time limit all of its processes are killed. */
export async function runScript(script: string, environment: ScriptEnvironment): Promise<Outcome> {
  const { command, directory, rootTar, variables } = environment;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const started = Date.now();
  const child = spawn('bash', ['-c', script], {
    cwd: directory,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: directory,
      LC_ALL: 'C.UTF-8',
      TZ: 'UTC',
      D: command,
      ROOT_TAR: rootTar,
      QUESTIONS: join(repository, 'test/isolation/questions.pl'),
      ...variables,
    },
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, TIME_LIMIT_MS);
  const status = await new Promise<number | undefined>((resolve, reject) => {
    child.on('error', reject);
    // Not 'close': what was left in the background may hold the pipes.
    child.on('exit', (code) => setTimeout(() => resolve(isLate ? undefined : (code ?? undefined)), 20));
  });
  clearTimeout(timer);
  child.stdout.destroy();
  child.stderr.destroy();
  return {
    status,
    stdout: Buffer.concat(stdout).toString(),
    stderr: Buffer.concat(stderr).toString(),
    milliseconds: Date.now() - started,
  };
}
