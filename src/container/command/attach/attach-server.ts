/**
 * The supervisor's side of who is attached to a command: the one that started it, over a descriptor, and later ones
 * over `containers/ID/attach.sock`.
 */

import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import type { Duplex } from 'node:stream';
import type { CommandStreams } from './command-streams.js';
import {
  type AttachRequest,
  decodeJson,
  encodeJson,
  type FailedNotice,
  FRAME,
  type Frame,
  FrameReader,
  type TerminalSize,
} from './frames.js';

export const SOCKET_NAME = 'attach.sock';

export class AttachServer {
  readonly #streams: CommandStreams;
  readonly #connections = new Set<Duplex>();
  #pid: number | undefined;
  #server: Server | undefined;
  #homeFd: number | undefined;

  constructor(streams: CommandStreams) {
    this.#streams = streams;
  }

  /** @param wants absent: only how it begins and ends is of interest. */
  add(socket: Duplex, reader: FrameReader, wants: AttachRequest | undefined): void {
    this.#connections.add(socket);
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('error', () => socket.destroy());
    if (wants !== undefined) this.#streams.attach(socket, wants);
    if (this.#pid !== undefined) socket.write(encodeJson(FRAME.started, { pid: this.#pid }));
    socket.on('data', (chunk: Buffer) => {
      for (const frame of framesOf(reader, chunk, socket)) this.#receive(socket, frame, wants);
    });
  }

  /** Resolves when others can attach. Only a user who may write to the container's directory can. */
  async listen(home: string): Promise<void> {
    // A socket's path has 107 bytes at most, which those of a store may exceed.
    this.#homeFd = openSync(home, constants.O_RDONLY | constants.O_DIRECTORY);
    const path = `/proc/self/fd/${this.#homeFd}/${SOCKET_NAME}`;
    rmSync(path, { force: true });
    const server = createServer((socket) => this.#welcome(socket));
    this.#server = server;
    const umask = process.umask(0o177);
    const listening = new Promise<void>((resolve, reject) =>
      server.once('error', reject).listen(path, resolve),
    );
    process.umask(umask);
    await listening;
  }

  started(pid: number): void {
    this.#pid = pid;
    for (const socket of this.#connections) socket.write(encodeJson(FRAME.started, { pid }));
  }

  /** Tells all how it ended, and lets them go. */
  async end(status: number): Promise<void> {
    await this.#sayGoodbye(encodeJson(FRAME.ended, { status }));
  }

  async fail(notice: FailedNotice): Promise<void> {
    await this.#sayGoodbye(encodeJson(FRAME.failed, notice));
  }

  async #sayGoodbye(frame: Buffer): Promise<void> {
    this.#server?.close();
    if (this.#homeFd !== undefined) closeSync(this.#homeFd);
    this.#homeFd = undefined;
    const goodbyes = [...this.#connections].map(
      (socket) =>
        // However long: it may be a pager that still shows what was printed before.
        new Promise<void>((resolve) => socket.on('close', () => resolve()).end(frame)),
    );
    await Promise.all(goodbyes);
  }

  #welcome(socket: Duplex): void {
    const reader = new FrameReader();
    socket.on('error', () => socket.destroy());
    socket.once('data', (chunk: Buffer) => {
      const [first, ...more] = framesOf(reader, chunk, socket);
      if (first?.kind !== FRAME.attach) {
        socket.destroy();
        return;
      }
      const wants = decodeJson<AttachRequest>(first);
      this.add(socket, reader, wants);
      for (const frame of more) this.#receive(socket, frame, wants);
    });
  }

  #receive(socket: Duplex, frame: Frame, wants: AttachRequest | undefined): void {
    if (frame.kind === FRAME.resize) this.#streams.resize(decodeJson<TerminalSize>(frame));
    if (wants === undefined) return;
    if (frame.kind === FRAME.outputClosed) this.#streams.closeOutput();
    if (!wants.stdin) return;
    if (frame.kind === FRAME.inputEnd) this.#streams.endInput();
    if (frame.kind === FRAME.input && !this.#streams.input(frame.payload)) {
      socket.pause();
      this.#streams.onceInputDrains(() => socket.resume());
    }
  }
}

function framesOf(reader: FrameReader, chunk: Buffer, socket: Duplex): Frame[] {
  try {
    return reader.push(chunk);
  } catch (error) {
    socket.destroy(error as Error);
    return [];
  }
}
