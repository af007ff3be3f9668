/**
 * The client's end of an attachment of a program, which has no terminal: input that it has, output that it takes. Our own standard
 * input and output are left alone (follow-command.ts is for those).
 */

import type { Duplex } from 'node:stream';
import type { Outcome } from './follow-command.js';
import {
  decodeJson,
  type EndedNotice,
  encodeFrame,
  type FailedNotice,
  FRAME,
  FrameReader,
} from './frames.js';

export interface CapturedStreams {
  /** All of its input; undefined: it has none. */
  readonly input: Uint8Array | undefined;
  readonly onStdout: (bytes: Buffer) => void;
  readonly onStderr: (bytes: Buffer) => void;
}

/** Frames hold no more. */
const PIECE_BYTES = 64 * 1024;

const LOST: Outcome = {
  kind: 'failed',
  status: 125,
  message: 'the process that waits for the command is gone',
};

/**
 * Resolves when the command has ended, or could not be run. PRECONDITION: the order is sent, or is sent in this very tick.
 * @throws what `onStdout` and `onStderr` throw; the command goes on.
 */
export async function captureCommand(channel: Duplex, streams: CapturedStreams): Promise<Outcome> {
  const reader = new FrameReader();
  try {
    if (channel.destroyed) return LOST;
    return await new Promise<Outcome>((resolve, reject) => {
      const receive = (chunk: Buffer): void => {
        for (const frame of reader.push(chunk)) {
          if (frame.kind === FRAME.stdout) streams.onStdout(frame.payload);
          else if (frame.kind === FRAME.stderr) streams.onStderr(frame.payload);
          else if (frame.kind === FRAME.started) sendInput(channel, streams.input);
          else if (frame.kind === FRAME.ended) resolve({ kind: 'ended', ...decodeJson<EndedNotice>(frame) });
          else if (frame.kind === FRAME.failed)
            resolve({ kind: 'failed', ...decodeJson<FailedNotice>(frame) });
        }
      };
      channel.on('error', () => resolve(LOST)).on('close', () => resolve(LOST));
      channel.on('data', (chunk: Buffer) => {
        try {
          receive(chunk);
        } catch (error) {
          reject(error as Error);
        }
      });
    });
  } finally {
    channel.destroy();
  }
}

function sendInput(channel: Duplex, input: Uint8Array | undefined): void {
  if (input === undefined) return;
  for (let start = 0; start < input.length; start += PIECE_BYTES)
    channel.write(encodeFrame(FRAME.input, input.subarray(start, start + PIECE_BYTES)));
  channel.write(encodeFrame(FRAME.inputEnd));
}
