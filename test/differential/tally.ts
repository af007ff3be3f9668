/** Counts of a campaign: what was done and compared, and which allowed differences were met. */

export class Tally {
  readonly #steps = new Map<string, { done: number; refused: number }>();
  readonly #allowed = new Map<string, number>();
  #trees = 0;
  #mounts = 0;

  countStep(kind: string, succeeded: boolean): void {
    const counts = this.#steps.get(kind) ?? { done: 0, refused: 0 };
    counts[succeeded ? 'done' : 'refused'] += 1;
    this.#steps.set(kind, counts);
  }

  countAllowed(reason: string): void {
    this.#allowed.set(reason, (this.#allowed.get(reason) ?? 0) + 1);
  }

  countTree(): void {
    this.#trees += 1;
  }

  countMount(): void {
    this.#mounts += 1;
  }

  get operations(): number {
    return [...this.#steps.values()].reduce((sum, { done, refused }) => sum + done + refused, 0);
  }

  summary(): string {
    const done = [...this.#steps.values()].reduce((sum, counts) => sum + counts.done, 0);
    const share = Math.round((100 * done) / Math.max(1, this.operations));
    return `${this.operations} operations of ${this.#steps.size} kinds (${share}% succeeded), ${this.#trees} trees compared, ${this.#mounts} mounts`;
  }

  /** A line for each kind, then one for each allowed difference that was met. */
  details(): string[] {
    const steps = [...this.#steps].sort(
      ([, one], [, other]) => other.done + other.refused - one.done - one.refused,
    );
    return [
      ...steps.map(([kind, { done, refused }]) => `${kind}: ${done} done, ${refused} refused`),
      ...[...this.#allowed].map(([reason, count]) => `allowed ${count} times: ${reason}`),
    ];
  }
}
