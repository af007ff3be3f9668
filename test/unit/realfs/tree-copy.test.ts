/** Copies of trees under the two policies there are: into what is new, and over what is there. */

import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EOPNOTSUPP, EPERM } from '../../../src/errno/errno.js';
import { check } from '../../../src/errno/fs-error.js';
import { AT_FDCWD, O_DIRECTORY, O_RDONLY } from '../../../src/linux/constants.js';
import { close, openat } from '../../../src/linux/files/open.js';
import { getxattrAt, setxattrAt } from '../../../src/linux/files/xattr.js';
import { copyXattrs } from '../../../src/realfs/tree-copy/attributes.js';
import type { CopyPolicy, Refusal } from '../../../src/realfs/tree-copy/policy.js';
import { TreeCopy } from '../../../src/realfs/tree-copy/walk.js';
import { CopyUpXattrs } from '../../../src/union/copy-up/copy-xattrs.js';
import { PrivateXattrs } from '../../../src/union/form/overlay-xattrs.js';

let root: string;
let from: string;
let to: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'plyfs-tree-copy-'));
  [from, to] = [join(root, 'from'), join(root, 'to')];
  mkdirSync(from);
  mkdirSync(to);
});

afterEach(() => rmSync(root, { recursive: true }));

const STRICT: CopyPolicy = {
  owners: 'keep',
  conflicts: 'refuse',
  times: 'all',
  xattrs: 'all',
  sockets: 'copy',
  mounts: 'enter',
  leavesOut: () => false,
  forgives: () => false,
};

function copyContent(policy: Partial<CopyPolicy> = {}): TreeCopy {
  const [source, target] = [from, to].map((path) =>
    check(openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY), 'open', path),
  ) as [number, number];
  using copy = new TreeCopy({ ...STRICT, ...policy });
  try {
    copy.content(source, target);
    return copy;
  } finally {
    close(source);
    close(target);
  }
}

function twoNames(): void {
  mkdirSync(join(from, 'a'));
  writeFileSync(join(from, 'a/first'), 'data');
  mkdirSync(join(from, 'b'));
  linkSync(join(from, 'a/first'), join(from, 'b/second'));
}

describe('TreeCopy', () => {
  it('keeps hard links, and counts their data once', () => {
    twoNames();
    expect(copyContent()).toMatchObject({ files: 2, bytes: 4 });
    expect(statSync(join(to, 'a/first')).ino).toBe(statSync(join(to, 'b/second')).ino);
  });

  it('makes a second name without following a symlink that took the place of a directory', () => {
    twoNames();
    const outside = join(root, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'first'), 'secret');
    const includes = (path: string): boolean => {
      if (!/second|first$/.test(path) || readdirSync(to).length < 2) return true;
      const other = path.endsWith('second') ? 'a' : 'b';
      renameSync(join(to, other), join(root, 'moved'));
      symlinkSync(outside, join(to, other));
      writeFileSync(join(outside, 'second'), 'secret');
      return true;
    };
    expect(() => copyContent({ includes })).toThrow(/symbolic link/);
    expect(statSync(join(outside, 'first')).nlink).toBe(1);
  });

  it('refuses a name that is there', () => {
    writeFileSync(join(from, 'f'), 'new');
    writeFileSync(join(to, 'f'), 'old');
    expect(() => copyContent()).toThrow(/file exists/i);
    expect(readFileSync(join(to, 'f'), 'utf8')).toBe('old');
  });

  it('replaces files and merges into directories where the policy says so', () => {
    for (const [path, text] of [
      ['from/d/f', 'new'],
      ['to/d/f', 'old'],
      ['to/d/g', 'stays'],
    ] as const) {
      mkdirSync(join(root, path, '..'), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    copyContent({ conflicts: 'replace' });
    expect(['f', 'g'].map((name) => readFileSync(join(to, 'd', name), 'utf8'))).toEqual(['new', 'stays']);
  });

  it('copies what the policy includes', () => {
    for (const name of ['x', 'y']) writeFileSync(join(from, name), name);
    copyContent({ includes: (path) => path !== 'x' });
    expect(readdirSync(to)).toEqual(['y']);
  });
});

describe('copyXattrs()', () => {
  /** No file of procfs takes an attribute. */
  const without = { dirfd: AT_FDCWD, name: '/proc/self/comm' };

  function source(attribute: string): { dirfd: number; name: string } {
    const name = join(from, 'f');
    writeFileSync(name, '');
    check(setxattrAt(AT_FDCWD, name, attribute, Buffer.from('v'), 0), 'setxattr', attribute);
    return { dirfd: AT_FDCWD, name };
  }

  it('asks the policy about each refusal', () => {
    const refusals: Refusal[] = [];
    const forgives = (refusal: Refusal): boolean => refusals.push(refusal) > 0;
    copyXattrs(source('user.a'), without, { leavesOut: () => false, forgives }, 'shown');
    expect(refusals).toEqual([{ call: 'setxattr', result: -EOPNOTSUPP, path: 'shown', attribute: 'user.a' }]);
  });

  it('throws what is not forgiven, and leaves out what the policy says', () => {
    const policy = { leavesOut: () => false, forgives: () => false };
    expect(() => copyXattrs(source('user.a'), without, policy)).toThrow(/setxattr user.a/);
    expect(() => copyXattrs(source('user.a'), without, { ...policy, leavesOut: () => true })).not.toThrow();
  });
});

describe('CopyUpXattrs', () => {
  const policy = new CopyUpXattrs(new PrivateXattrs('trusted'));
  const refusal = (attribute: string, result: number): Refusal => ({
    call: 'setxattr',
    result,
    path: 'f',
    attribute,
  });

  it.each([
    ['user.note', true],
    ['trusted.note', true],
    ['btrfs.compression', true],
    ['system.posix_acl_access', false],
    ['system.posix_acl_default', false],
    ['security.capability', false],
    ['security.selinux', false],
  ])('goes on without %s where upper does not take it, as overlayfs does: %s', (attribute, isForgiven) => {
    expect(policy.forgives(refusal(attribute, -EOPNOTSUPP))).toBe(isForgiven);
  });

  it('does not go on without what root may not set', () => {
    expect(policy.forgives(refusal('user.note', -EPERM))).toBe(process.geteuid?.() !== 0);
  });

  it('leaves out overlayfs’s own, and takes a user’s escaped one along', () => {
    expect(policy.leavesOut('trusted.overlay.origin')).toBe(true);
    expect(policy.leavesOut('trusted.overlay.overlay.origin')).toBe(false);
    expect(policy.leavesOut('user.overlay.origin')).toBe(false);
  });

  it('copies a value as it is', () => {
    const [name, target] = [join(from, 'f'), join(to, 'f')];
    for (const path of [name, target]) writeFileSync(path, '');
    check(setxattrAt(AT_FDCWD, name, 'user.a', Buffer.from([0, 255, 10]), 0), 'setxattr', name);
    copyXattrs({ dirfd: AT_FDCWD, name }, { dirfd: AT_FDCWD, name: target }, policy);
    const value = Buffer.alloc(8);
    expect(value.subarray(0, getxattrAt(AT_FDCWD, target, 'user.a', value))).toEqual(
      Buffer.from([0, 255, 10]),
    );
  });
});
