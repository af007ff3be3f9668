/**
 * What was opened for one call and serves the next ones: pages of one directory come one after the other.
 *
 * Kept for a short time only: a living tree changes, and what is open holds descriptors.
 */

interface Kept<T> {
  readonly value: T;
  readonly timer: NodeJS.Timeout;
  users: number;
  isDue: boolean;
}

export class TreeCache<T extends object> {
  readonly #keepMs: number;
  readonly #kept = new Map<string, Promise<Kept<T>>>();

  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  /** Calls `use` with what there is for the key, or what `open` gives. */
  async with<R>(key: string, open: () => Promise<T> | T, use: (value: T) => R | Promise<R>): Promise<R> {
    let opening = this.#kept.get(key);
    if (opening === undefined) {
      opening = this.#open(key, open);
      this.#kept.set(key, opening);
    }
    const kept = await opening;
    kept.users++;
    try {
      return await use(kept.value);
    } finally {
      kept.users--;
      close(kept);
    }
  }

  /** What is asked for next is opened anew. */
  drop(key: string): void {
    const opening = this.#kept.get(key);
    this.#kept.delete(key);
    void opening?.then(
      (kept) => {
        clearTimeout(kept.timer);
        kept.isDue = true;
        close(kept);
      },
      // Whoever opened it is told.
      () => undefined,
    );
  }

  async #open(key: string, open: () => Promise<T> | T): Promise<Kept<T>> {
    try {
      const value = await open();
      const timer = setTimeout(() => {
        this.#kept.delete(key);
        kept.isDue = true;
        close(kept);
      }, this.#keepMs);
      timer.unref();
      const kept: Kept<T> = { value, timer, users: 0, isDue: false };
      return kept;
    } catch (error) {
      this.#kept.delete(key);
      throw error;
    }
  }
}

function close<T extends object>(kept: Kept<T>): void {
  if (kept.isDue && kept.users === 0) (kept.value as Partial<Disposable>)[Symbol.dispose]?.();
}
