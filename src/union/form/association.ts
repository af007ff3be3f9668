/**
 * What an upper and its work directory were made for: the root of upper says of which topmost layer by `origin`, the
 * index of which upper by `upper`. Both hold the file handle of a directory, in the form of origin.ts.
 *
 * Linux: fs/overlayfs/super.c:ovl_get_indexdir() v6.18, which records both, and refuses what does not match, with
 * `index=on`.
 */

import { EEXIST } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import { XATTR_CREATE } from '../../linux/constants.js';
import { getxattrAt, setxattrAt } from '../../linux/files/xattr.js';
import type { Name } from '../../vfs/name.js';
import { fileSystemUuid, originRecord } from './origin.js';
import type { PrivateXattrs } from './overlay-xattrs.js';

/** `unknown`: nothing is recorded, or its file system has no handles. */
export type Association = 'unknown' | 'same' | 'other';

/** Offset of the flags in a record, and OVL_FH_FLAG_PATH_UPPER. */
const FLAGS_AT = 3;
const OF_UPPER = 4;

const recorded = Buffer.alloc(256);

/** Whether an upper was made over the layer that is its topmost now. @param fds of the two roots. */
export function layerOfUpper(
  fds: { readonly upper: number; readonly layer: number },
  xattrs: PrivateXattrs,
): Association {
  return compare(fds.upper, xattrs.origin, recordOf(fds.layer, 0));
}

/** Whether an index belongs to the upper. */
export function upperOfIndex(
  fds: { readonly index: number; readonly upper: number },
  xattrs: PrivateXattrs,
): Association {
  return compare(fds.index, xattrs.upper, recordOf(fds.upper, OF_UPPER));
}

/** The root of a layer. */
export interface RootOfLayer {
  readonly fd: number;
  readonly hasHandles: boolean;
}

/**
 * Records what is not recorded yet; of an index that belonged to another upper the new one: it is empty, the checks
 * before the mount saw to that.
 */
export function recordAssociations(
  parts: {
    readonly upper: RootOfLayer;
    readonly indexFd: number;
    readonly top: RootOfLayer | undefined;
  },
  xattrs: PrivateXattrs,
): void {
  const { upper, indexFd, top } = parts;
  const ofLayer = top?.hasHandles === true ? recordOf(top.fd, 0) : undefined;
  if (ofLayer !== undefined) {
    const done = setxattrAt(upper.fd, '', xattrs.origin, ofLayer, XATTR_CREATE);
    if (done !== -EEXIST) check(done, 'setxattr', xattrs.origin);
  }
  const ofUpper = upper.hasHandles ? recordOf(upper.fd, OF_UPPER) : undefined;
  if (ofUpper === undefined || compare(indexFd, xattrs.upper, ofUpper) === 'same') return;
  check(setxattrAt(indexFd, '', xattrs.upper, ofUpper, 0), 'setxattr', xattrs.upper);
}

function recordOf(fd: number, flags: number): Buffer | undefined {
  const record = originRecord(fd, '', fileSystemUuid(fd));
  if (record !== undefined) record[FLAGS_AT] = flags;
  return record;
}

function compare(fd: number, attribute: Name, expected: Buffer | undefined): Association {
  const length = getxattrAt(fd, '', attribute, recorded);
  if (expected === undefined || length <= 0) return 'unknown';
  return expected.equals(recorded.subarray(0, length)) ? 'same' : 'other';
}
