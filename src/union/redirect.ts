/**
 * Redirects: a directory (or metacopy file) that was renamed says where its lower parts lie.
 *
 * Value: a single name, in the same parent; or an absolute path from the roots of the lower layers. Linux:
 * fs/overlayfs/namei.c:ovl_check_redirect(), dir.c:ovl_set_redirect() v6.18. Layers may carry redirects themselves, so
 * each layer can change the path for those below it.
 */

import { EIO, EXDEV } from '../errno/errno.js';
import { check, fsError } from '../errno/fs-error.js';
import { S_IFDIR, S_IFMT } from '../linux/constants.js';
import { setxattrAt } from '../linux/xattr.js';
import type { Name } from '../vfs/name.js';
import { MARK_OPAQUE, MARK_REDIRECT } from './format.js';
import { hasOpaqueFile } from './fuse-overlayfs-form.js';
import { type Layer, RealDirectory } from './layer.js';
import { readMark, readMarks } from './marks.js';
import type { UnionNode } from './node.js';
import type { UnionState } from './union-state.js';
import { ABSENT, look, WHITEOUT } from './whiteout.js';

/** The kernel's limit: OVL_REDIRECT_MAX. */
const REDIRECT_MAX = 256;

/** Where the next layer below is to be searched: `name` in the parent's directory there, or `path` from its root. */
export class Trail {
  name: Name;
  path: Name[] | undefined;
  /** Nothing below the layer now searched is to be looked at. */
  last = false;

  constructor(name: Name) {
    this.name = name;
  }

  /** @throws EIO for a value that is no redirect. */
  follow(redirect: Name): void {
    if (redirect.startsWith('/')) {
      this.path = redirect.slice(1).split('/');
      if (this.path.some((part) => part === '' || part === '.' || part === '..')) {
        throw fsError(EIO, 'redirect', redirect);
      }
      // It leads out of what an opaque directory on the way hides. Linux: fs/overlayfs/namei.c:ovl_check_redirect().
      this.last = false;
    } else {
      if (redirect === '' || redirect === '.' || redirect === '..' || redirect.includes('/')) {
        throw fsError(EIO, 'redirect', redirect);
      }
      if (this.path === undefined) this.name = redirect;
      else this.path[this.path.length - 1] = redirect;
    }
  }
}

/** What a layer has at the end of a path. */
export type Step = { readonly parent: RealDirectory; readonly name: Name } | 'stop' | undefined;

/**
 * Walks all but the last name of an absolute trail in one layer, and changes the trail by redirects on the way.
 * @returns where to look for the last name; undefined when this layer lacks the path, 'stop' when it hides those below.
 */
export function walkTrail(state: UnionState, layer: Layer, trail: Trail): Step {
  const names = trail.path!;
  let dir = layer.root;
  for (let i = 0; i < names.length - 1; i++) {
    const name = names[i]!;
    const finding = look(state, dir, name, state.other);
    if (finding === ABSENT) return undefined;
    if (finding === WHITEOUT || (state.other.mode & S_IFMT) !== S_IFDIR) return 'stop';
    const marks = readMarks(state, state.descriptor(dir), name);
    if ((marks & MARK_REDIRECT) !== 0) {
      const head = new Trail(name);
      head.path = names.slice(0, i + 1);
      head.last = trail.last;
      head.follow(readMark(state.descriptor(dir), name, state.xattrs.redirect));
      trail.path = [...head.path, ...names.slice(i + 1)];
      trail.last = head.last;
    }
    dir = new RealDirectory(layer, dir, name);
    if ((marks & MARK_OPAQUE) !== 0 || hasOpaqueFile(state, dir)) trail.last = true;
  }
  return { parent: dir, name: names[names.length - 1]! };
}

/** Where layer `index` has what the trail leads to. */
export function nextStep(
  state: UnionState,
  parents: readonly RealDirectory[],
  index: number,
  trail: Trail,
): Step {
  if (trail.path !== undefined) return walkTrail(state, state.layers[index]!, trail);
  const parent = parents.find((dir) => dir.layer.index === index);
  return parent === undefined ? undefined : { parent, name: trail.name };
}

/** The path under which the lower layers know the node: where it lies, with the redirects of its parents. */
function lowerPath(node: UnionNode): Name {
  if (node.parent === undefined) return '';
  const own = node.redirect;
  if (own?.startsWith('/') === true) return own;
  return `${lowerPath(node.parent)}/${own ?? node.name}`;
}

/** @returns undefined when the node has the redirect that it needs. */
function nextRedirect(node: UnionNode, inSameParent: boolean): Name | undefined {
  // A file of the index is reached from other directories too. Linux: fs/overlayfs/dir.c:ovl_need_absolute_redirect().
  const sameParent = inSameParent && node.indexName === undefined;
  if (node.redirect?.startsWith('/') === true || (sameParent && node.redirect !== undefined))
    return undefined;
  return sameParent ? node.name : lowerPath(node);
}

/** Whether a redirect that overlayfs takes can say where the lower parts of the node lie. */
export function canRedirect(node: UnionNode, sameParent: boolean): boolean {
  return (nextRedirect(node, sameParent)?.length ?? 0) <= REDIRECT_MAX;
}

/**
 * Before a rename or a further link: records where the lower parts of the node lie.
 * @param sameParent the name changes within its directory, so that a single name says enough.
 * @throws EXDEV when the path is longer than overlayfs takes, as there.
 */
export function setRedirect(state: UnionState, node: UnionNode, sameParent: boolean): void {
  const value = nextRedirect(node, sameParent);
  if (value === undefined) return;
  if (value.length > REDIRECT_MAX) throw fsError(EXDEV, 'rename', node.name);
  const fd = state.locate(node);
  check(
    setxattrAt(fd, state.locatedName, state.xattrs.redirect, Buffer.from(value, 'latin1'), 0),
    'setxattr',
    'redirect',
  );
  node.redirect = value;
}
