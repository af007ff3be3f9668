/**
 * One mount shows one st_dev, whatever its parts lie on: inode numbers of different devices are shifted apart.
 *
 * Device 0 keeps its numbers; each further one has 2^48 of its own, so 31 of them stay below 2^53. More devices than
 * that share the last range: then two files may show one number, and a program that compares them must look further.
 */

const STRIDE = 2 ** 48;
const LAST = 31;

export class InodeNumbers {
  readonly #devices: number[] = [];
  readonly #first: number;

  /** @param first stride of the first device: what is counted elsewhere has the ones below. */
  constructor(first = 0) {
    this.#first = first;
  }

  /** What to add to inode numbers of this st_dev. */
  base(dev: number): number {
    let index = this.#devices.indexOf(dev);
    if (index < 0) index = this.#devices.push(dev) - 1;
    return Math.min(this.#first + index, LAST) * STRIDE;
  }
}
