/** Inheritance of a default ACL, compared with what the file system of the temporary directory does itself. */

import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { mkdirat } from '../../../src/linux/files/directory.js';
import { umask } from '../../../src/linux/files/inode.js';
import { Statx, statx } from '../../../src/linux/files/statx.js';
import { getxattrAt, setxattrAt } from '../../../src/linux/files/xattr.js';
import { inheritAcl } from '../../../src/union/copy-up/posix-acl.js';
import { ok, tempDirectory } from '../linux/temp-directory.js';

const NO_ID = 0xffff_ffff;
type AclEntry = readonly [tag: number, permissions: number, id?: number];
const [USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER] = [0x01, 0x02, 0x04, 0x08, 0x10, 0x20];

/** include/uapi/linux/posix_acl_xattr.h */
function aclOf(entries: readonly AclEntry[]): Buffer {
  const out = Buffer.alloc(4 + entries.length * 8);
  out.writeUInt32LE(2, 0);
  entries.forEach(([tag, permissions, id = NO_ID], at) => {
    out.writeUInt16LE(tag, 4 + at * 8);
    out.writeUInt16LE(permissions, 6 + at * 8);
    out.writeUInt32LE(id, 8 + at * 8);
  });
  return out;
}

const minimal = aclOf([
  [USER_OBJ, 7],
  [GROUP_OBJ, 5],
  [OTHER, 1],
]);
const named = aclOf([
  [USER_OBJ, 6],
  [USER, 7, 1001],
  [GROUP_OBJ, 7],
  [GROUP, 3, 1002],
  [MASK, 5],
  [OTHER, 4],
]);
const MODES = [0o777, 0o755, 0o700, 0o640, 0o421, 0o000];
const cases = [minimal, named].flatMap((acl, which) =>
  MODES.map((mode) => [which === 0 ? 'minimal' : 'with a mask', mode.toString(8), acl, mode] as const),
);

describe('inheritAcl()', () => {
  it.each(cases)('of a default ACL that is %s, with mode %s, is what the kernel does', (_, __, acl, mode) => {
    const parent = tempDirectory();
    ok(setxattrAt(parent.fd, '', 'system.posix_acl_default', acl, 0));
    const before = umask(0);
    ok(mkdirat(parent.fd, 'made', mode));
    umask(before);
    const stat = new Statx();
    ok(statx(parent.fd, 'made', 0x100, 0x7ff, stat));
    const inherited = inheritAcl(acl, mode);
    expect((inherited.permissions & 0o777).toString(8)).toBe((stat.mode & 0o777).toString(8));
    const value = Buffer.alloc(1024);
    const length = getxattrAt(parent.fd, 'made', 'system.posix_acl_access', value);
    // A minimal ACL says no more than the mode, and the kernel keeps only that.
    if (length > 0) expect(inherited.access).toEqual(value.subarray(0, length));
    else expect(acl).toBe(minimal);
    expect(execFileSync('stat', ['-c', '%a', `${parent.path}/made`], { encoding: 'utf8' }).trim()).toBe(
      (stat.mode & 0o7777).toString(8),
    );
  });

  it('leaves the default ACL as it was', () => {
    const copy = Buffer.from(named);
    inheritAcl(named, 0);
    expect(named).toEqual(copy);
  });
});
