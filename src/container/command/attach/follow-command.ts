/**
 * The client's end of an attachment: our standard input goes to it, what it prints comes to our standard output and error,
 * until it ends, or the detach keys are typed, or our terminal goes away. It goes on without us.
 */

import type { Duplex } from 'node:stream';
import { FORWARDED, type SignalName, statusOfSignal } from '../../record/signal.js';
import { DetachFilter } from './detach-keys.js';
import {
  type AttachRequest,
  decodeJson,
  type EndedNotice,
  encodeFrame,
  encodeJson,
  type FailedNotice,
  FRAME,
  type Frame,
  FrameReader,
  type TerminalSize,
} from './frames.js';
import { makeRaw } from './raw-terminal.js';

export interface ClientOptions {
  /** The command has a terminal. */
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly detachKeys: Buffer;
  /** When nobody reads what we print any more: the command is told so by its own pipe, or it goes on without us. */
  readonly atBrokenOutput: 'tell' | 'leave';
  /** Takes signals that come to us. */
  readonly onSignal?: ((name: SignalName) => void) | undefined;
}

export type Outcome =
  | { readonly kind: 'started' }
  | { readonly kind: 'ended'; readonly status: number }
  | { readonly kind: 'detached' }
  | { readonly kind: 'failed'; readonly status: 125 | 126 | 127; readonly message: string };

const LOST: Outcome = {
  kind: 'failed',
  status: 125,
  message: 'the process that waits for the command is gone',
};

/** What a client asks for, with the size of its terminal. */
export function requestOf({ stdin, stdout, stderr }: Omit<AttachRequest, 'size'>): AttachRequest {
  const size = terminalSize();
  return { stdin, stdout, stderr, ...(size === undefined ? {} : { size }) };
}

/** Resolves when the command is about to run, or cannot. */
export function untilStarted(channel: Duplex): Promise<Outcome> {
  return new Promise((resolve) => {
    const reader = new FrameReader();
    if (channel.destroyed) resolve(LOST);
    channel.on('error', () => resolve(LOST)).on('close', () => resolve(LOST));
    channel.on('data', (chunk: Buffer) => {
      for (const frame of reader.push(chunk)) {
        if (frame.kind === FRAME.started) resolve({ kind: 'started' });
        else if (frame.kind === FRAME.failed) resolve({ kind: 'failed', ...decodeJson<FailedNotice>(frame) });
        else if (frame.kind === FRAME.ended) resolve({ kind: 'ended', ...decodeJson<EndedNotice>(frame) });
      }
    });
  });
}

/** Signals are taken from here on. PRECONDITION: the order, or the request to attach, is sent, or is sent in this very tick. */
export async function followCommand(channel: Duplex, options: ClientOptions): Promise<Outcome> {
  using client = new Client(channel, options);
  const outcome = await client.outcome;
  await client.flush();
  return outcome;
}

class Client implements Disposable {
  readonly outcome: Promise<Outcome>;
  readonly #channel: Duplex;
  readonly #options: ClientOptions;
  readonly #filter: DetachFilter;
  readonly #undo: (() => void)[] = [];
  readonly #early: SignalName[] = [];
  #settle: (outcome: Outcome) => void = () => undefined;
  readonly #waitsFor = new Set<NodeJS.WriteStream>();
  #isStarted = false;
  #isBroken = false;

  constructor(channel: Duplex, options: ClientOptions) {
    this.#channel = channel;
    this.#options = options;
    this.#filter = new DetachFilter(options.tty ? options.detachKeys : Buffer.alloc(0));
    this.outcome = new Promise((resolve) => {
      this.#settle = resolve;
    });
    const reader = new FrameReader();
    if (channel.destroyed) this.#settle(LOST);
    channel.on('error', () => this.#settle(LOST)).on('close', () => this.#settle(LOST));
    channel.on('data', (chunk: Buffer) => {
      for (const frame of reader.push(chunk)) this.#receive(frame);
    });
    this.#takeSignals();
    this.#watchOutput();
  }

  /** All that was printed has been written. */
  async flush(): Promise<void> {
    if (this.#isBroken) return;
    for (const stream of this.#outputs())
      await new Promise<void>((resolve) => stream.write('', () => resolve()));
  }

  [Symbol.dispose](): void {
    for (const undo of this.#undo.splice(0).reverse()) undo();
    this.#channel.destroy();
  }

  #outputs() {
    return [
      ...(this.#options.stdout ? [process.stdout] : []),
      ...(this.#options.stderr && !this.#options.tty ? [process.stderr] : []),
    ];
  }

  #receive(frame: Frame): void {
    if (frame.kind === FRAME.stdout) this.#print(process.stdout, frame.payload);
    else if (frame.kind === FRAME.stderr) this.#print(process.stderr, frame.payload);
    else if (frame.kind === FRAME.started) this.#start();
    else if (frame.kind === FRAME.ended) this.#settle({ kind: 'ended', ...decodeJson<EndedNotice>(frame) });
    else if (frame.kind === FRAME.failed)
      this.#settle({ kind: 'failed', ...decodeJson<FailedNotice>(frame) });
  }

  #print(stream: NodeJS.WriteStream, bytes: Buffer): void {
    if (this.#isBroken || stream.write(bytes) || this.#waitsFor.has(stream)) return;
    this.#waitsFor.add(stream);
    this.#channel.pause();
    stream.once('drain', () => {
      this.#waitsFor.delete(stream);
      if (this.#waitsFor.size === 0) this.#channel.resume();
    });
  }

  #start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    for (const name of this.#early.splice(0)) this.#options.onSignal?.(name);
    if (this.#options.tty) this.#followSize();
    if (this.#options.stdin) this.#takeInput();
  }

  #followSize(): void {
    const resize = () => {
      const size = terminalSize();
      if (size !== undefined) this.#send(encodeJson(FRAME.resize, size));
    };
    if (!process.stdout.isTTY) return;
    resize();
    process.stdout.on('resize', resize);
    this.#undo.push(() => process.stdout.off('resize', resize));
  }

  #takeInput(): void {
    const { stdin } = process;
    if (this.#options.tty && stdin.isTTY) {
      makeRaw();
      this.#undo.push(() => void stdin.setRawMode(false));
    }
    const typed = (chunk: Buffer) => {
      const { bytes, isDetached } = this.#filter.push(chunk);
      if (bytes.length > 0 && !this.#send(encodeFrame(FRAME.input, bytes))) {
        stdin.pause();
        this.#channel.once('drain', () => stdin.resume());
      }
      if (isDetached) this.#settle({ kind: 'detached' });
    };
    // A terminal that ends has gone away; of anything else that is all there is.
    const ended = () => {
      if (this.#options.tty) this.#settle({ kind: 'detached' });
      else this.#send(encodeFrame(FRAME.inputEnd));
    };
    stdin.on('data', typed).on('end', ended).on('error', ended);
    this.#undo.push(() => void stdin.off('data', typed).off('end', ended).off('error', ended).pause());
  }

  #send(frame: Buffer): boolean {
    return this.#channel.writable ? this.#channel.write(frame) : true;
  }

  /** Nobody reads what it prints. A terminal is left, as is what somebody else has started. */
  #watchOutput(): void {
    const broken = () => {
      this.#isBroken = true;
      const { tty, atBrokenOutput } = this.#options;
      if (tty) this.#settle({ kind: 'detached' });
      // As a client ends that SIGPIPE is not ignored for: Docker's.
      else if (atBrokenOutput === 'leave') this.#settle({ kind: 'ended', status: statusOfSignal('SIGPIPE') });
      else this.#send(encodeFrame(FRAME.outputClosed));
      this.#channel.resume();
    };
    for (const stream of this.#outputs()) {
      stream.on('error', broken);
      this.#undo.push(() => void stream.off('error', broken).on('error', () => undefined));
    }
  }

  #takeSignals(): void {
    const { tty, onSignal } = this.#options;
    for (const name of tty ? LEAVING : onSignal === undefined ? [] : FORWARDED) {
      const listener = () => {
        if (tty) this.#leave(name);
        else if (this.#isStarted) onSignal?.(name);
        else this.#early.push(name);
      };
      process.on(name, listener);
      this.#undo.push(() => void process.off(name, listener));
    }
  }

  /** The terminal as it was; the command goes on. */
  #leave(name: SignalName): void {
    this[Symbol.dispose]();
    process.exit(statusOfSignal(name));
  }
}

/** On a terminal the command's signals come by its keys; these are for us. */
const LEAVING: readonly SignalName[] = ['SIGHUP', 'SIGTERM', 'SIGINT'];

function terminalSize(): TerminalSize | undefined {
  const { isTTY, rows, columns } = process.stdout;
  return isTTY ? { rows, columns } : undefined;
}
