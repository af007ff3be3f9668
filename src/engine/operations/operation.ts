/**
 * What an operation of the kernel's is to an engine: a row of the one table (operation-table.ts).
 *
 * A request is decoded into the records of its session, the file system is called, and what it gave is encoded into the
 * reply. Whatever else must know about an operation (where its request is served, what an answer that nobody gets would have
 * given) asks its row.
 */

import type { ReplyBuffer } from '../../fuse/messages/reply.js';
import type { RequestHeader, RequestView } from '../../fuse/messages/request.js';
import type { FileSystem } from '../../vfs/file-system.js';
import type { NodeId } from '../../vfs/node-id.js';
import type { Records } from './session-records.js';

/** A call returns it when the kernel wants no answer. */
export const NO_REPLY = 1;

/** What a row works on. */
export interface Exchange {
  readonly fs: FileSystem;
  readonly request: RequestView;
  readonly header: RequestHeader;
  readonly reply: ReplyBuffer;
  readonly records: Records;
  /** FUSE_SETXATTR_EXT was negotiated. */
  readonly setxattrExt: boolean;
}

/** Which nodes an operation is about; a name leads to a node that may be served elsewhere than its directory. */
type NodesNamed =
  /** That of the header. */
  | 'own'
  /** What a name in it leads to. */
  | 'name'
  /** None that storage would have to be asked about. */
  | 'none'
  /** Two, of the request as it was decoded. */
  | ((x: Exchange) => readonly [NodeId, NodeId]);

/** What the kernel has once it got the answer, and what must be taken back where it does not get it. */
type Gives =
  | 'nothing'
  /** A reference of `records.entry`. */
  | 'node'
  /** The same, where the name exists. */
  | 'node or none'
  /** A handle of the node of the header. */
  | 'handle'
  /** A reference and a handle. */
  | 'node and handle'
  /** A reference with each entry of the reply. */
  | 'nodes';

export interface Operation {
  readonly opcode: number;
  readonly nodes: NodesNamed;
  readonly gives: Gives;
  /** Reads the body into `records`. @throws FsError when it is malformed. */
  readonly decode: (x: Exchange) => void;
  /** Calls the file system. @returns 0, a negated errno, or NO_REPLY. @throws what the file system throws. */
  readonly call: (x: Exchange) => number;
  /** Puts what the call gave into the reply. */
  readonly encode: (x: Exchange) => void;
}

export const nothing = (): void => undefined;

/** One request. @returns as `call`. */
export function performOperation(operation: Operation, x: Exchange): number {
  operation.decode(x);
  const result = operation.call(x);
  if (result === 0) operation.encode(x);
  return result;
}
