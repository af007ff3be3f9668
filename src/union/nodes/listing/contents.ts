/**
 * What is known of the names in a directory: the list that a reader goes through, and how many there are.
 *
 * Exists from the first listing on. All changes come through the union and are noted here, so that a list which is made in
 * slices (vfs/sliced-work.ts) shows what is true at its end, and a directory whose names all went is known to be empty
 * without looking: the rmdir at the end of `rm -r` would read all whiteouts.
 * INVARIANT: `count` is undefined or at least the number of names that the union shows.
 */

import type { ListedName, Listing } from '../../../vfs/listing.js';
import type { Name } from '../../../vfs/name.js';
import type { Subject } from '../../../vfs/sliced-work.js';

type Shown = Omit<ListedName, 'name'>;

/** What became of a name; undefined when it is gone. */
type Change = readonly [Name, Shown | undefined];

export class Contents implements Subject {
  listing: Listing | undefined;
  takesLong = false;
  epoch = 0;
  /** Names that are shown, or perhaps fewer than that; undefined when not known. */
  count: number | undefined;
  readonly #logs = new Set<Change[]>();

  /** Before a name is added, whether that then succeeds or not. */
  mayGrow(): void {
    if (this.count !== undefined) this.count++;
  }

  removed(name: Name): void {
    this.epoch++;
    if (this.count !== undefined) this.count--;
    this.#apply([name, undefined]);
  }

  /** The name stands for another object from now on, or for one, where there was none. */
  changed(name: Name, now: Shown): void {
    this.epoch++;
    this.#apply([name, now]);
  }

  /** Names went and came: a reader goes on with a new list. */
  reordered(changes: readonly Change[]): void {
    this.epoch++;
    this.count = undefined;
    for (const change of changes) this.#apply(change);
    this.listing = undefined;
  }

  #apply(change: Change): void {
    if (this.listing !== undefined) apply(this.listing, change);
    for (const log of this.#logs) log.push(change);
  }

  /** Notes the changes while a list is made. */
  startLog(): Change[] {
    const log: Change[] = [];
    this.#logs.add(log);
    return log;
  }

  endLog(log: Change[]): void {
    this.#logs.delete(log);
  }

  /** @param log the changes since the list was begun. */
  settle(listing: Listing, log: readonly Change[]): void {
    for (const change of log) apply(listing, change);
    this.count = log.length === 0 ? listing.length : undefined;
  }
}

function apply(listing: Listing, [name, now]: Change): void {
  if (now === undefined) listing.remove(name);
  else listing.replace(name, now);
}
