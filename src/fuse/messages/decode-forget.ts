/**
 * FORGET and BATCH_FORGET: the kernel gives references back. Neither is answered.
 */

import type { NodeId } from '../../vfs/node-id.js';
import { SIZEOF_BATCH_FORGET_IN, SIZEOF_FORGET_IN, SIZEOF_FORGET_ONE } from '../abi/abi.js';
import { readNode, readU64 } from '../abi/integers.js';
import { BODY, malformed, needBody, type RequestView } from './request.js';

export class ForgetIn {
  nlookup = 0;
}

export function decodeForget(request: RequestView, out: ForgetIn): void {
  needBody(request, SIZEOF_FORGET_IN);
  out.nlookup = readU64(request.view, BODY);
}

/** Calls `visit` for each node; only after all of them were found to lie inside the request. */
export function decodeBatchForget(
  request: RequestView,
  visit: (node: NodeId, nlookup: number) => void,
): void {
  needBody(request, SIZEOF_BATCH_FORGET_IN);
  const { view } = request;
  const start = BODY + SIZEOF_BATCH_FORGET_IN;
  const end = start + view.getUint32(BODY, true) * SIZEOF_FORGET_ONE;
  if (end > request.end) throw malformed(request);
  for (let at = start; at < end; at += SIZEOF_FORGET_ONE) visit(readNode(view, at), readU64(view, at + 8));
}
