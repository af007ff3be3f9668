/** POSIX ACLs in the form of their xattr: acl(5), linux/posix_acl_xattr.h (version 2, entries of tag, perm, id). */

interface Acl {
  readonly owner: number;
  readonly users?: Readonly<Record<number, number>>;
  readonly group: number;
  readonly groups?: Readonly<Record<number, number>>;
  readonly mask?: number;
  readonly other: number;
}

const NO_ID = 0xffffffff;

/** The value of `system.posix_acl_access` or `system.posix_acl_default`; permissions are 0 to 7. */
export function posixAcl(acl: Acl): Buffer {
  const entries: [tag: number, perm: number, id: number][] = [
    [0x01, acl.owner, NO_ID],
    ...named(0x02, acl.users),
    [0x04, acl.group, NO_ID],
    ...named(0x08, acl.groups),
    ...(acl.mask === undefined ? [] : [[0x10, acl.mask, NO_ID] as [number, number, number]]),
    [0x20, acl.other, NO_ID],
  ];
  const value = Buffer.alloc(4 + entries.length * 8);
  value.writeUInt32LE(2, 0);
  for (const [index, [tag, perm, id]] of entries.entries()) {
    value.writeUInt16LE(tag, 4 + index * 8);
    value.writeUInt16LE(perm, 6 + index * 8);
    value.writeUInt32LE(id, 8 + index * 8);
  }
  return value;
}

function named(tag: number, permissions: Readonly<Record<number, number>> = {}): [number, number, number][] {
  return Object.entries(permissions).map(([id, perm]) => [tag, perm, Number(id)]);
}
