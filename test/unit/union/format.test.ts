/** Private xattrs: what a user of the mount names comes back under that name, and what is overlayfs's own never shows. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPrivateXattr, PrivateXattrs, shownXattrName, storedXattrName } from '../../../src/union/format.js';

const anyName = fc.oneof(
  fc.constantFrom('trusted.overlay.', 'user.overlay.', 'trusted.overlay.overlay.', 'user.overlay.overlay.x'),
  fc
    .tuple(fc.constantFrom('trusted.', 'user.', 'trusted.overlay.', 'user.overlay.'), fc.string())
    .map((parts) => parts.join('')),
);

describe('storedXattrName() and shownXattrName()', () => {
  it('are each other’s inverse for every name', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        expect(shownXattrName(storedXattrName(name))).toBe(name);
      }),
    );
  });

  it('give two names of a user two names on disk', () => {
    fc.assert(
      fc.property(anyName, anyName, (a, b) => {
        expect(storedXattrName(a) === storedXattrName(b)).toBe(a === b);
      }),
    );
  });

  it('escape as overlayfs does', () => {
    expect(storedXattrName('trusted.overlay.opaque')).toBe('trusted.overlay.overlay.opaque');
    expect(storedXattrName('trusted.overlay.overlay.opaque')).toBe('trusted.overlay.overlay.overlay.opaque');
    expect(storedXattrName('user.overlayfs')).toBe('user.overlayfs');
  });

  it.each(['trusted', 'user'] as const)('hide all that the union keeps under %s.overlay', (namespace) => {
    const { opaque, origin, impure, redirect, metacopy, nlink, marks } = new PrivateXattrs(namespace);
    for (const name of [opaque, origin, impure, redirect, metacopy, nlink]) {
      expect(isPrivateXattr(name)).toBe(true);
      expect(shownXattrName(name)).toBeUndefined();
      expect(storedXattrName(name)).not.toBe(name);
      expect(marks.get(name)).toBeGreaterThan(0);
    }
    expect(new Set(marks.values()).size).toBe(marks.size);
  });
});
