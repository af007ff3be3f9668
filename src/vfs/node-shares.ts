/**
 * How many nodes each user has had made known: whoever looks a name up first is taken to be the one who keeps it.
 *
 * INVARIANT: the counts of all users are the nodes of the table.
 */

/** Users that are told apart, by two bytes a node; those who come later count as one. */
const MOST_USERS = 2 ** 16;

export class NodeShares {
  /** By number; root is 0. */
  readonly #uids: number[] = [0];
  readonly #counts: number[] = [0];
  readonly #numbers = new Map<number, number>([[0, 0]]);

  /** Counts a node that a user has had made. @returns the number to give it back by. */
  take(uid: number): number {
    const number = this.#numbers.get(uid) ?? this.#add(uid);
    this.#counts[number]!++;
    return number;
  }

  giveBack(number: number): void {
    this.#counts[number]!--;
  }

  /** The user other than root who has more nodes than all others together. */
  get largest(): number | undefined {
    let total = 0;
    let most = 0;
    for (let number = 0; number < this.#counts.length; number++) {
      total += this.#counts[number]!;
      if (number > 0 && (most === 0 || this.#counts[number]! > this.#counts[most]!)) most = number;
    }
    return most > 0 && this.#counts[most]! * 2 > total ? this.#uids[most] : undefined;
  }

  #add(uid: number): number {
    if (this.#uids.length >= MOST_USERS) return MOST_USERS - 1;
    this.#uids.push(uid);
    this.#counts.push(0);
    this.#numbers.set(uid, this.#uids.length - 1);
    return this.#uids.length - 1;
  }
}
