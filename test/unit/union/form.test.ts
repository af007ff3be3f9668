/** The on-disk form, read and written by descriptor and name alone. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS } from '../../../src/linux/constants.js';
import { mkdirat } from '../../../src/linux/files/directory.js';
import { Statx, statx } from '../../../src/linux/files/statx.js';
import { getxattrAt, setxattrAt } from '../../../src/linux/files/xattr.js';
import { hasOpaqueFile, isDotWhited } from '../../../src/union/form/fuse-overlayfs-form.js';
import { readNlinkDelta, writeNlinkDelta } from '../../../src/union/form/index-entry.js';
import { isMetacopy, readMarks } from '../../../src/union/form/marks.js';
import {
  MARK_OPAQUE,
  MARK_ORIGIN,
  MARK_XWHITEOUTS,
  PrivateXattrs,
} from '../../../src/union/form/overlay-xattrs.js';
import { APPEND_ONLY, IMMUTABLE, readProtection, writeProtection } from '../../../src/union/form/protattr.js';
import { Trail } from '../../../src/union/form/redirect.js';
import { isWhiteoutObject, markXattrWhiteouts } from '../../../src/union/form/whiteout.js';
import { ok, tempDirectory } from '../linux/temp-directory.js';

const xattrs = new PrivateXattrs('user');

function file(content = ''): { readonly path: string; readonly fd: number } {
  const directory = tempDirectory();
  writeFileSync(join(directory.path, 'f'), content);
  return directory;
}

function set(fd: number, attribute: string, value: string | Buffer): void {
  ok(setxattrAt(fd, 'f', attribute, Buffer.from(value), 0));
}

function statOf(fd: number, name: string): Statx {
  const stat = new Statx();
  ok(statx(fd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, stat));
  return stat;
}

describe('the link count of an index entry', () => {
  it.each([-3, 0, 2])('is written as overlayfs has it and read back: %i', (difference) => {
    const { fd } = file();
    writeNlinkDelta(xattrs, fd, 'f', difference);
    const value = Buffer.alloc(16);
    const length = ok(getxattrAt(fd, 'f', xattrs.nlink, value));
    expect(value.toString('latin1', 0, length)).toBe(`U${difference < 0 ? '' : '+'}${difference}`);
    expect(readNlinkDelta(xattrs, fd, 'f')).toEqual({ of: 'upper', difference });
  });

  it('may be told by the lower file', () => {
    const { fd } = file();
    set(fd, xattrs.nlink, 'L-1');
    expect(readNlinkDelta(xattrs, fd, 'f')).toEqual({ of: 'lower', difference: -1 });
  });

  it.each(['', 'U', 'X1', 'Uten'])('is undefined for %j', (text) => {
    const { fd } = file();
    if (text !== '') set(fd, xattrs.nlink, text);
    expect(readNlinkDelta(xattrs, fd, 'f')).toBeUndefined();
  });
});

describe('marks', () => {
  it('are found by one list', () => {
    const { fd } = file();
    expect(readMarks(xattrs, fd, 'f')).toBe(0);
    set(fd, xattrs.opaque, 'y');
    set(fd, xattrs.origin, 'any');
    expect(readMarks(xattrs, fd, 'f')).toBe(MARK_OPAQUE | MARK_ORIGIN);
    set(fd, xattrs.opaque, 'x');
    expect(readMarks(xattrs, fd, 'f')).toBe(MARK_XWHITEOUTS | MARK_ORIGIN);
  });

  it('say that a file has its metadata only, unless the attribute is none of overlayfs', () => {
    const { fd } = file();
    set(fd, xattrs.metacopy, '');
    const at = { dirfd: fd, name: 'f' };
    expect(isMetacopy(xattrs, at, readMarks(xattrs, fd, 'f'))).toBe(true);
    set(fd, xattrs.metacopy, 'junk');
    expect(() => isMetacopy(xattrs, at, readMarks(xattrs, fd, 'f'))).toThrow(
      expect.objectContaining({ code: 'EIO' }),
    );
  });
});

describe('whiteouts', () => {
  it('are empty files with the attribute, which the directory announces', () => {
    const { fd } = file();
    expect(isWhiteoutObject(fd, 'f', statOf(fd, 'f'), xattrs)).toBe(false);
    set(fd, xattrs.whiteout, 'y');
    expect(isWhiteoutObject(fd, 'f', statOf(fd, 'f'), xattrs)).toBe(true);
    markXattrWhiteouts(fd, xattrs);
    expect(readMarks(xattrs, fd, '')).toBe(MARK_XWHITEOUTS);
  });

  it('are no files with data', () => {
    const { fd } = file('data');
    set(fd, xattrs.whiteout, 'y');
    expect(isWhiteoutObject(fd, 'f', statOf(fd, 'f'), xattrs)).toBe(false);
  });

  it('leave a directory opaque that is', () => {
    const { fd } = tempDirectory();
    ok(setxattrAt(fd, '', xattrs.opaque, Buffer.from('y'), 0));
    markXattrWhiteouts(fd, xattrs);
    expect(readMarks(xattrs, fd, '')).toBe(MARK_OPAQUE);
  });

  it('of fuse-overlayfs are names beside the name', () => {
    const { fd } = tempDirectory();
    expect(isDotWhited(fd, 'gone')).toBe(false);
    expect(hasOpaqueFile(fd)).toBe(false);
    ok(mkdirat(fd, '.wh.gone', 0o700));
    ok(mkdirat(fd, '.wh..wh..opq', 0o700));
    expect(isDotWhited(fd, 'gone')).toBe(true);
    expect(hasOpaqueFile(fd)).toBe(true);
  });
});

describe('protattr', () => {
  it.each([0, APPEND_ONLY, IMMUTABLE, APPEND_ONLY | IMMUTABLE])('keeps %i', (protection) => {
    const { fd } = file();
    writeProtection(xattrs, { dirfd: fd, name: 'f' }, protection);
    expect(readProtection(xattrs, fd, 'f')).toBe(protection);
  });

  it('is void when a letter is not known', () => {
    const { fd } = file();
    set(fd, xattrs.protattr, 'az');
    expect(readProtection(xattrs, fd, 'f')).toBe(0);
  });
});

describe('a trail', () => {
  it('follows a name in its directory, and a path from the root', () => {
    const trail = new Trail('now');
    trail.follow('before');
    expect([trail.name, trail.path]).toEqual(['before', undefined]);
    trail.follow('/a/b');
    trail.follow('c');
    expect(trail.path).toEqual(['a', 'c']);
  });

  it.each([
    ['', 'EINVAL'],
    ['a/b', 'EINVAL'],
    ['/a//b', 'EINVAL'],
    ['..', 'EACCES'],
    ['/..', 'EACCES'],
  ])('refuses %j: %s', (value, code) => {
    expect(() => new Trail('x').follow(value)).toThrow(expect.objectContaining({ code }));
  });
});
