/**
 * `events.jsonl`: what became of containers, images and volumes, a line of JSON each, written by whoever does it.
 *
 * A line is one write to a file opened for appending, so those of several processes do not mix. A log of more than
 * EVENT_LOG_BYTES becomes `events.jsonl.1`, in place of the one before: both together are what can be asked for.
 * The log is a convenience: what cannot be written is left out, and nothing waits for the disk.
 */

import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  watch,
  writeSync,
} from 'node:fs';
import { codeOf, hasCode } from '../errno/error-code.js';
import { LOCK_EX, LOCK_NB } from '../linux/constants.js';
import { flock } from '../linux/files/data.js';

const EVENT_LOG_BYTES = 4 * 1024 * 1024;
const NAME = 'events.jsonl';
const MODE = 0o600;

export interface StoreEvent {
  readonly type: 'container' | 'image' | 'volume' | 'mount';
  /** Docker's word where it has one: `create`, `start`, `die`, `destroy`, `pull`, `untag` ...; `fail`: an operation in the mount has. */
  readonly action: string;
  /** Id or name of what it happened to. */
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface LoggedEvent extends StoreEvent {
  /** Milliseconds since 1970. */
  readonly timeMs: number;
}

/** What of a Store is needed here. */
interface EventStore {
  readonly root: string;
  path(...parts: readonly string[]): string;
}

export function noteEvent(store: EventStore, event: StoreEvent): void {
  const line = Buffer.from(`${JSON.stringify({ timeMs: Date.now(), ...event } satisfies LoggedEvent)}\n`);
  try {
    const fd = openSync(store.path(NAME), 'a', MODE);
    try {
      writeSync(fd, line);
      if (fstatSync(fd).size > EVENT_LOG_BYTES) putAside(store, fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
  }
}

/** Whoever has the lock of the file that still has the name renames it: of several only one does. */
function putAside(store: EventStore, fd: number): void {
  const path = store.path(NAME);
  if (flock(fd, LOCK_EX | LOCK_NB) < 0) return;
  if (statSync(path).ino === fstatSync(fd).ino) renameSync(path, `${path}.1`);
}

/** All that is kept, oldest first. */
export function* pastEvents(store: EventStore): Generator<LoggedEvent> {
  const path = store.path(NAME);
  using reader = EventReader.open(path);
  if (reader === undefined) return;
  yield* eventsBefore(reader, path);
  yield* reader.more();
}

/** Those of the file before; opened after the one of now, lest a change of names between hides one of them. */
function* eventsBefore(reader: EventReader, path: string): Generator<LoggedEvent> {
  if (reader.isAt(`${path}.1`)) return;
  using before = EventReader.open(`${path}.1`);
  if (before !== undefined) yield* before.more();
}

/** How often is looked for a store, or a log, that is not there yet. */
const ABSENT_MS = 500;

/** All that is kept, then each event as it comes, until the signal. */
export async function* followEvents(store: EventStore, until: AbortSignal): AsyncGenerator<LoggedEvent> {
  const path = store.path(NAME);
  using changes = new Changes(store.root, until);
  let reader: EventReader | undefined;
  let isFirst = true;
  try {
    while (!until.aborted) {
      reader ??= EventReader.open(path);
      if (reader !== undefined) {
        const isOld = !reader.isAt(path);
        if (isFirst) yield* eventsBefore(reader, path);
        isFirst = false;
        // What was written before the file lost its name is complete by now.
        yield* reader.more();
        if (isOld) {
          reader[Symbol.dispose]();
          reader = undefined;
          continue;
        }
      }
      await changes.next();
    }
  } finally {
    reader?.[Symbol.dispose]();
  }
}

const PIECE_BYTES = 64 * 1024;

class EventReader implements Disposable {
  readonly #fd: number;
  /** The start of a line whose end is not written yet. */
  #rest = Buffer.alloc(0);

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** @returns undefined where there is none. */
  static open(path: string): EventReader | undefined {
    try {
      // A fifo in its place would hold us up.
      return new EventReader(
        openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW),
      );
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  /** Whether the file still has the name. */
  isAt(path: string): boolean {
    return statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(this.#fd).ino;
  }

  *more(): Generator<LoggedEvent> {
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    for (let count = readSync(this.#fd, piece); count > 0; count = readSync(this.#fd, piece)) {
      const lines = Buffer.concat([this.#rest, piece.subarray(0, count)]);
      const end = lines.lastIndexOf('\n') + 1;
      this.#rest = lines.subarray(end);
      for (const line of lines.toString('utf8', 0, end).split('\n')) {
        const event = parseEvent(line);
        if (event !== undefined) yield event;
      }
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

/** A line that a full disk has cut is none. */
function parseEvent(line: string): LoggedEvent | undefined {
  try {
    const { timeMs, type, action, id, attributes } = (JSON.parse(line) ?? {}) as Partial<LoggedEvent>;
    if (typeof timeMs !== 'number' || typeof type !== 'string' || typeof action !== 'string')
      return undefined;
    if (typeof id !== 'string' || typeof attributes !== 'object' || attributes === null) return undefined;
    return { timeMs, type, action, id, attributes };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Tells that something in a directory changed; nothing is woken while nothing does. */
class Changes implements Disposable {
  readonly #until: AbortSignal;
  readonly #directory: string;
  #watcher: ReturnType<typeof watch> | undefined;
  #hasChanged = true;
  #wake: (() => void) | undefined;

  constructor(directory: string, until: AbortSignal) {
    this.#directory = directory;
    this.#until = until;
    until.addEventListener('abort', this.#note);
  }

  /** Returns at once the first time, and when there was a change since. */
  async next(): Promise<void> {
    if (this.#watcher === undefined && existsSync(this.#directory)) {
      this.#watcher = watch(this.#directory, this.#note);
      return;
    }
    if (this.#hasChanged) {
      this.#hasChanged = false;
      if (this.#watcher !== undefined) return;
    }
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (this.#watcher === undefined) timer = setTimeout(resolve, ABSENT_MS);
      if (this.#until.aborted) resolve();
    });
    clearTimeout(timer);
    this.#hasChanged = false;
  }

  readonly #note = (): void => {
    this.#hasChanged = true;
    this.#wake?.();
  };

  [Symbol.dispose](): void {
    this.#until.removeEventListener('abort', this.#note);
    this.#watcher?.close();
  }
}
