/**
 * Inheritance of a default ACL, for objects that are built in the work directory, where no kernel applies it.
 *
 * posix_acl_create(), fs/posix_acl.c v6.18; the xattr's form: include/uapi/linux/posix_acl_xattr.h, a u32 version 2,
 * then entries of u16 tag, u16 permissions, u32 id.
 */

const HEADER_BYTES = 4;
const ENTRY_BYTES = 8;
const ACL_USER_OBJ = 0x01;
const ACL_GROUP_OBJ = 0x04;
const ACL_MASK = 0x10;
const ACL_OTHER = 0x20;

interface InheritedAcl {
  /** The new object's access ACL. */
  readonly access: Buffer;
  /** Permission bits left of the mode asked for. */
  readonly permissions: number;
}

/** What an object made with `mode` inherits from its parent's default ACL. */
export function inheritAcl(defaultAcl: Uint8Array, mode: number): InheritedAcl {
  const access = Buffer.from(defaultAcl);
  let user = mode >> 6;
  let group = mode >> 3;
  let other = mode;
  let groupAt = -1;
  let maskAt = -1;
  for (let at = HEADER_BYTES; at + ENTRY_BYTES <= access.length; at += ENTRY_BYTES) {
    const tag = access.readUInt16LE(at);
    if (tag === ACL_GROUP_OBJ) groupAt = at + 2;
    else if (tag === ACL_MASK) maskAt = at + 2;
    else if (tag === ACL_USER_OBJ) user = narrow(access, at + 2, user);
    else if (tag === ACL_OTHER) other = narrow(access, at + 2, other);
  }
  const at = maskAt >= 0 ? maskAt : groupAt;
  if (at >= 0) group = narrow(access, at, group);
  return { access, permissions: ((user & 7) << 6) | ((group & 7) << 3) | (other & 7) };
}

/** Takes from the entry what `allowed` lacks. @returns what is left. */
function narrow(acl: Buffer, at: number, allowed: number): number {
  const left = acl.readUInt16LE(at) & allowed & 7;
  acl.writeUInt16LE(left, at);
  return left;
}
