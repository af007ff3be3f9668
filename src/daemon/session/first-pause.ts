/**
 * What a serving thread does when nothing comes for a moment: a rehearsal once, then for each session what its first change would wait for.
 *
 * The first change of a mount asks a helper thread whether upper takes changes (realfs/disk/write-gate.ts), and a thread of Node takes 25 to 30 ms
 * to start on an idle machine, 130 to 320 at a load of 10: with an untar of 0.25 s that shows.
 */

import type { IdleWork } from '../../engine/kernel/serving-loop.js';

interface Expecting {
  expectChanges(): void;
}

export class FirstPause implements IdleWork {
  readonly #rehearsal: IdleWork;
  readonly #sessions = new Set<Expecting>();

  constructor(rehearsal: IdleWork) {
    this.#rehearsal = rehearsal;
  }

  /** The session begins: its first pause is still to come. */
  add(session: Expecting): void {
    this.#sessions.add(session);
  }

  /** The session is over. */
  delete(session: Expecting): void {
    this.#sessions.delete(session);
  }

  get isDue(): boolean {
    return this.#rehearsal.isDue || this.#sessions.size > 0;
  }

  run(): void {
    if (this.#rehearsal.isDue) {
      this.#rehearsal.run();
      return;
    }
    for (const session of this.#sessions) {
      this.#sessions.delete(session);
      session.expectChanges();
    }
  }
}
