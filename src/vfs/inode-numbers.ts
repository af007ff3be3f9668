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
  /** Told of each further device. */
  onNew: () => void = () => undefined;

  /** @param first stride of the first device: what is counted elsewhere has the ones below. */
  constructor(first = 0) {
    this.#first = first;
  }

  /** In the order that their numbers follow. */
  get devices(): readonly number[] {
    return this.#devices;
  }

  /** As another process has numbered them, but for those that are numbered here already. */
  restore(devices: readonly number[]): void {
    for (const dev of devices) this.base(dev);
  }

  /** What to add to inode numbers of this st_dev. */
  base(dev: number): number {
    let index = this.#devices.indexOf(dev);
    if (index < 0) {
      index = this.#devices.push(dev) - 1;
      this.onNew();
    }
    return Math.min(this.#first + index, LAST) * STRIDE;
  }
}
