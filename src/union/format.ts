/**
 * The on-disk form of kernel overlayfs: whiteouts, opaque directories, private xattrs.
 *
 * Documentation/filesystems/overlayfs.rst and fs/overlayfs/util.c v6.18. `trusted.overlay.*` needs privileges;
 * `user.overlay.*` (mount option userxattr) does not. Users of the mount never see either: their own attributes of
 * those names are stored escaped, as fs/overlayfs/xattrs.c has it (`trusted.overlay.overlay.x` for `trusted.overlay.x`).
 */

import { S_IFCHR, S_IFMT } from '../linux/constants.js';
import type { Statx } from '../linux/statx.js';
import type { Name } from '../vfs/name.js';

export type XattrNamespace = 'trusted' | 'user';

export const MARK_OPAQUE = 1;
export const MARK_REDIRECT = 2;
export const MARK_METACOPY = 4;
export const MARK_ORIGIN = 8;
export const MARK_NLINK = 16;
export const MARK_IMPURE = 32;

/** The private attributes under one namespace. */
export class PrivateXattrs {
  readonly namespace: XattrNamespace;
  readonly opaque: Name;
  readonly origin: Name;
  readonly impure: Name;
  readonly redirect: Name;
  readonly metacopy: Name;
  readonly nlink: Name;
  /** Bit of each attribute that lookup asks for: see marks.ts. */
  readonly marks: ReadonlyMap<Name, number>;

  constructor(namespace: XattrNamespace) {
    this.namespace = namespace;
    this.opaque = `${namespace}.overlay.opaque`;
    this.origin = `${namespace}.overlay.origin`;
    this.impure = `${namespace}.overlay.impure`;
    this.redirect = `${namespace}.overlay.redirect`;
    this.metacopy = `${namespace}.overlay.metacopy`;
    this.nlink = `${namespace}.overlay.nlink`;
    this.marks = new Map([
      [this.opaque, MARK_OPAQUE],
      [this.redirect, MARK_REDIRECT],
      [this.metacopy, MARK_METACOPY],
      [this.origin, MARK_ORIGIN],
      [this.nlink, MARK_NLINK],
      [this.impure, MARK_IMPURE],
    ]);
  }
}

const PREFIXES = ['trusted.overlay.', 'user.overlay.'] as const;

/** Whether the attribute is one of overlayfs's own, escaped or not. */
export function isPrivateXattr(name: Name): boolean {
  return name.startsWith(PREFIXES[0]) || name.startsWith(PREFIXES[1]);
}

/** The name under which a user's attribute is stored. */
export function storedXattrName(name: Name): Name {
  for (const prefix of PREFIXES) {
    if (name.startsWith(prefix)) return `${prefix}overlay.${name.slice(prefix.length)}`;
  }
  return name;
}

/** The name a user sees for a stored attribute; undefined for a private one. */
export function shownXattrName(stored: Name): Name | undefined {
  for (const prefix of PREFIXES) {
    if (!stored.startsWith(prefix)) continue;
    const escaped = `${prefix}overlay.`;
    return stored.startsWith(escaped) ? prefix + stored.slice(escaped.length) : undefined;
  }
  return stored;
}

/** A character device 0:0. */
export function isWhiteout(stat: Statx): boolean {
  return (stat.mode & S_IFMT) === S_IFCHR && stat.rdevMajor === 0 && stat.rdevMinor === 0;
}
