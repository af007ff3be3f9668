/** fuse-overlayfs's options about what is shown. */

import { describe, expect, it } from 'vitest';
import { presentationOf, selinuxContexts } from '../../../src/daemon/config/presentation-options.js';
import { UserError } from '../../../src/errno/user-error.js';
import { Presentation } from '../../../src/union/nodes/presentation.js';

describe('presentationOf()', () => {
  it.each([
    [{}, undefined],
    [{ squash_to_root: true }, { squashUid: 0, squashGid: 0 }],
    [
      { squash_to_root: true, squash_to_uid: '7' },
      { squashUid: 7, squashGid: 0 },
    ],
    [{ squash_to_uid: '-1' }, undefined],
    [
      { noxattrs: '1', noacl: true, static_nlink: true },
      { noXattr: true, noAcl: true, staticNlink: true },
    ],
    [
      { uidmapping: '0:1000:1:1:110000:65536' },
      {
        uidmap: [
          { host: 0, container: 1000, length: 1 },
          { host: 1, container: 110_000, length: 65_536 },
        ],
      },
    ],
  ])('of %j', (flags, expected) => {
    expect(presentationOf(flags as Record<string, string | boolean>)).toEqual(expected);
  });

  it.each(['0:1', '0:1:0', 'a:1:1', '', '0:1:1:', '4294967295:1:2'])('refuses uidmapping=%s', (text) => {
    expect(() => presentationOf({ uidmapping: text })).toThrow(UserError);
  });

  it('refuses an owner that is none', () => {
    expect(() => presentationOf({ squash_to_uid: 'root' })).toThrow("'squash_to_uid=root': it must be an id");
  });
});

describe('Presentation', () => {
  const mapped = new Presentation({ uidmap: [{ host: 0, container: 1000, length: 1 }], squashGid: 5 });

  it('maps ids both ways, and has no ACLs then', () => {
    expect([mapped.shownUid(0), mapped.shownUid(1), mapped.shownGid(9)]).toEqual([1000, 65534, 5]);
    expect([mapped.storedUid(1000), mapped.storedUid(undefined), mapped.storedGid(9)]).toEqual([
      0,
      undefined,
      9,
    ]);
    expect(mapped.creator({ uid: 1000, gid: 3, pid: 1 })).toEqual({ uid: 0, gid: 3, pid: 1 });
    expect(mapped.hasAcls).toBe(false);
  });

  it('stores nothing for whom no range covers', () => {
    expect(() => mapped.storedUid(5)).toThrow('value too large');
  });
});

it('selinuxContexts() takes those alone', () => {
  expect(selinuxContexts({ context: 'a:b', fscontext: 'c', index: 'off' })).toEqual({
    context: 'a:b',
    fscontext: 'c',
  });
});
