/**
 * Node ids: the upper 32 bits name the file system that owns the node, the lower 32 the node within it.
 *
 * An id is a number below 2^53, so 2^21 file systems fit. Id 0 is no node; id 1 (file system 0, node 1) is the root of
 * the mount, as FUSE has it.
 */

export type NodeId = number & { readonly __nodeId: unique symbol };

const LOCAL = 2 ** 32;

/** The root of any one file system, before `nodeId()` puts the owner in front. */
export const ROOT_NODE = 1 as NodeId;
export const NO_NODE = 0 as NodeId;

export function nodeId(owner: number, local: number): NodeId {
  return (owner * LOCAL + local) as NodeId;
}

/** Which file system owns the node. */
export function nodeOwner(id: NodeId): number {
  return Math.floor(id / LOCAL);
}

/** The node's number within its file system. */
export function nodeLocal(id: NodeId): NodeId {
  return (id >>> 0) as NodeId;
}
