/** The redirect that an object of upper needs before it gets another name: see form/redirect.ts. */

import { EXDEV } from '../../errno/errno.js';
import { check, fsError } from '../../errno/fs-error.js';
import { setxattrAt } from '../../linux/files/xattr.js';
import { Place } from '../../realfs/real-object.js';
import type { Name } from '../../vfs/name.js';
import { REDIRECT_MAX } from '../form/redirect.js';
import type { UnionNode } from './node.js';
import type { UnionState } from './union-state.js';

const at = new Place();

/** The path under which the lower layers know the node: where it lies, with the redirects of its parents. */
function lowerPath(node: UnionNode): Name {
  if (node.parent === undefined) return '';
  const own = node.redirect;
  if (own?.startsWith('/') === true) return own;
  return `${lowerPath(node.parent)}/${own ?? node.name}`;
}

/** @returns undefined when the node has the redirect that it needs. */
function nextRedirect(
  node: UnionNode,
  { inSameParent }: { readonly inSameParent: boolean },
): Name | undefined {
  // A file of the index is reached from other directories too. Linux: fs/overlayfs/dir.c:ovl_need_absolute_redirect().
  const sameParent = inSameParent && node.indexName === undefined;
  if (node.redirect?.startsWith('/') === true || (sameParent && node.redirect !== undefined))
    return undefined;
  return sameParent ? node.name : lowerPath(node);
}

/** Whether a redirect that overlayfs takes can say where the lower parts of the node lie. */
export function canRedirect(node: UnionNode, { sameParent }: { readonly sameParent: boolean }): boolean {
  return (nextRedirect(node, { inSameParent: sameParent })?.length ?? 0) <= REDIRECT_MAX;
}

/**
 * Before a rename or a further link: records where the lower parts of the node lie.
 * @param sameParent the name changes within its directory, so that a single name says enough.
 * @throws EXDEV when the path is longer than overlayfs takes, as there.
 */
export function setRedirect(
  state: UnionState,
  node: UnionNode,
  { sameParent }: { readonly sameParent: boolean },
): void {
  const value = nextRedirect(node, { inSameParent: sameParent });
  if (value === undefined) return;
  if (value.length > REDIRECT_MAX) throw fsError(EXDEV, 'rename', node.name);
  state.objects.locate(node, at);
  check(
    setxattrAt(at.dirfd, at.name, state.stack.xattrs.redirect, Buffer.from(value, 'latin1'), 0),
    'setxattr',
    'redirect',
  );
  node.redirect = value;
}
