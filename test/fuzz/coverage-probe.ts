/**
 * Which blocks of src/ this thread has run, and how often in powers of two, as V8 counts them.
 *
 * INVARIANT: each `news()` starts the counts anew.
 */

import { Session } from 'node:inspector';

interface Counted {
  readonly url: string;
  readonly functions: readonly {
    readonly ranges: readonly {
      readonly startOffset: number;
      readonly endOffset: number;
      readonly count: number;
    }[];
  }[];
}

export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  constructor() {
    this.#session.connect();
    this.#post('Profiler.enable', {});
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  get blocks(): number {
    return this.#seen.size;
  }

  /** How much ran since the last call that never did before. */
  news(): number {
    const before = this.#seen.size;
    const { result } = this.#post('Profiler.takePreciseCoverage', {}) as {
      readonly result: readonly Counted[];
    };
    for (const { url, functions } of result) {
      const at = url.lastIndexOf('/src/');
      if (at < 0 || !url.startsWith('file:') || url.includes('/node_modules/')) continue;
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges)
          this.#seen.add(`${url.slice(at)} ${startOffset} ${endOffset} ${32 - Math.clz32(count)}`);
      }
    }
    return this.#seen.size - before;
  }

  /** The answers come before it returns: the session is of this thread. */
  #post(method: string, parameters: object): unknown {
    let answer: unknown;
    let failed: Error | null = null;
    this.#session.post(method, parameters, (error, result) => {
      failed = error;
      answer = result;
    });
    if (failed !== null) throw failed as Error;
    return answer;
  }
}
