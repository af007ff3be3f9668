/**
 * What travels between a command's supervisor and who is attached to it: frames of a kind, a length and a payload.
 *
 *   u8 kind, u32 big-endian length, payload: bytes of a stream, or JSON
 *
 * The first frame of a connection is an order or a request to attach; what follows depends on the kind alone.
 */

/** The number of a frame, by what it carries. */
export const FRAME = {
  /** To the supervisor, first: what it shall run (SuperviseRequest). */
  request: 0,
  /** To the supervisor, first on its socket: AttachRequest. */
  attach: 1,
  /** To the command. */
  input: 2,
  /** To the command, no more of it. */
  inputEnd: 3,
  /** To its terminal: TerminalSize. */
  resize: 4,
  /** To the supervisor: nobody reads the command's output any more. */
  outputClosed: 5,
  /** To the supervisor, before its order: that will be a container's own command. */
  prepare: 6,
  /** From the command. */
  stdout: 10,
  stderr: 11,
  /** From the supervisor: the command runs (StartedNotice). */
  started: 12,
  /** All is over, and recorded (EndedNotice). */
  ended: 13,
  /** It could not be run (FailedNotice). */
  failed: 14,
  /** From the supervisor, first on a connection for an order: it takes one. */
  welcome: 15,
} as const;

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

export interface AttachRequest {
  /** Which of the command's streams are of interest. */
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly size?: TerminalSize | undefined;
}

export interface EndedNotice {
  readonly status: number;
}

export interface FailedNotice {
  readonly status: 125 | 126 | 127;
  readonly message: string;
}

const HEADER_BYTES = 5;
/** Longer ones are no frames of ours; streams are cut into pieces of 64 KiB at most by their reader. */
const PAYLOAD_LIMIT = 4 * 1024 * 1024;

export function encodeFrame(kind: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  frame[0] = kind;
  frame.writeUInt32BE(payload.length, 1);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

export function encodeJson(kind: number, value: object): Buffer {
  return encodeFrame(kind, Buffer.from(JSON.stringify(value)));
}

export interface Frame {
  readonly kind: number;
  readonly payload: Buffer;
}

export class FrameReader {
  #pending: Buffer = Buffer.alloc(0);

  /** The frames that are complete now. @throws Error for what cannot be one. */
  push(chunk: Buffer): Frame[] {
    const bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const frames: Frame[] = [];
    let at = 0;
    while (bytes.length - at >= HEADER_BYTES) {
      const length = bytes.readUInt32BE(at + 1);
      if (length > PAYLOAD_LIMIT) throw new Error(`a frame of ${length} bytes is too long`);
      const end = at + HEADER_BYTES + length;
      if (end > bytes.length) break;
      frames.push({ kind: bytes[at]!, payload: bytes.subarray(at + HEADER_BYTES, end) });
      at = end;
    }
    this.#pending = bytes.subarray(at);
    return frames;
  }
}

export function decodeJson<T>({ payload }: Frame): T {
  return JSON.parse(payload.toString('utf8')) as T;
}
