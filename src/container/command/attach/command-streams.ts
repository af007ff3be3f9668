/**
 * Standard input, output and error of a command, on the side of its supervisor: pipes or a terminal, whose output goes
 * to the log and to all who are attached.
 *
 * A client that reads slowly slows the command down, as a pipe does; one that goes away does not stop it.
 */

import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { close } from '../../../linux/files/open.js';
import type { SignalName } from '../../record/signal.js';
import { Terminal, takeMaster } from '../master-terminal.js';
import { makePipe } from '../pipe-ends.js';
import type { StartOptions } from '../start-process.js';
import { type AttachRequest, encodeFrame, FRAME, type TerminalSize } from './frames.js';
import type { LogFile, OutputStream } from './log-file.js';

interface StreamOptions {
  readonly tty: boolean;
  /** `-i`: there is an input; otherwise it is empty. */
  readonly hasInput: boolean;
  /** The input ends when the first client that is attached to it goes away, as with Docker's StdinOnce. */
  readonly endsWithClient: boolean;
  readonly log: LogFile | undefined;
  /** A key of the terminal stands for it, and the kernel would drop it. */
  readonly onLostSignal?: (signal: SignalName) => void;
}

interface Client {
  readonly socket: Duplex;
  readonly wants: AttachRequest;
}

/** So much is read before anything else is looked at, such as clients that come and go. */
const BURST_BYTES = 256 * 1024;

export class CommandStreams implements Disposable {
  readonly areOwn = true;
  readonly #options: StreamOptions;
  readonly #clients = new Set<Client>();
  readonly #outputs = new Map<OutputStream, Socket>();
  /** Ours until the command has them. */
  readonly #childFds: number[] = [];
  readonly #waitingFor = new Set<Client>();
  #input: Socket | undefined;
  #terminal: Terminal | undefined;
  #size: TerminalSize | undefined;
  #isOver = false;
  /** Printed since anything else was looked at. */
  #unseenBytes = 0;

  constructor(options: StreamOptions) {
    this.#options = options;
  }

  /** For runProcess(). */
  stdio(): Pick<StartOptions, 'stdio' | 'onTerminal'> {
    return this.#options.tty ? this.#terminalStdio() : this.#pipeStdio();
  }

  #terminalStdio(): Pick<StartOptions, 'stdio' | 'onTerminal'> {
    return {
      stdio: ['ignore', 'ignore', 'ignore'],
      onTerminal: (pid, masterFd) => this.#takeTerminal(pid, masterFd),
    };
  }

  #pipeStdio(): Pick<StartOptions, 'stdio'> {
    return {
      stdio: [
        this.#options.hasInput ? this.#makeInput() : 'ignore',
        this.#makeOutput('stdout'),
        this.#makeOutput('stderr'),
      ],
    };
  }

  /** The command has its ends of the pipes. */
  handedOver(): void {
    for (const fd of this.#childFds.splice(0)) close(fd);
  }

  attach(socket: Duplex, wants: AttachRequest): void {
    const client: Client = { socket, wants };
    this.#clients.add(client);
    if (wants.size !== undefined) this.#repaint(wants.size);
    const leave = () => this.#leave(client);
    socket.on('close', leave).on('error', leave);
    socket.on('drain', () => this.#goOn(client));
  }

  /** Has the command paint its prompt or screen anew for a client that comes back with a terminal of the same size, as with Docker. */
  #repaint(size: TerminalSize): void {
    this.#terminal?.resize({ rows: Math.max(1, size.rows - 1), columns: Math.max(1, size.columns - 1) });
    this.resize(size);
  }

  input(bytes: Buffer): boolean {
    const lost = this.#terminal?.lostSignal(bytes);
    const isTaken = (this.#terminal?.stream ?? this.#input)?.write(bytes) ?? true;
    if (lost !== undefined) this.#options.onLostSignal?.(lost);
    return isTaken;
  }

  /** Calls back when more input is taken. */
  onceInputDrains(callback: () => void): void {
    (this.#terminal?.stream ?? this.#input)?.once('drain', callback);
  }

  /** A client has no more of it. */
  endInput(): void {
    if (this.#options.endsWithClient) this.#input?.end();
  }

  resize(size: TerminalSize): void {
    this.#size = size;
    this.#terminal?.resize(size);
  }

  /** Nobody reads what it prints: its next write fails, as that into any broken pipe. */
  closeOutput(): void {
    for (const socket of this.#outputs.values()) socket.destroy();
  }

  /**
   * Resolves when all that the command has printed is read. It must have ended.
   * @param limitMs for processes that it has left behind, and that have its output open still.
   */
  async finish(limitMs = Number.POSITIVE_INFINITY): Promise<void> {
    this.#input?.destroy();
    // The little that is left in a pipe is kept in memory for slow readers.
    this.#waitingFor.clear();
    this.#isOver = true;
    this.#readOn();
    const ends = [...this.#outputs.values()].map(
      (socket) =>
        new Promise<void>((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve()))),
    );
    await within(limitMs, Promise.all([...ends, this.#terminal?.ended]));
    this[Symbol.dispose]();
  }

  /** Also of a command that could not begin; may be called again. */
  [Symbol.dispose](): void {
    this.handedOver();
    this.#input?.destroy();
    for (const socket of this.#outputs.values()) socket.destroy();
    this.#terminal?.stream.destroy();
    this.#options.log?.[Symbol.dispose]();
  }

  #makeInput(): number {
    const { readFd, writeFd } = makePipe();
    this.#childFds.push(readFd);
    const socket = new Socket({ fd: writeFd, readable: false, writable: true });
    // The command has closed it, or has ended.
    socket.on('error', () => socket.destroy());
    this.#input = socket;
    return readFd;
  }

  #makeOutput(stream: OutputStream): number {
    const { readFd, writeFd } = makePipe();
    this.#childFds.push(writeFd);
    const socket = new Socket({ fd: readFd, readable: true, writable: false });
    socket.on('data', (bytes: Buffer) => this.#printed(stream, bytes));
    socket.on('error', () => socket.destroy());
    this.#outputs.set(stream, socket);
    return writeFd;
  }

  #takeTerminal(pid: number, masterFd: number): void {
    this.#terminal = new Terminal(pid, takeMaster(pid, masterFd), (bytes) => this.#printed('stdout', bytes));
    this.#terminal.stream.on('error', () => undefined);
    if (this.#size !== undefined) this.#terminal.resize(this.#size);
  }

  #printed(stream: OutputStream, bytes: Buffer): void {
    this.#options.log?.write(stream, bytes);
    for (const client of this.#clients) {
      if (!client.wants[stream]) continue;
      const isTaken = client.socket.write(
        encodeFrame(stream === 'stdout' ? FRAME.stdout : FRAME.stderr, bytes),
      );
      if (!isTaken && !this.#isOver) this.#waitingFor.add(client);
    }
    this.#unseenBytes += bytes.length;
    if (this.#waitingFor.size === 0 && this.#unseenBytes < BURST_BYTES) return;
    for (const source of this.#sources()) source.pause();
    setImmediate(() => this.#readOn());
  }

  #readOn(): void {
    this.#unseenBytes = 0;
    if (this.#waitingFor.size === 0) for (const source of this.#sources()) source.resume();
  }

  #sources() {
    return this.#terminal === undefined ? [...this.#outputs.values()] : [this.#terminal.stream];
  }

  #goOn(client: Client): void {
    if (this.#waitingFor.delete(client)) this.#readOn();
  }

  #leave(client: Client): void {
    if (!this.#clients.delete(client)) return;
    this.#goOn(client);
    if (client.wants.stdin) this.endInput();
  }
}

async function within(limitMs: number, work: Promise<unknown>): Promise<void> {
  if (limitMs === Number.POSITIVE_INFINITY) {
    await work;
    return;
  }
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
