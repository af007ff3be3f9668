/**
 * The on-disk form of kernel overlayfs: whiteouts, opaque directories, private xattrs.
 *
 * Documentation/filesystems/overlayfs.rst and fs/overlayfs/util.c v6.18. `trusted.overlay.*` needs privileges;
 * `user.overlay.*` (mount option userxattr) does not. Users of the mount never see those of the mount's own
 * name space: their attributes of such names are stored escaped, as fs/overlayfs/xattrs.c has it
 * (`trusted.overlay.overlay.x` for `trusted.overlay.x`). Those of the other name space are ordinary attributes, there and
 * here: an overlay of the other kind may be mounted inside.
 */

import { S_IFCHR, S_IFMT } from '../../linux/constants.js';
import type { Statx } from '../../linux/files/statx.js';
import type { Name } from '../../vfs/name.js';

export type XattrNamespace = 'trusted' | 'user';

export const MARK_OPAQUE = 1;
export const MARK_REDIRECT = 2;
export const MARK_METACOPY = 4;
export const MARK_ORIGIN = 8;
export const MARK_NLINK = 16;
export const MARK_IMPURE = 32;
/** Opaque with value 'x': whiteouts in the directory may be files with an attribute. */
export const MARK_XWHITEOUTS = 64;

/** What fuse-overlayfs keeps, for `compat=fuse-overlayfs`. */
const FUSE_OVERLAYFS_PREFIXES = [
  'user.fuseoverlayfs.',
  'security.fuseoverlayfs.',
  'user.containers.override_stat',
] as const;

/** The private attributes under one namespace. */
export class PrivateXattrs {
  readonly namespace: XattrNamespace;
  /** The forms of fuse-overlayfs are heeded too. */
  readonly readsFuseOverlayfs: boolean;
  readonly opaque: Name;
  readonly origin: Name;
  /** The mark of an index directory that says which upper it belongs to. */
  readonly upper: Name;
  readonly impure: Name;
  readonly redirect: Name;
  readonly metacopy: Name;
  readonly nlink: Name;
  readonly whiteout: Name;
  /** +i and +a of chattr(1), as letters. */
  readonly protattr: Name;
  /** What the object was copied from, over live layers: see base.ts. */
  readonly base: Name;
  /** Attributes that begin so are hidden, and not copied up. */
  readonly #hidden: readonly Name[];
  /** A name that is nothing more is refused, as by overlayfs. */
  readonly prefix: Name;
  readonly #escape: Name;
  /** Bit of each attribute that lookup asks for: see marks.ts. */
  readonly marks: ReadonlyMap<Name, number>;

  constructor(
    namespace: XattrNamespace,
    { readsFuseOverlayfs = false }: { readonly readsFuseOverlayfs?: boolean | undefined } = {},
  ) {
    this.namespace = namespace;
    this.readsFuseOverlayfs = readsFuseOverlayfs;
    this.prefix = `${namespace}.overlay.`;
    this.#escape = `${this.prefix}overlay.`;
    this.#hidden = readsFuseOverlayfs ? FUSE_OVERLAYFS_PREFIXES : [];
    this.whiteout = `${namespace}.overlay.whiteout`;
    this.base = `${namespace}.overlay.base`;
    this.protattr = `${namespace}.overlay.protattr`;
    this.opaque = `${namespace}.overlay.opaque`;
    this.origin = `${namespace}.overlay.origin`;
    this.upper = `${namespace}.overlay.upper`;
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
      ...(readsFuseOverlayfs ? OPAQUE_FOR_FUSE_OVERLAYFS : []),
    ]);
  }

  /** Whether metacopies and redirects count: overlayfs trusts these forms in `trusted.*` alone. */
  get isTrusted(): boolean {
    return this.namespace === 'trusted';
  }

  /** Whether the attribute is the union's own; an escaped one is not. */
  isPrivate(stored: Name): boolean {
    return this.shown(stored) === undefined;
  }

  /** The name under which a user's attribute is stored. */
  stored(name: Name): Name {
    return name.startsWith(this.prefix) ? this.#escape + name.slice(this.prefix.length) : name;
  }

  /** The name a user sees for a stored attribute; undefined for a private one. */
  shown(stored: Name): Name | undefined {
    if (stored.startsWith(this.#escape)) return this.prefix + stored.slice(this.#escape.length);
    if (stored.startsWith(this.prefix) || this.#hidden.some((prefix) => stored.startsWith(prefix)))
      return undefined;
    return stored;
  }
}

/** fuse-overlayfs takes a directory as opaque by any of these. */
const OPAQUE_FOR_FUSE_OVERLAYFS: readonly [Name, number][] = [
  'trusted.overlay.opaque',
  'user.overlay.opaque',
  'user.fuseoverlayfs.opaque',
].map((name) => [name, MARK_OPAQUE]);

/** Whether an attribute is any overlay's, escaped or not: what a copy to where no overlay is leaves behind. */
export function isOverlayXattr(name: Name): boolean {
  return name.startsWith('trusted.overlay.') || name.startsWith('user.overlay.');
}

/** A character device 0:0. */
export function isDeviceWhiteout(stat: Statx): boolean {
  return (stat.mode & S_IFMT) === S_IFCHR && stat.rdevMajor === 0 && stat.rdevMinor === 0;
}
