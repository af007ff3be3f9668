/** Commands in containers, as programs run them: what goes in and comes out is theirs, and no standard stream of this process. */

import type { CapturedStreams } from '../container/command/attach/capture-command.js';
import type { LogEntry } from '../container/command/attach/log-file.js';
import { execInContainer } from '../container/command/exec-in-container.js';
import { runCaptured, runDetached } from '../container/command/start-supervisor.js';
import { waitForContainer } from '../container/command/wait-for-container.js';
import { removeContainer } from '../container/end/remove-container.js';
import { keepForRestart, stopContainer } from '../container/end/stop-container.js';
import { noteContainer } from '../container/record/note-container.js';
import { readLogLines } from '../container/view/log-reader.js';
import { hasCode } from '../errno/error-code.js';
import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { checkedOptions, checkedTexts, invalidArgument } from './checked-options.js';
import { CONTAINER_KINDS, createChecked, type NewContainer } from './new-container.js';

/** What a command reads and prints. */
export interface CommandStreamOptions {
  /** All of its standard input; without one it has none. */
  readonly input?: string | Uint8Array | undefined;
  /** Takes what it prints, as it comes; without one the result has it. */
  readonly onStdout?: ((bytes: Uint8Array) => void) | undefined;
  /** The same for standard error. */
  readonly onStderr?: ((bytes: Uint8Array) => void) | undefined;
}

/** How a command in a container ended. */
export interface CommandResult {
  /** The exit status; 128 and the number of the signal that ended it. */
  readonly status: number;
  /** What it printed, unless `onStdout` took it. */
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** A container that was made and run. */
export interface RunResult extends CommandResult {
  /** The container; it is gone by then with `autoRemove`. */
  readonly id: string;
}

/** How another command is run in a container. */
export interface ContainerExec extends CommandStreamOptions {
  /** `NAME=VALUE`. */
  readonly environment?: readonly string[] | undefined;
  readonly environmentFiles?: readonly string[] | undefined;
  readonly workingDirectory?: string | undefined;
  /** `USER[:GROUP]`. */
  readonly user?: string | undefined;
  /** Root keeps all capabilities. */
  readonly privileged?: boolean | undefined;
}

/** Which lines of a log are read. */
export interface LogRange {
  /** True: until the command ends. */
  readonly follow?: boolean | undefined;
  /** Only the last so many. */
  readonly lastLines?: number | undefined;
  /** Milliseconds since 1970. */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  /** Aborted: no more lines come. */
  readonly signal?: AbortSignal | undefined;
}

/** Something that a command has printed, at most a line. */
export interface LoggedOutput {
  readonly stream: 'stdout' | 'stderr';
  readonly timeMs: number;
  readonly bytes: Buffer;
}

/** The part of StoredContainers that runs commands. */
export interface ContainerCommands {
  /** Makes a container and runs its command to its end. @throws UserError when it cannot be run; with `autoRemove` it is gone then. */
  run(options: NewContainer & CommandStreamOptions): Promise<RunResult>;
  /** Runs the command in the background; resolves when it runs. @throws UserError when it cannot. */
  start(name: string): Promise<void>;
  /** Stops it, and starts it again. @throws UserError */
  restart(name: string): Promise<void>;
  /** Resolves with the status of the command when it has ended; that of the last run when it does not run. */
  wait(name: string): Promise<number>;
  /** Runs another command in a container that runs or is mounted, to its end. @throws UserError when it cannot be run. */
  exec(name: string, command: readonly string[], options?: ContainerExec): Promise<CommandResult>;
  /** What the command has printed. @throws UserError when it keeps no log. */
  logs(name: string, range?: LogRange): AsyncGenerator<LoggedOutput>;
}

type Named = (called: string, name: string) => ContainerRecord;

const STREAM_KINDS = { input: 'bytes', onStdout: 'function', onStderr: 'function' } as const;

export function containerCommands(store: Store, named: Named): ContainerCommands {
  return {
    run: (options) => runNew(store, options),
    start: async (name) => runDetached(store, named('start', name)),
    restart: async (name) => {
      const record = named('restart', name);
      await keepForRestart(store, record);
      await stopContainer(store, record);
      await runDetached(store, record);
      noteContainer(store, record, 'restart');
    },
    wait: async (name) => waitForContainer(store, named('wait', name)),
    exec: async (name, command, options = {}) => {
      const record = named('exec', name);
      checkedTexts('containers.exec()', 'command', command);
      const { input, onStdout, onStderr, ...rest } = checkedOptions('containers.exec()', options, {
        ...STREAM_KINDS,
        environment: 'strings',
        environmentFiles: 'strings',
        workingDirectory: 'string',
        user: 'string',
        privileged: 'boolean',
      });
      const capture = new Capture({ input, onStdout, onStderr });
      const status = await execInContainer(store, record, {
        ...rest,
        command,
        detachKeys: Buffer.alloc(0),
        captured: capture.streams,
      });
      return capture.result(status ?? 0);
    },
    logs: (name, range = {}) => readLog(store, named('logs', name), range),
  };
}

async function runNew(store: Store, options: NewContainer & CommandStreamOptions): Promise<RunResult> {
  const kinds = { ...CONTAINER_KINDS, ...STREAM_KINDS, onWarning: 'function' } as const;
  const { input, onStdout, onStderr, ...rest } = checkedOptions('containers.run()', options, kinds);
  const capture = new Capture({ input, onStdout, onStderr });
  if (rest.tty === true)
    throw invalidArgument('containers.run()', 'a program has no terminal', "leave the option 'tty' out");
  const isScratch = rest.autoRemove === true;
  const record = await createChecked(store, 'containers.run()', {
    ...rest,
    interactive: input !== undefined,
  });
  try {
    return { ...capture.result(await runCaptured(store, record, capture.streams)), id: record.id };
  } catch (error) {
    if (isScratch) await removeIfThere(store, record);
    throw error;
  }
}

async function removeIfThere(store: Store, record: ContainerRecord): Promise<void> {
  try {
    await removeContainer(store, record, { force: true, volumes: true });
  } catch (error) {
    if (!hasCode(error, 'ERR_NOT_FOUND')) throw error;
  }
}

/** What a command prints goes to who takes it, or is kept. */
class Capture {
  readonly streams: CapturedStreams;
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];

  constructor({ input, onStdout, onStderr }: CommandStreamOptions) {
    this.streams = {
      input: typeof input === 'string' ? Buffer.from(input) : input,
      onStdout: onStdout ?? ((bytes) => void this.#stdout.push(bytes)),
      onStderr: onStderr ?? ((bytes) => void this.#stderr.push(bytes)),
    };
  }

  result(status: number): CommandResult {
    return { status, stdout: Buffer.concat(this.#stdout), stderr: Buffer.concat(this.#stderr) };
  }
}

async function* readLog(
  store: Store,
  record: ContainerRecord,
  range: LogRange,
): AsyncGenerator<LoggedOutput> {
  const {
    follow = false,
    lastLines,
    sinceMs = Number.NEGATIVE_INFINITY,
    untilMs = Number.POSITIVE_INFINITY,
    signal,
  } = checkedOptions('containers.logs()', range, {
    follow: 'boolean',
    lastLines: 'number',
    sinceMs: 'number',
    untilMs: 'number',
    signal: 'signal',
  });
  for await (const lines of readLogLines(store, record, { follow, lastLines, signal })) {
    for (const line of lines) {
      if (line === '') continue;
      const { stream, time, log, base64 } = JSON.parse(line) as LogEntry;
      const timeMs = Date.parse(time);
      if (timeMs > untilMs) return;
      const bytes = base64 === undefined ? Buffer.from(log) : Buffer.from(base64, 'base64');
      if (timeMs >= sinceMs) yield { stream, timeMs, bytes };
    }
  }
}
