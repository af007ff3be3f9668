/**
 * plyfs on a terminal of its own, which script(1) gives it, and a script of what is typed there.
 */

import { spawn } from 'node:child_process';
import { cliScript } from '../plyfs-run.js';
import type { ContainerBench } from './bench.js';

/** What is typed once the output has the text before it; '': at once. */
export type Script = readonly (readonly [seen: string, typed: string])[];

interface Played {
  readonly code: number | null;
  readonly output: string;
}

/** `plyfs ARGS` on a terminal of its own. */
export function playOn(
  bench: ContainerBench,
  args: readonly string[],
  script: Script,
  before = '',
): Promise<Played> {
  const words = [process.execPath, '--', cliScript, ...bench.withRoot(args)];
  const line = before + words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  return new Promise((resolve) => {
    const child = spawn('script', ['-qefc', line, '/dev/null'], {
      env: { ...bench.env, SHELL: '/bin/sh' },
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: 60_000,
      killSignal: 'SIGKILL',
    });
    const todo = [...script];
    let output = '';
    let from = 0;
    const advance = () => {
      const [seen, typed] = todo[0] ?? [];
      if (seen === undefined || typed === undefined) return;
      const at = output.indexOf(seen, from);
      if (at < 0) return;
      from = at + seen.length;
      todo.shift();
      child.stdin.write(typed);
      advance();
    };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      advance();
    });
    advance();
    child.on('close', (code) => resolve({ code, output }));
  });
}
