/**
 * The request that a session is at, and the last answer that it gave to one that changes something, in memory that outlives the
 * process: who takes the session over is sent both again, when the kernel did not get the answer.
 *
 * Layout, u32 words: 0 the form, 1 how often a process died at the same request, 2 and 3 its unique (without the bit of a resend), 4 its
 * opcode, 5 the bytes of it that are kept, 6 and 7 the unique of the answer, 8 its length, 9 the length of the features, 10 and 11 the
 * node that it is about, as f64. Then the request at 64, the answer at 4096, the features that were negotiated and who has written it, as JSON, at 5120. At 6144 three places for
 * requests at which processes before have died and that have not come again yet: a process that is killed too may have begun others
 * by then. Of each the words 1 to 5, the length of the answer and the node, then request and answer, from the 32nd byte on.
 *
 * INVARIANT: a length is 0 while what it is the length of is being written.
 */

import { FUSE_UNIQUE_RESEND_HIGH } from '../../fuse/abi/abi-flags.js';
import { FUSE_LINK, FUSE_RENAME, FUSE_RENAME2 } from '../../fuse/abi/abi-opcodes.js';
import type { ReplyBuffer } from '../../fuse/messages/reply.js';
import type { RequestHeader, RequestView } from '../../fuse/messages/request.js';
import type { Negotiated } from '../../fuse/negotiate.js';
import { isRepeatable } from '../operations/repeat-operation.js';

export const REQUEST_RECORD_BYTES = 8192;
/**
 * The form of all that is kept, nodes included: another number, another form. 1 had no file systems over the union, 2 no packed
 * nodes, 3 no records that tell all.
 */
export const STATE_FORM = 0x706c7904;
const OLDEST_FORM = 0x706c7901;
const REQUEST_AT = 64;
const REPLY_AT = 4096;
const FEATURES_AT = 5120;
const CARRIED_AT = 6144;
const CARRIED_BYTES = 680;
const CARRIED_HEAD = 32;
const NODE_WORD = 10;
const CARRIED_NODE_WORD = 6;
const MOST_CARRIED = 3;

/** What another process was at when it died. */
export interface InterruptedRequest {
  readonly uniqueLow: number;
  readonly uniqueHigh: number;
  readonly opcode: number;
  /** Which it is about: the directory of names. */
  readonly node: number;
  /** The whole request of a rename and a link. */
  readonly bytes: Buffer;
  /** Undefined when it had not come so far. */
  readonly reply: Buffer | undefined;
  /** How often a process has died at it. */
  readonly deaths: number;
}

/** What a process that died has left of its session. */
export interface LeftSession {
  readonly features: Negotiated;
  /** By the last process first. */
  readonly interrupted: readonly InterruptedRequest[];
  /** Whether both have changed places, in the last rename that exchanges. */
  readonly wasExchanged: boolean;
}

export class RequestRecord {
  readonly #bytes: Buffer;
  readonly #words: Uint32Array;
  readonly #doubles: Float64Array;
  /** Requests of processes before that have not come again yet, by their places. */
  readonly #carried: (InterruptedRequest | undefined)[] = [];
  #awaited = 0;

  /** @param memory REQUEST_RECORD_BYTES, from a multiple of 8 on. */
  constructor(memory: Buffer) {
    this.#bytes = memory;
    this.#words = new Uint32Array(memory.buffer, memory.byteOffset, REQUEST_RECORD_BYTES / 4);
    this.#doubles = new Float64Array(memory.buffer, memory.byteOffset, REQUEST_RECORD_BYTES / 8);
  }

  /** Whether this version can read it: it was written by this one, or an older one. */
  get isKnown(): boolean {
    const form = this.#words[0]!;
    return form >= OLDEST_FORM && form <= STATE_FORM;
  }

  /**
   * @param by the version of plyfs that writes it, for one that cannot read it.
   * @param before what processes before were at, the last one first.
   */
  start(features: Negotiated, by: string, before: readonly InterruptedRequest[] = []): void {
    const words = this.#words;
    words[9] = this.#bytes.write(JSON.stringify({ features, by }), FEATURES_AT);
    for (const [place, one] of before.slice(0, MOST_CARRIED).entries()) this.#carry(place, one);
    words[0] = STATE_FORM;
  }

  #carry(place: number, one: InterruptedRequest): void {
    const { uniqueLow, uniqueHigh, opcode, node, bytes, reply = Buffer.alloc(0), deaths } = one;
    if (bytes.length + reply.length > CARRIED_BYTES - CARRIED_HEAD) return;
    const from = CARRIED_AT + place * CARRIED_BYTES;
    bytes.copy(this.#bytes, from + CARRIED_HEAD);
    reply.copy(this.#bytes, from + CARRIED_HEAD + bytes.length);
    this.#doubles[(from / 4 + CARRIED_NODE_WORD) / 2] = node;
    this.#words.set([deaths, uniqueLow, uniqueHigh, opcode, bytes.length, reply.length], from / 4);
    this.#carried[place] = one;
    this.#awaited++;
  }

  /** The request has come again, and is answered. */
  meet(header: RequestHeader): void {
    if (this.#awaited === 0) return;
    const place = this.#carried.findIndex((one) => one !== undefined && isSameRequest(header, one));
    if (place < 0) return;
    this.#carried[place] = undefined;
    this.#awaited--;
    this.#words[(CARRIED_AT + place * CARRIED_BYTES) / 4] = 0;
  }

  get features(): Negotiated {
    return this.#agreed.features;
  }

  /** The version of plyfs that has written it; undefined where it is not known. */
  get by(): string | undefined {
    try {
      return this.#agreed.by;
    } catch (error) {
      // Another form.
      if (error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  get #agreed(): { readonly features: Negotiated; readonly by?: string } {
    const agreed = JSON.parse(this.#bytes.toString('utf8', FEATURES_AT, FEATURES_AT + this.#words[9]!));
    return this.#words[0] === OLDEST_FORM ? { features: agreed } : agreed;
  }

  /** A request is going to be served. */
  begin(header: RequestHeader, request: RequestView): void {
    const words = this.#words;
    const { uniqueLow, opcode } = header;
    const uniqueHigh = (header.uniqueHigh & ~FUSE_UNIQUE_RESEND_HIGH) >>> 0;
    words[5] = 0;
    // The request is known as begun only with the deaths at it.
    words[2] = 0;
    words[3] = 0;
    words[1] = this.#awaited === 0 ? 0 : this.#deathsAt(header);
    words[4] = opcode;
    this.#doubles[NODE_WORD / 2] = header.nodeId;
    words[2] = uniqueLow;
    words[3] = uniqueHigh;
    if (opcode === FUSE_RENAME || opcode === FUSE_RENAME2 || opcode === FUSE_LINK) {
      const length = Math.min(request.end, REPLY_AT - REQUEST_AT);
      request.bytes.copy(this.#bytes, REQUEST_AT, 0, length);
      words[5] = length;
    }
  }

  #deathsAt(header: RequestHeader): number {
    return this.#carried.find((one) => one !== undefined && isSameRequest(header, one))?.deaths ?? 0;
  }

  /** It was served, and is going to be answered. A loop over words: `copy()` makes an object for the part. */
  answered(header: RequestHeader, { view }: ReplyBuffer, length: number): void {
    if (!isRepeatable(header.opcode) || length > FEATURES_AT - REPLY_AT) return;
    const words = this.#words;
    words[8] = 0;
    for (let at = 0; at < length; at += 4) words[(REPLY_AT + at) / 4] = view.getUint32(at, true);
    words[6] = header.uniqueLow;
    words[7] = (header.uniqueHigh & ~FUSE_UNIQUE_RESEND_HIGH) >>> 0;
    words[8] = length;
  }

  /** What the process that has written this was at when it died, and before that others whose requests have not come again. */
  interrupted(): InterruptedRequest[] {
    const last = this.#interruptedLast();
    const places = Array.from({ length: MOST_CARRIED }, (_, place) => this.#carriedAt(place));
    const others = places.filter((one) => one !== undefined);
    if (last.uniqueLow === 0 && last.uniqueHigh === 0) return others;
    const isOther = (one: InterruptedRequest): boolean =>
      one.uniqueLow !== last.uniqueLow || one.uniqueHigh !== last.uniqueHigh;
    return [last, ...others.filter(isOther)];
  }

  #carriedAt(place: number): InterruptedRequest | undefined {
    const at = CARRIED_AT + place * CARRIED_BYTES;
    const word = (index: number): number => this.#words[at / 4 + index]!;
    const [deaths, uniqueLow, uniqueHigh, opcode] = [word(0), word(1), word(2), word(3)];
    const [length, replyLength] = [word(4), word(5)];
    const node = this.#doubles[(at / 4 + CARRIED_NODE_WORD) / 2]!;
    if (deaths === 0) return undefined;
    const from = at + CARRIED_HEAD;
    const bytes = Buffer.from(this.#bytes.subarray(from, from + length));
    const reply = Buffer.from(this.#bytes.subarray(from + length, from + length + replyLength));
    return {
      uniqueLow,
      uniqueHigh,
      opcode,
      node,
      bytes,
      reply: replyLength === 0 ? undefined : reply,
      deaths,
    };
  }

  #interruptedLast(): InterruptedRequest {
    const words = this.#words;
    const [uniqueLow, uniqueHigh] = [words[2]!, words[3]!];
    const isAnswered = words[8] !== 0 && words[6] === uniqueLow && words[7] === uniqueHigh;
    const bytes = (at: number, length: number): Buffer => Buffer.from(this.#bytes.subarray(at, at + length));
    return {
      uniqueLow,
      uniqueHigh,
      opcode: words[4]!,
      node: this.#doubles[NODE_WORD / 2]!,
      bytes: bytes(REQUEST_AT, words[5]!),
      reply: isAnswered ? bytes(REPLY_AT, words[8]!) : undefined,
      deaths: words[1]! + 1,
    };
  }
}

/** Whether the request is the one that was interrupted. */
export function isSameRequest(header: RequestHeader, { uniqueLow, uniqueHigh }: InterruptedRequest): boolean {
  return (
    header.uniqueLow === uniqueLow && (header.uniqueHigh & ~FUSE_UNIQUE_RESEND_HIGH) >>> 0 === uniqueHigh
  );
}

/** The last rename whose outcome is not known. */
export function lastRename(interrupted: readonly InterruptedRequest[]): InterruptedRequest | undefined {
  return interrupted.find(
    ({ opcode, reply, bytes }) =>
      (opcode === FUSE_RENAME || opcode === FUSE_RENAME2) && reply === undefined && bytes.length > 0,
  );
}
