/** Private xattrs: what a user of the mount names comes back under that name, and what is overlayfs's own never shows. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PrivateXattrs } from '../../../src/union/form/overlay-xattrs.js';

const anyName = fc.oneof(
  fc.constantFrom('trusted.overlay.', 'user.overlay.', 'trusted.overlay.overlay.', 'user.overlay.overlay.x'),
  fc
    .tuple(fc.constantFrom('trusted.', 'user.', 'trusted.overlay.', 'user.overlay.'), fc.string())
    .map((parts) => parts.join('')),
);

describe.each(['trusted', 'user'] as const)('stored() and shown() under %s.overlay', (namespace) => {
  const xattrs = new PrivateXattrs(namespace);

  it('are each other’s inverse for every name', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        expect(xattrs.shown(xattrs.stored(name))).toBe(name);
        expect(xattrs.isPrivate(xattrs.stored(name))).toBe(false);
      }),
    );
  });

  it('give two names of a user two names on disk', () => {
    fc.assert(
      fc.property(anyName, anyName, (a, b) => {
        expect(xattrs.stored(a) === xattrs.stored(b)).toBe(a === b);
      }),
    );
  });

  it('hide all that the union keeps', () => {
    const { opaque, origin, impure, redirect, metacopy, nlink, whiteout, marks } = xattrs;
    for (const name of [opaque, origin, impure, redirect, metacopy, nlink, whiteout]) {
      expect(xattrs.isPrivate(name)).toBe(true);
      expect(xattrs.shown(name)).toBeUndefined();
      expect(xattrs.stored(name)).not.toBe(name);
    }
    for (const name of [opaque, origin, impure, redirect, metacopy, nlink])
      expect(marks.get(name)).toBeGreaterThan(0);
    expect(new Set(marks.values()).size).toBe(marks.size);
  });
});

describe('PrivateXattrs', () => {
  it('escapes as overlayfs does: in its own name space alone', () => {
    const trusted = new PrivateXattrs('trusted');
    expect(trusted.stored('trusted.overlay.opaque')).toBe('trusted.overlay.overlay.opaque');
    expect(trusted.stored('trusted.overlay.overlay.opaque')).toBe('trusted.overlay.overlay.overlay.opaque');
    expect(trusted.stored('user.overlay.opaque')).toBe('user.overlay.opaque');
    expect(trusted.shown('user.overlay.opaque')).toBe('user.overlay.opaque');
    expect(new PrivateXattrs('user').stored('user.overlay.x')).toBe('user.overlay.overlay.x');
    expect(new PrivateXattrs('user').stored('user.overlayfs')).toBe('user.overlayfs');
  });

  it('hides what fuse-overlayfs keeps where its forms are read, and nowhere else', () => {
    const kept = ['user.fuseoverlayfs.origin', 'security.fuseoverlayfs.override_stat'];
    for (const name of [...kept, 'user.containers.override_stat']) {
      expect(new PrivateXattrs('trusted').isPrivate(name)).toBe(false);
      expect(new PrivateXattrs('trusted', { readsFuseOverlayfs: true }).isPrivate(name)).toBe(true);
    }
  });
});
