/** Positions of a listing: readers that resume at one must miss nothing and see nothing twice, whatever changed. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ListedName, Listing, POSITION_LIMIT } from '../../../src/vfs/listing.js';

function entry(name: string, ino = 1): ListedName {
  return { name, ino, type: 8, source: 0 };
}

function positionsOf(listing: Listing): Map<string, number> {
  return new Map(listing.names.map((name, at) => [name, listing.positions[at]!]));
}

const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12, unit: 'binary-ascii' }), {
  minLength: 1,
  maxLength: 60,
});

describe('a listing', () => {
  it('has every name once, at strictly ascending positions between those of .. and the limit', () => {
    fc.assert(
      fc.property(names, (all) => {
        const { names: listed, positions } = Listing.of(all.map((name) => entry(name)));
        expect([...listed].sort()).toEqual([...all].sort());
        for (let at = 0; at < positions.length; at++) {
          expect(positions[at]!).toBeGreaterThan(at === 0 ? 2 : positions[at - 1]!);
          expect(positions[at]!).toBeLessThan(POSITION_LIMIT);
        }
      }),
    );
  });

  it('gives a name the same position however many others come and go', () => {
    fc.assert(
      fc.property(names, names, (kept, others) => {
        const more = [...new Set([...kept, ...others])];
        const few = positionsOf(Listing.of(kept.map((name) => entry(name))));
        const many = positionsOf(Listing.of(more.toReversed().map((name) => entry(name))));
        for (const name of kept) expect(many.get(name)).toBe(few.get(name));
      }),
    );
  });

  it('resumes after a position with the next entry, also when the one at the position was removed', () => {
    fc.assert(
      fc.property(names, fc.nat(), (all, pick) => {
        const listing = Listing.of(all.map((name) => entry(name)));
        const at = pick % all.length;
        const position = listing.positions[at]!;
        listing.remove(listing.names[at]!);
        expect(listing.isRemoved(at)).toBe(true);
        expect(listing.indexAfter(position)).toBe(at + 1);
        expect(listing.indexAfter(position - 1)).toBe(at);
        const rest = listing.names.filter((_, index) => index !== at);
        const anew = positionsOf(Listing.of(rest.map((name) => entry(name))));
        for (const name of rest) expect(anew.get(name)).toBe(positionsOf(listing).get(name));
      }),
    );
  });

  it('removes nothing for a name that it does not have', () => {
    const listing = Listing.of(['a', 'b', 'c'].map((name) => entry(name)));
    listing.remove('d');
    listing.remove('');
    expect([0, 1, 2].some((at) => listing.isRemoved(at))).toBe(false);
  });

  it('keeps inode number, type and source with the name', () => {
    const listing = Listing.of([
      { name: 'x', ino: 2 ** 40, type: 4, source: 2 },
      { name: 'y', ino: 7, type: 8, source: 0 },
    ]);
    const at = listing.names.indexOf('x');
    expect([listing.inos[at], listing.types[at], listing.sources[at]]).toEqual([2 ** 40, 4, 2]);
  });

  it('pushes equal hashes apart and still finds each', () => {
    // The same name twice is the one collision that needs no search for one.
    const listing = Listing.of([entry('same', 1), entry('same', 2), entry('other', 3)]);
    expect(new Set(listing.positions).size).toBe(3);
    const first = listing.names.indexOf('same');
    expect(listing.positions[first + 1]!).toBe(listing.positions[first]! + 1);
    listing.remove('same');
    expect(listing.isRemoved(first)).toBe(true);
  });
});
