/**
 * What the variables in one text may take: a line of a Dockerfile can ask for terabytes (`${A//?/${A//?/$A}}`) and for hours
 * (`${A//$A$A$A*$A}`), and its author is not trusted with that.
 *
 * INVARIANT: each limit holds for a whole text, however many variables it has.
 */

import { UserError } from '../errno/user-error.js';

/** Eight times what the kernel lets one argument or variable of a program have (MAX_ARG_STRLEN). */
const MAX_CHARACTERS = 1 << 20;
/** A character compared with a place in a pattern; some tenths of a second. */
const MAX_STEPS = 1 << 22;
/** How deep variables may lie in each other's braces. */
const MAX_DEPTH = 100;

export class ExpansionLimits {
  #characters = 0;
  #steps = 0;
  #depth = 0;

  /** Counts text that a variable brought. @throws UserError */
  addCharacters(count: number): void {
    this.#characters += count;
    if (this.#characters > MAX_CHARACTERS)
      throw new UserError(`the variables come to more than ${MAX_CHARACTERS} characters`);
  }

  /** Counts steps of matching a pattern. @throws UserError */
  addSteps(count: number): void {
    this.#steps += count;
    if (this.#steps > MAX_STEPS) throw new UserError('the patterns take too long for values of this length');
  }

  /** @throws UserError */
  enterBraces(): void {
    if (++this.#depth > MAX_DEPTH)
      throw new UserError(`more than ${MAX_DEPTH} variables stand in each other's braces`);
  }

  leaveBraces(): void {
    this.#depth--;
  }
}
