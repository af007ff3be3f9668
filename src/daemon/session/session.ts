/**
 * The main thread's end of a session: starts its server (a worker thread, or a process for the engine fuse-native) and
 * turns its messages into promises.
 *
 * INVARIANT: `ended` settles exactly once and never rejects; after it no request stays unanswered.
 */

import { UserError } from '../../errno/user-error.js';
import type { MountConfig, ResolvedMount } from '../config/mount-config.js';
import type { FailedOperation } from '../messages/activity-report.js';
import { newGate } from '../messages/gate.js';
import type {
  ChangeName,
  FromWorker,
  InspectName,
  KeptDescriptors,
  ToWorker,
} from '../messages/worker-messages.js';

/** What serves: started with its configuration, spoken to in messages. */
export interface SessionServer {
  post(message: ToWorker): void;
  /** Ends it where that can be done from outside, whatever it hangs in. @returns false where it cannot. */
  kill(): boolean;
}

export interface ServerEvents {
  onMessage(message: FromWorker): void;
  onLog(line: string): void;
  /** It ended, expected or not; called at least once. */
  onEnd(error: Error): void;
}

type StartServer = (config: MountConfig, events: ServerEvents) => SessionServer;

export type Features = Readonly<Record<string, boolean | number>>;

export interface SessionEnd {
  /** `unmounted`, `aborted`, `crashed`, or what the worker says. */
  readonly reason: string;
  readonly error?: Error;
  /** A thread of the server is left behind in storage that does not answer. */
  readonly isHung?: boolean;
  /** Why the promise to be on disk is broken. */
  readonly notOnDisk?: string | undefined;
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export class MountSession {
  /** The file systems are built, the layers open. */
  readonly ready: Promise<void>;
  /** The kernel's INIT is answered: the mount is up. */
  readonly initialized: Promise<Features>;
  readonly ended: Promise<SessionEnd>;
  /** Told of each mount that was taken away when nothing of it is in use any more. */
  onUnused: (mount: ResolvedMount) => void = () => undefined;
  /** Told of operations that failed, and why. */
  onFailure: (failure: FailedOperation) => void = () => undefined;
  /** What another process would need could not be kept: known once it is initialized. */
  isNotKept = false;
  /** Told when no more requests come, before what may take long. */
  onEnding: () => void = () => undefined;
  readonly #server: SessionServer;
  readonly #log: (line: string) => void;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #isOver = false;
  readonly #readyGate = newGate<void>();
  readonly #initializedGate = newGate<Features>();
  readonly #endedGate = newGate<SessionEnd>();

  /** Starts the server at once. */
  constructor(config: MountConfig, log: (line: string) => void, start: StartServer) {
    this.#log = log;
    this.ready = this.#readyGate.promise;
    this.initialized = this.#initializedGate.promise;
    this.ended = this.#endedGate.promise;
    // Whoever waits sees the rejection; when nobody waits yet it must not end the process.
    this.ready.catch(() => undefined);
    this.initialized.catch(() => undefined);
    this.#server = start(config, {
      onMessage: (message) => this.#receive(message),
      onLog: log,
      onEnd: (error) => this.#finish({ reason: 'crashed', error }),
    });
  }

  /**
   * Hands the descriptor of the mount over; the worker reads and writes it, main closes it.
   * @param locks descriptors that hold what is served, until it is let go of.
   */
  serve(fuseFd: number, locks: readonly number[], kept?: KeptDescriptors): void {
    this.#send({ kind: 'serve', fuseFd, locks, kept });
  }

  /** Tells a server that mounts by itself to do it now. */
  mount(): void {
    this.#send({ kind: 'mount' });
  }

  /** What was written is to be on disk when the session has ended. */
  promiseDisk(): void {
    this.#send({ kind: 'promiseDisk' });
  }

  /** Tells the loop to leave, whatever the state of the mount. */
  stop(): void {
    this.#send({ kind: 'stop' });
  }

  /** Ends a server that hangs. @returns false when only the end of this process ends it. */
  kill(): boolean {
    return this.#server.kill();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** @throws UserError when the worker refuses, is silent for `timeoutMs`, or ends. */
  request(
    name: InspectName | ChangeName,
    args: Readonly<Record<string, unknown>>,
    timeoutMs: number,
  ): Promise<unknown> {
    if (this.#isOver) return Promise.reject(new UserError(`cannot answer '${name}': the session has ended`));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(
          new UserError(`no answer from the session to '${name}' in ${timeoutMs} ms`, {
            code: 'ERR_NO_ANSWER',
          }),
        );
      }, timeoutMs);
      this.#pending.set(id, { resolve, reject, timer });
      this.#send({ kind: 'request', id, name, args });
    });
  }

  #send(message: ToWorker): void {
    if (this.#isOver) return;
    this.#server.post(message);
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case 'ready':
        this.#readyGate.resolve();
        break;
      case 'initialized':
        this.isNotKept = message.isNotKept === true;
        this.#initializedGate.resolve(message.features);
        break;
      case 'failed': {
        const error = new UserError(message.message, { hint: message.hint });
        this.#finish({ reason: 'failed', error, isHung: message.isHung === true });
        break;
      }
      case 'reply':
        this.#settle(message.id, message);
        break;
      case 'unused':
        this.onUnused(message.mount);
        break;
      case 'ending':
        this.onEnding();
        break;
      case 'log':
        this.#log(message.line);
        break;
      case 'failure':
        this.onFailure(message.failure);
        break;
      case 'ended':
        this.#finish({
          reason: message.reason,
          isHung: message.isHung === true,
          notOnDisk: message.notOnDisk,
          ...(message.crash && { error: crashError(message.crash) }),
        });
    }
  }

  #settle(
    id: number,
    reply: { readonly value: unknown } | { readonly error: string; readonly hint?: string | undefined },
  ): void {
    const waiter = this.#pending.get(id);
    if (!waiter) return;
    this.#pending.delete(id);
    clearTimeout(waiter.timer);
    if ('error' in reply) waiter.reject(new UserError(reply.error, { hint: reply.hint }));
    else waiter.resolve(reply.value);
  }

  #finish(end: SessionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const error = end.error ?? new Error(`the session ended: ${end.reason}`);
    this.#readyGate.reject(error);
    this.#initializedGate.reject(error);
    for (const id of [...this.#pending.keys()]) this.#settle(id, { error: error.message });
    this.#endedGate.resolve(end);
  }
}

function crashError({ message, stack }: { readonly message: string; readonly stack?: string }): Error {
  const error = new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
