/** Runs a target in a thread of its own and watches it: an input that takes too long, or all memory, is a finding too. */

import { Worker } from 'node:worker_threads';
import { HEADER_BYTES, SHARED_BYTES } from './shared-input.js';
import type { FuzzTask, Report } from './worker.js';

/** An input takes microseconds; this is a hang on a machine that is busy with other things too. */
const INPUT_LIMIT_MS = 5_000;
const LOOK_MS = 500;
const HEAP_MB = 512;

export interface Finding {
  readonly target: string;
  readonly input: Buffer;
  readonly why: string;
}

interface Outcome {
  readonly findings: readonly Finding[];
  readonly tried: number;
  readonly kept: number;
  readonly blocks: number;
}

export type Task = Pick<FuzzTask, 'target' | 'seed' | 'milliseconds' | 'mostFaults' | 'only'>;

export function runTarget(task: Task): Promise<Outcome> {
  const shared = new SharedArrayBuffer(SHARED_BYTES);
  const counters = new Int32Array(shared, 0, 2);
  const current = (): Buffer => Buffer.from(new Uint8Array(shared, HEADER_BYTES, counters[1]).slice());
  const findings: Finding[] = [];
  const found = (input: Buffer, why: string): void => {
    findings.push({ target: task.target, input, why });
  };
  const worker = new Worker(new URL('./worker.js', import.meta.url), {
    workerData: { ...task, shared } satisfies FuzzTask,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  });
  return new Promise((resolve) => {
    let done = { tried: 0, kept: 0, blocks: 0 };
    let seen = -1;
    let since = Date.now();
    const watch = setInterval(() => {
      const number = Atomics.load(counters, 0);
      if (number !== seen) {
        seen = number;
        since = Date.now();
      } else if (number > 0 && Date.now() - since > INPUT_LIMIT_MS) {
        found(current(), `no answer in ${INPUT_LIMIT_MS} ms`);
        void worker.terminate();
      }
    }, LOOK_MS);
    worker.on('message', (report: Report) => {
      if (report.kind === 'finding') found(Buffer.from(report.input), report.why);
      else done = report;
    });
    worker.on('error', (error) => found(current(), error.stack ?? error.message));
    worker.on('exit', () => {
      clearInterval(watch);
      resolve({ ...done, tried: Math.max(done.tried, counters[0] ?? 0), findings });
    });
  });
}
