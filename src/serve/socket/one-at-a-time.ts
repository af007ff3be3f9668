/** Work on things of a name: one after the other on the same name, beside each other on different ones. */

export class OneAtATime {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `work` when what was asked for that name before is over, well or not. */
  async run<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    const before = this.#last.get(name);
    const turn = (async () => {
      await before?.catch(() => undefined);
      return await work();
    })();
    this.#last.set(name, turn);
    try {
      return await turn;
    } finally {
      if (this.#last.get(name) === turn) this.#last.delete(name);
    }
  }
}
