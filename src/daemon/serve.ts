/**
 * The life of one mount in the process that serves it: check, lock, start the session, mount, serve, clean up.
 *
 * The main thread never touches the mount: it would wait for its own worker, and for ever if that has crashed.
 * INVARIANT: when `serve()` settles, nothing of the mount is left but what a lazy unmount leaves to the kernel: no run
 * directory, no work directory that a failed start has made.
 */

import { closeSync } from 'node:fs';
import type { Server } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { LIMITS } from '../engine/fuse-native/limits.js';
import { attach, detach, detachOutcome } from '../engine/kernel/attach.js';
import { FS_TYPE, readMountinfo, topMountAt } from '../engine/kernel/attach-mountinfo.js';
import { widenReadAhead } from '../engine/kernel/read-ahead.js';
import { UserError } from '../errno/user-error.js';
import { CAP_SYS_ADMIN, hasCapability } from '../linux/process.js';
import { displayName } from '../vfs/name.js';
import { serveControl } from './control.js';
import { CONTROL_SOCKET } from './control-client.js';
import { withFarVolumes } from './far-source.js';
import { newGate } from './gate.js';
import { controlHandlers } from './handlers.js';
import { holdLayers } from './layer-locks.js';
import { MountChanges } from './mount-changes.js';
import { isWhollyReadOnly, type MountConfig, type MountOrder, type ResolvedMount } from './mount-config.js';
import { keepSources, noSources, prepareSources, releaseSources } from './prepare-sources.js';
import { type RunState, removeRunDirectory, runDirectory, runStateOf, writeRunState } from './run-state.js';
import { type Features, Session, type SessionEnd } from './session.js';
import { startSessionProcess } from './session-process.js';
import { startSessionThread } from './session-thread.js';
import { lockUpper } from './upper-lock.js';
import { removeWork, validateConfig } from './validate.js';

export interface ServeHooks {
  readonly log: (line: string) => void;
  /** The mount answers. */
  readonly onMounted: (state: RunState) => void;
}

/** How long the kernel and the worker may take to greet each other. */
const INIT_TIMEOUT_MS = 10_000;
/** How long a session that was told to stop may take. */
const STOP_TIMEOUT_MS = 2_000;

export interface ServeOutcome {
  /** 0 when it was unmounted, 1 when it could not be mounted or the session broke. */
  readonly code: 0 | 1;
  /** Why it was never mounted. */
  readonly error?: Error;
  /** The worker hangs in a foreign call: `leave()` must be used, since exit() would wait for the thread. */
  readonly isHung: boolean;
}

/** Serves one mount to its end. */
export async function serve(order: MountOrder, hooks: ServeHooks): Promise<ServeOutcome> {
  const mount = new ServedMount(order, hooks);
  const unlisten = mount.listenToSignals();
  let outcome: Pick<ServeOutcome, 'code' | 'error'>;
  try {
    outcome = { code: await mount.run() };
  } catch (error) {
    outcome = { code: 1, error: mount.asRefusal(error) };
  }
  const isHung = !(await mount.cleanUp());
  unlisten();
  return { ...outcome, isHung };
}

/** Ends the process as the outcome asks for. */
export function leave({ code, isHung }: ServeOutcome): void {
  if (isHung) process.kill(process.pid, 'SIGKILL');
  else process.exit(code);
}

export interface UnmountWish {
  readonly lazy: boolean;
  /** What was written is on disk before the daemon ends. */
  readonly durable: boolean;
}

/** How the mount was made. */
interface Standing {
  /** By mount(2), so that umount2(2) takes it away. */
  readonly privileged: boolean;
  /** Ours to close; undefined when the session mounts by itself. */
  readonly fuseFd?: number;
}

export class ServedMount {
  readonly config: MountConfig;
  private readonly order: MountOrder;
  private readonly hooks: ServeHooks;
  private readonly directory: string;
  private session: Session | undefined;
  private server: Server | undefined;
  private attached: Standing | undefined;
  private mountId: number | undefined;
  private madeWork = false;
  private readonly sources = noSources();
  private readonly locks: number[] = [];
  private changes: MountChanges | undefined;
  private features: Features = {};
  private isDeviceClosed = false;
  /** The unmount under way: whoever asked for it is answered before the process ends. */
  private unmounting: Promise<void> = Promise.resolve();
  /** Rejected when a signal ends the wait for a session that may never answer. */
  private readonly givenUp = newGate<never>();
  /** Over when the session is, and what it has promised is on disk, or is not: then the reason. */
  private readonly settledGate = newGate<string | undefined>();
  /** Set by the first SIGTERM, SIGINT. */
  private stopAsked = false;

  constructor(order: MountOrder, hooks: ServeHooks) {
    this.order = order;
    this.config = order.config;
    this.hooks = hooks;
    this.givenUp.promise.catch(() => undefined);
    this.directory = runDirectory(order.runRoot, order.id);
  }

  async run(): Promise<0 | 1> {
    const { config, order } = this;
    // Before the worker starts: it may change the work directory, which must be ours by then.
    this.madeWork = validateConfig(config).madeWork;
    this.locks.push(...lockUpper(config, order.runRoot), ...holdLayers(config));
    prepareSources(config, this.sources);
    const far = { ...config, mounts: withFarVolumes(config.mounts, config.engine) };
    const start = config.engine === 'fuse-native' ? startSessionProcess : startSessionThread;
    const session = new Session(far, this.hooks.log, start);
    this.session = session;
    this.server = await serveControl(`${this.directory}/${CONTROL_SOCKET}`, controlHandlers(this, session));
    await Promise.race([session.ready, this.givenUp.promise]);
    await this.attach(session);
    try {
      await this.establish(session);
    } catch (error) {
      await this.abandon();
      throw error;
    }
    const aborted = this.givenUp.promise.catch((): SessionEnd => ({ reason: 'aborted' }));
    return this.finish(await Promise.race([session.ended, aborted]));
  }

  /** From the mount to the word that it answers. */
  private async establish(session: Session): Promise<void> {
    if (this.stopAsked) throw this.stopped();
    const initialized = Promise.race([session.initialized, this.givenUp.promise]);
    this.features = await withTimeout(initialized, INIT_TIMEOUT_MS);
    const { config, sources, locks, directory } = this;
    this.mountId ??= topMountAt(readMountinfo(), config.mountpoint)?.mountId;
    if (this.attached?.fuseFd !== undefined) {
      const { fuseFd } = this.attached;
      const onChange = (): void => writeRunState(directory, this.state());
      this.changes = new MountChanges({ config, session, fuseFd, sources, locks, onChange });
    }
    const state = this.state();
    writeRunState(directory, state);
    session.onEnding = () => this.tellEnding();
    keepSources(sources);
    this.hooks.onMounted(state);
  }

  private async attach(session: Session): Promise<void> {
    const { config } = this;
    if (config.engine === 'fuse-native') {
      this.attached = { privileged: hasCapability(CAP_SYS_ADMIN) };
      session.mount();
      return;
    }
    const attached = await attach({
      mountpoint: config.mountpoint,
      readOnly: isWhollyReadOnly(config),
      vfsOptions: config.vfsOptions,
      fsname: config.fsname,
      allowOther: config.allowOther,
    });
    this.attached = attached;
    const mounted = topMountAt(readMountinfo(), config.mountpoint);
    this.mountId = mounted?.mountId;
    if (mounted !== undefined) widenReadAhead(mounted.device);
    session.serve(attached.fuseFd);
  }

  /** Who wants upper next waits for us. */
  private tellEnding(): void {
    try {
      writeRunState(this.directory, { ...this.state(), isEnding: true });
    } catch (error) {
      // They wait for a shorter time.
      if (!(error instanceof UserError)) throw error;
      this.hooks.log(error.message);
    }
  }

  /** What other processes may know. */
  state(): RunState {
    const { mountId } = this;
    const mounts = this.changes?.mounts ?? this.config.mounts;
    return runStateOf(this.order, { privileged: this.attached?.privileged ?? false, mountId, mounts });
  }

  status(): Record<string, unknown> {
    const limits = this.config.engine === 'fuse-native' ? LIMITS.map((limit) => limit.text) : [];
    return { ...this.state(), features: this.features, limits };
  }

  /** Mounts one more. @throws UserError. */
  async addMount(mount: ResolvedMount): Promise<void> {
    await this.changeable().add(mount);
  }

  /** @throws UserError when nothing is mounted at the target, or something inside of it. */
  async removeMount(target: string): Promise<void> {
    await this.changeable().remove(target);
  }

  private changeable(): MountChanges {
    if (this.changes !== undefined) return this.changes;
    throw new UserError(`cannot change the mounts of '${this.name}': not with the engine fuse-native`);
  }

  /**
   * Unmounts; the session then ends by itself when the kernel lets go.
   * @throws UserError when it is busy and not to be lazy, or hidden below another mount.
   */
  async unmount({ lazy, durable }: UnmountWish): Promise<void> {
    const top = topMountAt(readMountinfo(), this.config.mountpoint);
    if (!top || !this.attached) throw new UserError(`'${this.name}' is not mounted`);
    if (top.mountId !== this.mountId) {
      throw new UserError(`cannot unmount '${this.name}': a mount of type ${top.type} is on top of it`, {
        hint: `umount '${this.name}' first`,
      });
    }
    const { privileged } = this.attached;
    if (durable) this.session?.promiseDisk();
    const detached = detach(this.config.mountpoint, { lazy, privileged });
    this.unmounting = detached.catch(() => undefined);
    try {
      await detached;
    } catch (error) {
      if (detachOutcome(error) === 'busy') {
        throw new UserError(`cannot unmount '${this.name}': it is in use`, {
          hint: `see who with: fuser -vm '${this.name}'; or use plyfs umount --lazy`,
          cause: error,
        });
      }
      throw error;
    }
  }

  /** After `unmount()`: when it has ended. @throws UserError when what was written is not on disk. */
  async settled(): Promise<void> {
    const notOnDisk = await this.settledGate.promise;
    if (notOnDisk !== undefined) throw new UserError(`'${this.name}' is unmounted, but ${notOnDisk}`);
  }

  /** SIGTERM and SIGINT unmount, lazily when busy; the second one aborts. SIGHUP is the terminal's, not ours. */
  listenToSignals(): () => void {
    const stop = () => {
      void this.onStopSignal().catch((error: unknown) => this.hooks.log(`cannot stop: ${String(error)}`));
    };
    const ignore = () => undefined;
    process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGHUP', ignore);
    return () => process.off('SIGTERM', stop).off('SIGINT', stop).off('SIGHUP', ignore);
  }

  private async onStopSignal(): Promise<void> {
    if (this.stopAsked) return this.abort();
    this.stopAsked = true;
    if (!this.attached) return this.givenUp.reject(this.stopped());
    try {
      await this.unmount({ lazy: false, durable: true });
    } catch (error) {
      this.hooks.log(`${messageOf(error)}; detached lazily, serving until it is free`);
      await this.unmount({ lazy: true, durable: true });
    }
  }

  /** Closing /dev/fuse aborts the connection: whoever still uses the mount gets ENOTCONN. */
  private async abort(): Promise<void> {
    this.hooks.log('second signal: aborting');
    await this.abandon();
    if (this.session && !(await settles(this.session.ended, STOP_TIMEOUT_MS))) {
      this.givenUp.reject(this.stopped());
    }
  }

  /** A user's error as it is; of anything else, what was being done. */
  asRefusal(error: unknown): UserError {
    if (error instanceof UserError) return error;
    const refusal = new UserError(`cannot mount on '${this.name}': ${messageOf(error)}`, {
      cause: error,
    });
    if (error instanceof Error && error.stack !== undefined) refusal.stack = error.stack;
    return refusal;
  }

  private stopped(): UserError {
    return new UserError(`cannot mount on '${this.name}': stopped by a signal`);
  }

  /** Takes the mount's name away, and stops the session. */
  private async abandon(): Promise<void> {
    this.session?.stop();
    await this.detachQuietly();
  }

  private async detachQuietly(): Promise<void> {
    if (!this.attached) return;
    const top = topMountAt(readMountinfo(), this.config.mountpoint);
    // Without an id the session was to mount and has not said that it did; the checks found no FUSE mount here.
    const isOurs = this.mountId === undefined ? top?.type === FS_TYPE : top?.mountId === this.mountId;
    if (!isOurs) return;
    try {
      await detach(this.config.mountpoint, { lazy: true, privileged: this.attached.privileged });
    } catch (error) {
      if (detachOutcome(error) !== 'gone') this.hooks.log(`cannot unmount '${this.name}': ${String(error)}`);
    }
  }

  private async finish(end: SessionEnd): Promise<0 | 1> {
    if (end.error) this.hooks.log(`session ${end.reason}: ${end.error.stack ?? end.error.message}`);
    if (end.notOnDisk !== undefined) this.hooks.log(end.notOnDisk);
    this.settledGate.resolve(end.notOnDisk);
    // First the descriptor: an unmount writes back dirty pages, to a session that answers no more.
    this.closeDevice();
    await this.unmounting;
    await this.detachQuietly();
    // Those who wait for it are answered before the process ends.
    await setImmediate();
    if (end.notOnDisk !== undefined) return 1;
    if (end.reason === 'unmounted' || (this.stopAsked && end.reason !== 'crashed')) return 0;
    this.hooks.log(`the mount at '${this.name}' ended: ${end.reason}`);
    return 1;
  }

  private closeDevice(): void {
    const fuseFd = this.attached?.fuseFd;
    if (fuseFd === undefined || this.isDeviceClosed) return;
    this.isDeviceClosed = true;
    closeSync(fuseFd);
  }

  /** Stops what still runs and takes away what this start has made; false when the session does not end. */
  async cleanUp(): Promise<boolean> {
    this.server?.close();
    this.session?.stop();
    const ended = this.session?.ended;
    const isOver =
      this.session === undefined ||
      (await settles(this.session.ended, STOP_TIMEOUT_MS)) ||
      (this.session.kill() && (await settles(this.session.ended, STOP_TIMEOUT_MS)));
    const isLeftBehind = isOver && (await ended)?.isHung === true;
    const isNotifying = this.changes?.isNotifying === true;
    this.changes?.close();
    // A thread that cannot be ended would keep the locks with the rest of the process.
    for (const fd of this.locks) closeSync(fd);
    releaseSources(this.sources, { stood: this.attached !== undefined });
    if (this.madeWork && !this.attached) removeWork(this.config);
    removeRunDirectory(this.directory);
    return isOver && !isLeftBehind && !isNotifying;
  }

  private get name(): string {
    return displayName(this.config.mountpoint);
  }
}

async function withTimeout<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  if (await settles(promise, timeoutMs)) return promise;
  throw new Error(`the kernel and the session did not agree in ${timeoutMs} ms`);
}

/** Whether the promise settles, either way, in time. */
async function settles(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  const settled = promise.then(
    () => true,
    () => true,
  );
  const isInTime = await Promise.race([settled, late]);
  clearTimeout(timer);
  return isInTime;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
