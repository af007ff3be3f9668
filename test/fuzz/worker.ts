/**
 * The thread that runs one target: mutates what brought it to new code, and leaves each input in shared memory before it is
 * tried, so that who watches knows which one hangs, or takes all memory.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { Coverage } from './coverage-probe.js';
import { mutate, type Pool } from './mutate.js';
import { Random } from './random.js';
import { HEADER_BYTES } from './shared-input.js';
import { isRefusal, type Target } from './target.js';
import { targets } from './targets/all.js';
import { plantedTargets } from './targets/planted-targets.js';

export interface FuzzTask {
  readonly target: string;
  readonly seed: number;
  readonly milliseconds: number;
  /** It ends with so many faults. */
  readonly mostFaults: number;
  /** 0: number of the input, 1: its length; the input's bytes follow. */
  readonly shared: SharedArrayBuffer;
  /** Only this input. */
  readonly only?: Uint8Array;
}

export type Report =
  | { readonly kind: 'finding'; readonly input: Uint8Array; readonly why: string }
  | { readonly kind: 'done'; readonly tried: number; readonly kept: number; readonly blocks: number };

/** What memory may grow by while all kept inputs are run again and again. */
const GROWTH_BYTES = 16 * 1024 * 1024;
const GROWTH_RUNS = 2000;
/** Inputs that are measured together; those of a batch that shows something new, one by one. */
const BATCH = 8;

class Run {
  readonly #order: FuzzTask;
  readonly #target: Target;
  readonly #counters: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #faults = new Set<string>();
  tried = 0;

  constructor(order: FuzzTask, target: Target) {
    this.#order = order;
    this.#target = target;
    this.#counters = new Int32Array(order.shared, 0, 2);
    this.#bytes = new Uint8Array(order.shared, HEADER_BYTES);
  }

  async try(input: Buffer): Promise<void> {
    this.#bytes.set(input);
    this.#counters[1] = input.length;
    Atomics.add(this.#counters, 0, 1);
    this.tried++;
    try {
      const result = this.#target.run(Buffer.from(input));
      if (result instanceof Promise) await result;
    } catch (error) {
      if (!isRefusal(error)) this.#report(input, error);
    }
  }

  #report(input: Buffer, error: unknown): void {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const fault = why.split('\n').slice(1, 3).join('\n');
    // One fault has many inputs.
    if (this.#faults.has(fault) || this.#faults.size >= this.#order.mostFaults) return;
    this.#faults.add(fault);
    post({ kind: 'finding', input, why });
  }

  async loop(): Promise<void> {
    const { seed, milliseconds, mostFaults } = this.#order;
    const end = Date.now() + milliseconds;
    const inputs: Buffer[] = this.#target.seeds.map((one) => Buffer.from(one));
    const coverage = new Coverage();
    for (const input of inputs) await this.try(input);
    coverage.news();
    const pool: Pool = { random: new Random(seed), inputs, words: this.#target.words };
    while (Date.now() < end && this.#faults.size < mostFaults) {
      const batch: Buffer[] = Array.from({ length: BATCH }, () => mutate(pool.random.of(inputs), pool));
      for (const input of batch) await this.try(input);
      if (coverage.news() === 0) continue;
      // Which one it was would take a measurement of each: all are worth more than most.
      inputs.push(...batch);
    }
    await this.#checkMemory(inputs);
    post({ kind: 'done', tried: this.tried, kept: inputs.length, blocks: coverage.blocks });
  }

  async #checkMemory(inputs: readonly Buffer[]): Promise<void> {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const some = inputs.slice(-500);
    for (const input of some) await this.try(input);
    collect();
    const before = heldBytes();
    for (let round = 0; round < GROWTH_RUNS / some.length; round++)
      for (const input of some) await this.try(input);
    collect();
    const grown = heldBytes() - before;
    if (grown > GROWTH_BYTES)
      post({ kind: 'finding', input: Buffer.concat(some), why: `memory grew by ${grown} bytes` });
  }
}

function heldBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function post(report: Report): void {
  parentPort?.postMessage(report);
}

const order = workerData as FuzzTask;
const target = [...targets, ...plantedTargets].find(({ name }) => name === order.target);
if (target === undefined) throw new Error(`no target '${order.target}'`);
const run = new Run(order, target);
if (order.only === undefined) await run.loop();
else {
  await run.try(Buffer.from(order.only));
  post({ kind: 'done', tried: 1, kept: 0, blocks: 0 });
}
