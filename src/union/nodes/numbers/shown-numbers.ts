/**
 * Which object shows the inode number of an object of a lower: the lower one itself, or the one in upper that says that
 * it is a copy of it. What lies in upper may have been copied there by hand, its attributes too, so that several say so,
 * and the lower one may show as well. A number is of who showed it first, as long as the union is mounted: others in
 * upper show their own, and the lower one a number that no object has.
 *
 * Linux: fs/overlayfs/inode.c:ovl_get_inode() v6.18 finds two such by one key, and answers ESTALE for the second while the
 * first is in its cache.
 */

/** Numbers, or words of them, that are remembered: some 50 MiB each. What comes after that is believed. */
const MOST = 2 ** 20;
/** Numbers in a word: small integers have 31 bits. */
const WORD = 30;
/** Half of what one device has (vfs/inode-numbers.ts). */
const DISPLACED = 2 ** 47;

export class ShownNumbers {
  /** Inode number in upper of what shows it. */
  readonly #holders = new Map<number, number>();
  /** Those that objects of lowers have shown, a bit each. */
  readonly #lowers = new Map<number, number>();

  /** Whether an object of upper shows the number of a lower one. */
  isHeld(number: number): boolean {
    return this.#holders.has(number);
  }

  /** The lower object shows. @returns its number, or another where that is held. */
  ofLower(number: number): number {
    if (this.#holders.has(number)) return number + DISPLACED;
    const word = Math.floor(number / WORD);
    const bits = this.#lowers.get(word);
    if (bits !== undefined || this.#lowers.size < MOST)
      this.#lowers.set(word, (bits ?? 0) | (1 << (number % WORD)));
    return number;
  }

  /** An object of upper says to be a copy. @returns the number of the lower one; undefined when another shows that. */
  ofCopy(number: number, upperIno: number): number | undefined {
    const holder = this.#holders.get(number);
    if (holder === upperIno) return number;
    if (holder !== undefined)
      return this.#holders.get(number + DISPLACED) === upperIno ? number + DISPLACED : undefined;
    const bits = this.#lowers.get(Math.floor(number / WORD)) ?? 0;
    if ((bits & (1 << (number % WORD))) !== 0) return undefined;
    this.#hold(number, upperIno);
    return number;
  }

  /** The same for what is known to stand in the lower object's place: it was copied up, or the index leads to it. */
  take(number: number, upperIno: number): void {
    const word = Math.floor(number / WORD);
    const bits = this.#lowers.get(word);
    if (bits !== undefined) this.#lowers.set(word, bits & ~(1 << (number % WORD)));
    this.#hold(number, upperIno);
  }

  #hold(number: number, upperIno: number): void {
    if (this.#holders.size < MOST) this.#holders.set(number, upperIno);
  }
}
