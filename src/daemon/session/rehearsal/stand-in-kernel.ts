/**
 * What a session that is rehearsed has in place of /dev/fuse: a pair of sockets that keep the limits of messages as the device does. The
 * same thread writes a request at one end, has the session serve it, and reads the answer (fuse_in_header and its bodies, protocol 7.45).
 *
 * INVARIANT: what is asked here names no node that an answer of this session did not give.
 */

import { EAGAIN } from '../../../errno/errno.js';
import { fsError } from '../../../errno/fs-error.js';
import { SIZEOF_ENTRY_OUT } from '../../../fuse/abi/abi.js';
import { FUSE_INIT_EXT, FUSE_PASSTHROUGH_2, FUSE_SETXATTR_EXT } from '../../../fuse/abi/abi-flags.js';
import { FUSE_FORGET, FUSE_INIT } from '../../../fuse/abi/abi-opcodes.js';
import { readNode, readU64, writeU64 } from '../../../fuse/abi/integers.js';
import { REPLY_BODY } from '../../../fuse/messages/reply.js';
import { BODY } from '../../../fuse/messages/request.js';
import { read, writePrefix } from '../../../linux/files/data.js';
import { close } from '../../../linux/files/open.js';
import { SOCK_NONBLOCK, SOCK_SEQPACKET, socketpair } from '../../../linux/io/socket-message.js';
import type { Name } from '../../../vfs/name.js';
import type { NodeId } from '../../../vfs/node-id.js';

/** What serves the requests. */
interface Serving {
  serveSome(most: number): unknown;
  /** Takes up what has waited for nothing but its turn. */
  collect(): void;
}

const MOST_REQUEST_BYTES = 1024;
const MOST_ANSWER_BYTES = 8192;
/** Work in slices takes more than one on a busy machine. */
const MOST_TURNS = 100;
const PROTOCOL = [7, 45];

export class StandInKernel {
  /** The end that the session reads from and writes to. */
  readonly fuseFd: number;
  readonly #ownFd: number;
  readonly #request = Buffer.alloc(MOST_REQUEST_BYTES);
  readonly #requestView = new DataView(this.#request.buffer, this.#request.byteOffset);
  readonly #answer = Buffer.alloc(MOST_ANSWER_BYTES);
  readonly #answerView = new DataView(this.#answer.buffer, this.#answer.byteOffset);
  #lastUnique = 0;

  /** @throws FsError */
  constructor() {
    const pair = socketpair(SOCK_SEQPACKET | SOCK_NONBLOCK);
    if (typeof pair === 'number') throw fsError(-pair, 'socketpair');
    [this.fuseFd, this.#ownFd] = pair;
  }

  /** Offers what a kernel has that knows passthrough. @returns 0 or a negated errno. */
  init(session: Serving): number {
    return this.ask(session, FUSE_INIT, 0 as NodeId, [
      ...PROTOCOL,
      0,
      FUSE_INIT_EXT | FUSE_SETXATTR_EXT,
      FUSE_PASSTHROUGH_2,
      ...new Array<number>(11).fill(0),
    ]);
  }

  /**
   * Has a request served: its body is `words`, of 32 bits each, and `names` behind them.
   * @returns 0 or a negated errno.
   */
  ask(session: Serving, opcode: number, node: NodeId, words: readonly number[], ...names: Name[]): number {
    const unique = ++this.#lastUnique;
    writePrefix(this.#ownFd, this.#request, this.#encode(opcode, node, words, names));
    session.serveSome(1);
    return opcode === FUSE_FORGET ? 0 : this.#awaitAnswer(session, unique);
  }

  /** The node of the last answer, an entry. */
  get node(): NodeId {
    return readNode(this.#answerView, REPLY_BODY);
  }

  /** The handle in the last answer, to a CREATE: an entry with what is open behind it. */
  get createdHandle(): number {
    return readU64(this.#answerView, REPLY_BODY + SIZEOF_ENTRY_OUT);
  }

  /** The handle in the last answer, to an OPEN. */
  get openedHandle(): number {
    return readU64(this.#answerView, REPLY_BODY);
  }

  close(): void {
    close(this.fuseFd);
    close(this.#ownFd);
  }

  #encode(opcode: number, node: NodeId, words: readonly number[], names: readonly Name[]): number {
    const view = this.#requestView;
    let at = BODY;
    for (const word of words) {
      view.setUint32(at, word, true);
      at += 4;
    }
    for (const name of names) {
      at += this.#request.write(name, at, 'latin1');
      this.#request[at++] = 0;
    }
    view.setUint32(0, at, true);
    view.setUint32(4, opcode, true);
    writeU64(view, 8, this.#lastUnique);
    writeU64(view, 16, node);
    view.setUint32(24, process.geteuid?.() ?? 0, true);
    view.setUint32(28, process.getegid?.() ?? 0, true);
    view.setUint32(32, process.pid, true);
    view.setUint32(36, 0, true);
    return at;
  }

  /** Notifications come between. @throws FsError when there is no answer: the request waits for a helper thread. */
  #awaitAnswer(session: Serving, unique: number): number {
    for (let turns = 0; ; ) {
      const length = read(this.#ownFd, this.#answer);
      if (length === -EAGAIN && turns++ < MOST_TURNS) session.collect();
      else if (length < 0) throw fsError(-length, 'read');
      else if (readU64(this.#answerView, 8) === unique) return this.#answerView.getInt32(4, true);
    }
  }
}
