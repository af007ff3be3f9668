/**
 * Patterns with wildcards, matched in time that grows with their length times that of the text, whatever they are: a regular
 * expression of the same meaning takes for ever for some (`****x`, `*a*a*a*a*b`), and who writes a Dockerfile chooses them.
 *
 * All places in the pattern that the text so far can have reached are followed at once (Thompson's construction).
 */

/** What a place in a pattern takes; `directories` is nothing, or anything that ends with a slash. */
export type PatternStep =
  | { readonly takes: 'one' | 'many'; readonly test: (char: string) => boolean }
  | { readonly takes: 'directories' };

/** Where steps are counted, to end a match that takes too many. */
interface StepCount {
  addSteps(count: number): void;
}

/** What beginning somewhere costs, in steps. */
const SPAN_STEPS = 16;

export class Wildcards {
  readonly #steps: readonly PatternStep[];
  readonly #count: StepCount | undefined;
  #now: Places;
  #next: Places;

  constructor(steps: readonly PatternStep[], count?: StepCount) {
    this.#steps = steps;
    this.#count = count;
    this.#now = new Places(steps.length);
    this.#next = new Places(steps.length);
  }

  matches(text: string): boolean {
    const chars = [...text];
    return this.#ends(chars, 0)[chars.length] === true;
  }

  /** How many characters from `start` on match, at least or at most; undefined: no number of them. */
  span(chars: readonly string[], start: number, which: 'shortest' | 'longest'): number | undefined {
    const ends = this.#ends(chars, start);
    const length = which === 'longest' ? ends.lastIndexOf(true) : ends.indexOf(true);
    return length < 0 ? undefined : length;
  }

  /** For each number of characters, whether they match; shorter where nothing can match any more. */
  #ends(chars: readonly string[], start: number): boolean[] {
    const last = this.#steps.length;
    this.#count?.addSteps(SPAN_STEPS);
    this.#now.clear();
    this.#now.reach(0, this.#steps);
    const ends = [this.#now.has(last)];
    for (let at = start; at < chars.length && this.#now.size > 0; at++) {
      this.#count?.addSteps(this.#now.size);
      this.#next.clear();
      for (let index = 0; index < this.#now.size; index++)
        this.#advance(this.#now.at(index), chars[at]!, this.#next);
      [this.#now, this.#next] = [this.#next, this.#now];
      ends.push(this.#now.has(last));
    }
    return ends;
  }

  #advance(place: number, char: string, next: Places): void {
    const count = this.#steps.length;
    // Within the directories of a step: places behind the last one.
    const index = place > count ? place - count - 1 : place;
    const step = this.#steps[index];
    if (step === undefined) return;
    if (step.takes === 'directories') {
      next.add(index + count + 1);
      if (char === '/') next.reach(index + 1, this.#steps);
    } else if (step.test(char)) next.reach(step.takes === 'many' ? index : index + 1, this.#steps);
  }
}

/** Each once. Emptied and used again, in time that grows with what is in it and not with the pattern. */
class Places {
  readonly #list: Uint32Array;
  readonly #has: Uint8Array;
  size = 0;

  constructor(count: number) {
    this.#list = new Uint32Array(2 * count + 2);
    this.#has = new Uint8Array(2 * count + 2);
  }

  clear(): void {
    for (let at = 0; at < this.size; at++) this.#has[this.#list[at]!] = 0;
    this.size = 0;
  }

  at(index: number): number {
    return this.#list[index]!;
  }

  has(place: number): boolean {
    return this.#has[place] === 1;
  }

  add(place: number): void {
    if (this.#has[place] === 1) return;
    this.#has[place] = 1;
    this.#list[this.size++] = place;
  }

  /** The place, and those behind it that take nothing to be passed. */
  reach(place: number, steps: readonly PatternStep[]): void {
    for (let at = place; !this.has(at); at++) {
      this.add(at);
      const step = steps[at];
      if (step === undefined || step.takes === 'one') return;
    }
  }
}
