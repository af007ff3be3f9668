/** Attributes and content of an object, read for a comparison. */

import { EOPNOTSUPP } from '../../errno/errno.js';
import { check, fsError } from '../../errno/fs-error.js';
import {
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFREG,
} from '../../linux/constants.js';
import { preadPrefix } from '../../linux/files/data.js';
import { readlinkat } from '../../linux/files/directory.js';
import { close } from '../../linux/files/open.js';
import { getxattrAt, listxattrAt } from '../../linux/files/xattr.js';
import type { PrivateXattrs } from '../../union/form/overlay-xattrs.js';
import type { Name } from '../../vfs/name.js';
import type { BeneathTree, Side } from './beneath-tree.js';
import type { Facet } from './change.js';

/** An object of one of the two trees. */
interface Located {
  readonly tree: BeneathTree;
  readonly path: Name;
  readonly side: Side;
}

const CHUNK_BYTES = 256 << 10;
const list = Buffer.allocUnsafeSlow(65536);
const value = Buffer.allocUnsafeSlow(65536);

/** Labels that the system's policy gives, and not who made the object. */
const POLICY_XATTRS: ReadonlySet<Name> = new Set(['security.selinux', 'security.ima', 'security.evm']);

/** Attributes of a descriptor by name, as users see them. @param marks those of an upper. */
export function readXattrs(fd: number, marks?: PrivateXattrs): Map<Name, Buffer> {
  const found = new Map<Name, Buffer>();
  const length = listxattrAt(fd, '', list);
  if (length === -EOPNOTSUPP) return found;
  check(length, 'listxattr');
  for (const stored of list.toString('latin1', 0, length).split('\0')) {
    const name = stored === '' || marks === undefined ? stored : marks.shown(stored);
    if (name === undefined || name === '' || POLICY_XATTRS.has(name)) continue;
    const bytes = getxattrAt(fd, '', stored, value);
    if (bytes >= 0) found.set(name, Buffer.from(value.subarray(0, bytes)));
  }
  return found;
}

interface Comparison {
  /** The draft has no data of its own. */
  readonly isMetadata: boolean;
  /** The draft's object was copied from the host's. */
  readonly isCopy: boolean;
}

/** What differs. Of a copy that was made without privileges, owners and what only root may set say nothing. */
export function facetsOf(
  host: Located,
  draft: Located,
  marks: PrivateXattrs,
  { isMetadata, isCopy }: Comparison,
): Facet[] {
  const facets: Facet[] = [];
  const [before, after] = [host.side, draft.side];
  if (before.type !== after.type) return ['type'];
  const isPoor = isCopy && !marks.isTrusted;
  if (!isMetadata && !hasSameContent(host, draft)) facets.push('content');
  // The root of an upper without privileges is open to its owner (union/upper-root.ts).
  const opened = isPoor && draft.path === '' ? OWNER_ALL : 0;
  if ((before.mode | opened) !== (after.mode | opened) && after.type !== S_IFLNK) facets.push('mode');
  if (!isPoor && (before.uid !== after.uid || before.gid !== after.gid)) facets.push('owner');
  if (!hasSameXattrs(host, draft, marks, { isPoor })) facets.push('xattrs');
  const isTouched = before.mtimeSec !== after.mtimeSec || before.mtimeNsec !== after.mtimeNsec;
  // Those of a directory say no more than that something in it is another.
  if (isTouched && facets.length === 0 && after.type !== S_IFDIR) facets.push('times');
  return facets;
}

const OWNER_ALL = 0o700;

function hasSameContent(host: Located, draft: Located): boolean {
  const { type } = draft.side;
  if (type === S_IFREG) return hasSameData(host, draft);
  if (type === S_IFLNK) return linkOf(host) === linkOf(draft);
  if (type === S_IFCHR || type === S_IFBLK)
    return host.side.rdevMajor === draft.side.rdevMajor && host.side.rdevMinor === draft.side.rdevMinor;
  return true;
}

/** Where a symlink leads. @throws FsError */
export function linkOf({ tree, path }: Pick<Located, 'tree' | 'path'>): Name {
  using place = tree.hold(path);
  const content = readlinkat(place.dirfd, place.name);
  if (typeof content === 'number') throw fsError(-content, 'readlink', tree.shown(path));
  return content;
}

function hasSameData(host: Located, draft: Located): boolean {
  if (host.side.sizeBytes !== draft.side.sizeBytes) return false;
  const one = openData(host);
  try {
    const other = openData(draft);
    try {
      return areSame(one, other, draft.side.sizeBytes);
    } finally {
      close(other);
    }
  } finally {
    close(one);
  }
}

/** A descriptor to read a regular file by; a fifo that has taken its place does not hold us up. @throws FsError */
function openData({ tree, path }: Pick<Located, 'tree' | 'path'>): number {
  return check(tree.open(path, O_RDONLY | O_NONBLOCK), 'open', tree.shown(path));
}

const left = Buffer.allocUnsafeSlow(CHUNK_BYTES);
const right = Buffer.allocUnsafeSlow(CHUNK_BYTES);

function areSame(one: number, other: number, sizeBytes: number): boolean {
  for (let at = 0; at < sizeBytes; ) {
    const length = check(preadPrefix(one, left, CHUNK_BYTES, at), 'read');
    if (length === 0) return false;
    let got = 0;
    while (got < length) {
      const more = check(preadPrefix(other, right.subarray(got), length - got, at + got), 'read');
      if (more === 0) return false;
      got += more;
    }
    if (left.compare(right, 0, length, 0, length) !== 0) return false;
    at += length;
  }
  return true;
}

function hasSameXattrs(
  host: Located,
  draft: Located,
  marks: PrivateXattrs,
  { isPoor }: { readonly isPoor: boolean },
): boolean {
  const [before, after] = [readXattrsOf(host), readXattrsOf(draft, marks)];
  if (isPoor) for (const name of before.keys()) if (!name.startsWith('user.')) before.delete(name);
  if (isPoor) for (const name of after.keys()) if (!name.startsWith('user.')) after.delete(name);
  if (before.size !== after.size) return false;
  return [...after].every(([name, bytes]) => before.get(name)?.equals(bytes) === true);
}

/** @throws FsError */
export function readXattrsOf(
  { tree, path }: Pick<Located, 'tree' | 'path'>,
  marks?: PrivateXattrs,
): Map<Name, Buffer> {
  const fd = check(tree.open(path, O_PATH), 'open', tree.shown(path));
  try {
    return readXattrs(fd, marks);
  } finally {
    close(fd);
  }
}
