/**
 * The daemon that serves many mounts: one order after the other, each with its own life, log and run directory.
 *
 * INVARIANT: what goes wrong with one mount ends that mount; the process ends by itself only when it has no mount, or with all
 * of them at a signal.
 */

import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import type { Server } from 'node:net';
import { dirname, join } from 'node:path';
import { STATE_FORM } from '../../engine/kernel/request-record.js';
import { oneLine } from '../../errno/printable.js';
import { messageOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import { displayName } from '../../vfs/name.js';
import type { ServeRequest } from '../config/mount-config.js';
import { version } from '../config/plyfs-version.js';
import { type ControlCaller, type ControlHandler, serveControl } from '../messages/control.js';
import { CONTROL_SOCKET } from '../messages/control-client.js';
import type { SharedDaemonReport, SharedMount } from '../messages/daemon-report.js';
import { runDirectory } from '../run-directory/run-state.js';
import { stopServingThreads } from '../session/serving-threads.js';
import { type Keeper, OWN_PROGRAM } from './keeper.js';
import { type LeftMount, leftMount } from './kept-mount.js';
import { ServedMount, serveMount } from './serve.js';
import { leave, type ServeOutcome } from './serve-outcome.js';
import { removeDirectory } from './shared-lock.js';
import { Watchdog } from './watchdog.js';

/** The command that has started it comes with a request. */
const FIRST_ORDER_MS = 10_000;
/** How long threads that serve nobody may take to end. */
const STOP_TIMEOUT_MS = 2_000;
/** A mount has up to a thousand layers and mounts, with paths of the longest kind. */
const ORDER_LIMIT = 16 * 1024 * 1024;
const LOG_FILE = 'log';
/** For the answer to get out. */
const BEFORE_RESTART_MS = 50;

interface SharedDaemonOptions {
  /** Lets mounts outlive this process. */
  readonly keeper: Keeper | undefined;
  /** How long it stays without mounts. */
  readonly restMs: number;
  readonly log: (line: string) => void;
}

/** Where a mount comes from: the command that has asked for it, or the daemon that had it before. */
interface MountSource {
  readonly caller?: ControlCaller;
  readonly left?: LeftMount;
}

export class SharedDaemon {
  readonly #directory: string;
  readonly #log: (line: string) => void;
  readonly #mounts = new Set<ServedMount>();
  /** Those that are being taken over, by their ids. */
  readonly #starting = new Map<string, Promise<SharedMount>>();
  readonly #restMs: number;
  #server: Server | undefined;
  #connections = 0;
  #idle: NodeJS.Timeout | undefined;
  #isStopping = false;
  #isRestarting = false;
  #tookOver = false;
  readonly #since = new Date().toISOString();
  #hasServed = false;
  readonly #keeper: Keeper | undefined;
  /** A thread of it is left behind in storage that does not answer. */
  #isHung = false;

  constructor(directory: string, { restMs, log, keeper }: SharedDaemonOptions) {
    this.#directory = directory;
    this.#keeper = keeper;
    if (keeper !== undefined)
      keeper.onChange = () => {
        for (const mount of this.#mounts) mount.noteKeeper();
      };
    this.#restMs = restMs;
    this.#log = log;
    const outlives = (): boolean =>
      [...this.#mounts].every(({ endsWithProcess }) => endsWithProcess === undefined);
    new Watchdog({ keeper, outlives, log });
  }

  async listen(): Promise<void> {
    const path = join(this.#directory, CONTROL_SOCKET);
    const handlers = new Map<string, ControlHandler>([
      ['mount', (args, caller) => this.#order(args.request as ServeRequest, caller)],
      ['status', () => this.#report()],
      ['restart', () => this.#restart()],
      ['upgrade', (args) => this.#upgrade(args.program)],
    ]);
    this.#server = await serveControl(path, handlers, { lineLimit: ORDER_LIMIT });
    this.#server.on('connection', (socket) => {
      this.#connections++;
      socket.on('close', () => {
        this.#connections--;
        this.#rest();
      });
    });
    const stop = (): void => this.#stop();
    process
      .on('SIGTERM', stop)
      .on('SIGINT', stop)
      .on('SIGHUP', () => undefined);
    this.#rest();
  }

  #report(): SharedDaemonReport {
    const mounts = [...this.#mounts].map((mount) => ({
      id: mount.state().id,
      mountpoint: displayName(mount.config.mountpoint),
      endsBecause: mount.endsWithProcess,
    }));
    const [keeperPid, tookOver] = [this.#keeper?.pid, this.#tookOver];
    const program = { version: version(), form: STATE_FORM, path: OWN_PROGRAM };
    return { pid: process.pid, since: this.#since, tookOver, keeperPid, program, mounts };
  }

  /** Dies, for the next one to take over. @returns the ids of the mounts. @throws UserError where a mount would end. */
  #restart(prepare: () => void = () => undefined): string[] {
    const { mounts } = this.#report();
    const ending = mounts.find(({ endsBecause }) => endsBecause !== undefined);
    if (ending !== undefined)
      throw new UserError(`cannot restart: '${ending.mountpoint}' would end, since ${ending.endsBecause}`, {
        hint: 'unmount it first',
      });
    prepare();
    this.#isRestarting = true;
    setTimeout(() => {
      if (mounts.length > 0) process.kill(process.pid, 'SIGKILL');
      else this.#stop();
    }, BEFORE_RESTART_MS);
    return mounts.map(({ id }) => id);
  }

  /** The same, and the next one runs another program: Node and its script. @throws UserError */
  #upgrade(program: unknown): string[] {
    if (!Array.isArray(program) || program.length !== 2 || !program.every((path) => existsSync(String(path))))
      throw new UserError('cannot upgrade: there is no such program');
    return this.#restart(() => this.#keeper?.replaceProgram(program.map(String)));
  }

  /** Goes on with the mounts of a daemon that is gone. */
  takeOver(): void {
    this.#tookOver = true;
    const runRoot = dirname(dirname(this.#directory));
    for (const [id, store] of this.#keeper?.adopted() ?? []) {
      try {
        const left = leftMount(runRoot, id, store);
        if (left === undefined) throw new Error('its daemon was killed before it stood');
        const standing = this.#mount(left.request, { left });
        this.#starting.set(id, standing);
        standing
          .catch((error: unknown) => this.#log(`mount ${id}: ${messageOf(error)}`))
          .finally(() => this.#starting.delete(id));
      } catch (error) {
        this.#log(`mount ${id} is lost: ${messageOf(error)}`);
        this.#keeper?.remove(id);
      }
    }
    this.#rest();
  }

  /** One that is taken over is what its command asks for once more, since the daemon before was killed at it. @throws UserError */
  #order(request: ServeRequest, caller: ControlCaller): Promise<SharedMount> {
    const { id, config } = request;
    const standing = [...this.#mounts].map((mount) => mount.state()).find((state) => state.id === id);
    if (standing === undefined || config.isDetached === true) return this.#mount(request, { caller });
    return this.#starting.get(id) ?? Promise.resolve(standing);
  }

  /** Resolves when the mount answers. @throws UserError */
  #mount(request: ServeRequest, { caller, left }: MountSource): Promise<SharedMount> {
    // Who asks tries again, and meets the next one.
    if (this.#isRestarting)
      return Promise.reject(new UserError('the daemon is about to restart', { code: 'ERR_NO_DAEMON' }));
    const logFd = openSync(join(runDirectory(request.runRoot, request.id), LOG_FILE), 'a', 0o600);
    const log = (line: string): void => {
      writeSync(logFd, `${new Date().toISOString()} ${oneLine(line)}\n`);
    };
    this.#hasServed = true;
    return new Promise((resolve, reject) => {
      const keeper = this.#keeper;
      const mount = new ServedMount(request, {
        log,
        onMounted: (state) => {
          const { detachedFd } = mount;
          resolve({ ...state, ...(detachedFd === undefined ? {} : { detachedFd }) });
        },
        isShared: true,
        ...(keeper === undefined ? {} : { keeper }),
        ...(left === undefined ? {} : { left }),
      });
      this.#mounts.add(mount);
      if (request.config.isDetached === true) caller?.whenGone(() => mount.releaseDetached());
      const end = ({ error, isHung }: Pick<ServeOutcome, 'error' | 'isHung'>): void => {
        this.#mounts.delete(mount);
        closeSync(logFd);
        if (isHung) this.#isHung = true;
        if (error !== undefined) reject(error);
        this.#rest();
      };
      serveMount(mount).then(
        end,
        // Its clean-up has failed.
        (error: unknown) => {
          this.#log(`a mount has not ended well: ${String(error)}`);
          end({ error: error instanceof Error ? error : new Error(String(error)), isHung: true });
        },
      );
    });
  }

  /** As for a mount that has its own process: unmounts all, lazily where they are busy; the second signal aborts. */
  #stop(): void {
    this.#isStopping = true;
    for (const mount of this.#mounts) mount.stop();
    this.#rest();
  }

  /** Ends after a while without mounts, at once when nothing better comes of waiting. */
  #rest(): void {
    clearTimeout(this.#idle);
    if (this.#mounts.size > 0 || this.#connections > 0) return;
    const restMs = this.#hasServed ? this.#restMs : Math.max(this.#restMs, FIRST_ORDER_MS);
    const afterMs = this.#isStopping || this.#isHung ? 0 : restMs;
    this.#idle = setTimeout(() => void this.#end(), afterMs);
  }

  async #end(): Promise<void> {
    if (this.#mounts.size > 0 || this.#connections > 0) return;
    // A command that comes now finds nobody, and starts another daemon, in a directory of the same name.
    // This takes the socket's name away: before there can be another of that name.
    this.#server?.close();
    removeDirectory(this.#directory);
    const isOver = await stopServingThreads(STOP_TIMEOUT_MS);
    leave({ code: 0, isHung: this.#isHung || !isOver });
  }
}
