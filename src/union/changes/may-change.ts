/** chattr +i and +a: what may not be changed, or be added to alone. */

import { EPERM } from '../../errno/errno.js';
import { fsError } from '../../errno/fs-error.js';
import type { AttrChange } from '../../vfs/file-system.js';
import { APPEND_ONLY, IMMUTABLE } from '../form/protattr.js';
import type { UnionNode } from '../nodes/node.js';
import { protectionOf } from '../nodes/protection.js';
import type { UnionState } from '../nodes/union-state.js';

const EITHER = IMMUTABLE | APPEND_ONLY;

/** @throws EPERM where a directory takes no new names. */
export function assertMayCreate(state: UnionState, directory: UnionNode, op: string): void {
  assertNotImmutable(state, directory, op);
}

/** @throws EPERM where a descriptor that was opened before takes no more data. Linux: fs/read_write.c:generic_copy_file_checks(). */
export function assertNotImmutable(state: UnionState, node: UnionNode, op: string): void {
  if ((protectionOf(state, node) & IMMUTABLE) !== 0) throw fsError(EPERM, op, node.name);
}

/** @throws EPERM where a name may not leave its directory. Linux: fs/namei.c:may_delete(). */
export function assertMayDelete(
  state: UnionState,
  directory: UnionNode,
  node: UnionNode | undefined,
  op: string,
): void {
  if (node === undefined) {
    assertMayCreate(state, directory, op);
    return;
  }
  if (((protectionOf(state, directory) | protectionOf(state, node)) & EITHER) !== 0)
    throw fsError(EPERM, op, node.name);
}

/** @throws EPERM where attributes and links may not be changed. */
export function assertMayChange(state: UnionState, node: UnionNode, op: string): void {
  if ((protectionOf(state, node) & EITHER) !== 0) throw fsError(EPERM, op, node.name);
}

/** @throws EPERM; setting both times to now is allowed on what can be appended to. Linux: fs/attr.c:may_setattr(). */
export function assertMaySet(state: UnionState, node: UnionNode, change: AttrChange): void {
  const isTouch =
    change.atimeSec === 'now' &&
    change.mtimeSec === 'now' &&
    change.sizeBytes === undefined &&
    change.mode === undefined &&
    change.uid === undefined &&
    change.gid === undefined;
  const forbidding = isTouch ? IMMUTABLE : EITHER;
  if ((protectionOf(state, node) & forbidding) !== 0) throw fsError(EPERM, 'setattr', node.name);
}
