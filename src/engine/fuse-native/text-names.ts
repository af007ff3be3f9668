/**
 * Between names of bytes and the package's text: fuse-native 2.2.6 decodes paths as UTF-8 and puts U+FFFD for what is
 * not, so that different names become one.
 *
 * INVARIANT: a name that cannot pass unchanged is EILSEQ in either direction, never another name. A name that has
 * U+FFFD itself is refused with them, since the two cannot be told apart.
 */

import { EILSEQ } from '../../errno/errno.js';
import { fsError } from '../../errno/fs-error.js';
import { displayName, type Name, nameFromText } from '../../vfs/name.js';

const REPLACEMENT = '\ufffd';
/** What stands in text for a byte that is no UTF-8 (vfs/name.ts): half of a surrogate pair. */
const STRAY = /[\udc80-\udcff]/u;

/** @throws EILSEQ */
export function bytesOf(text: string, op: string): Name {
  if (text.includes(REPLACEMENT) || STRAY.test(text)) throw fsError(EILSEQ, op);
  return nameFromText(text);
}

/** @throws EILSEQ */
export function textOfName(name: Name, op: string): string {
  const text = displayName(name);
  if (text.includes(REPLACEMENT) || STRAY.test(text)) throw fsError(EILSEQ, op, name);
  return text;
}

/** The names of a path from the root of the mount. @throws EILSEQ */
export function pathNames(path: string, op: string): Name[] {
  return bytesOf(path, op)
    .split('/')
    .filter((name) => name !== '');
}
