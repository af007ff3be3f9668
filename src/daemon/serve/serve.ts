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
import { LIMITS } from '../../engine/fuse-native/native-limits.js';
import { attachDetached, type DetachedPlace } from '../../engine/kernel/attach-detached.js';
import { attach, detachMount, detachOutcome } from '../../engine/kernel/attach-mount.js';
import { FS_TYPE, type MountEntry, readMountinfo, topMountAt } from '../../engine/kernel/attach-mountinfo.js';
import { widenReadAhead } from '../../engine/kernel/read-ahead.js';
import { messageOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import type { MountedPlace } from '../../linux/mounts/held-mount-point.js';
import { CAP_SYS_ADMIN, hasCapability } from '../../linux/process/process.js';
import { displayName } from '../../vfs/name.js';
import {
  isWhollyReadOnly,
  type MountConfig,
  type ResolvedMount,
  type ServeRequest,
} from '../config/mount-config.js';
import {
  keepSources,
  noSources,
  prepareSources,
  releaseSources,
  resumeSources,
} from '../config/prepare-sources.js';
import { selinuxContexts } from '../config/presentation-options.js';
import { withRemoteVolumes } from '../config/remote-source.js';
import { checkUpperLayers } from '../config/upper-layers.js';
import { removeWork, validateConfig } from '../config/validate-config.js';
import { busyMount } from '../messages/busy-mount.js';
import { serveControl } from '../messages/control.js';
import { CONTROL_SOCKET } from '../messages/control-client.js';
import { newGate } from '../messages/gate.js';
import { holdLayers } from '../run-directory/layer-locks.js';
import {
  type RunState,
  removeRunDirectory,
  runDirectory,
  runStateOf,
  tellRunState,
  writeRunState,
} from '../run-directory/run-state.js';
import { unmountStranded } from '../run-directory/stranded-mount.js';
import { lockUpper } from '../run-directory/upper-lock.js';
import { keepThreadCode, stopServingThreads } from '../session/serving-threads.js';
import type { Features, MountSession, SessionEnd } from '../session/session.js';
import { controlHandlers } from './handlers.js';
import { hasRemote, type LeftMount, whyNotKept } from './kept-mount.js';
import { MountChanges } from './mount-changes.js';
import { MountKeeping } from './mount-keeping.js';
import type { PushOrder } from './push-served-upper.js';
import type { ServeHooks } from './serve-hooks.js';
import { asRefusal, type ServeOutcome } from './serve-outcome.js';
import { startSession } from './start-session.js';
import { settles, withTimeout } from './time-limits.js';
import { Watchdog } from './watchdog.js';

/** How long the kernel and the worker may take to greet each other. */
const INIT_TIMEOUT_MS = 10_000;
/** Signals that come so soon after the first are the same wish to stop. */
const ONE_STOP_MS = 1000;
/** How long a session that was told to stop may take. */
const STOP_TIMEOUT_MS = 2_000;

/** Serves one mount to its end, in a process that ends with it. */
export async function serve(request: ServeRequest, hooks: ServeHooks): Promise<ServeOutcome> {
  const mount = new ServedMount(request, hooks);
  const unlisten = mount.listenToSignals();
  const { keeper, log } = hooks;
  if (keeper !== undefined) keeper.onChange = () => mount.noteKeeper();
  new Watchdog({ keeper, outlives: () => mount.endsWithProcess === undefined, log });
  const outcome = await serveMount(mount);
  const areOver = !outcome.isHung && (await stopServingThreads(STOP_TIMEOUT_MS));
  unlisten();
  return { ...outcome, isHung: !areOver };
}

/** Serves one mount to its end. */
export async function serveMount(mount: ServedMount): Promise<ServeOutcome> {
  let outcome: Pick<ServeOutcome, 'code' | 'error'>;
  try {
    outcome = { code: await mount.run() };
  } catch (error) {
    outcome = { code: 1, error: asRefusal(error, mount.config.mountpoint) };
  }
  return { ...outcome, isHung: !(await mount.cleanUp()) };
}

interface ServedUnmountOptions {
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
  readonly place?: MountedPlace;
  /** It has no place, but for who has a descriptor of it. */
  readonly detached?: DetachedPlace;
}

export class ServedMount {
  readonly config: MountConfig;
  readonly #request: ServeRequest;
  readonly #hooks: ServeHooks;
  readonly #directory: string;
  #createdAt = new Date().toISOString();
  #session: MountSession | undefined;
  #server: Server | undefined;
  #attached: Standing | undefined;
  #mountId: number | undefined;
  #madeWork = false;
  readonly #sources = noSources();
  readonly #locks: number[] = [];
  #changes: MountChanges | undefined;
  #features: Features = {};
  #isDeviceClosed = false;
  readonly #keeping: MountKeeping;
  /** Nobody waits for it any more that it is attached to nothing for. */
  #isUnwanted = false;
  /** The unmount under way: whoever asked for it is answered before the process ends. */
  #unmounting: Promise<void> = Promise.resolve();
  /** Rejected when a signal ends the wait for a session that may never answer. */
  readonly #givenUp = newGate<never>();
  /** Over when the session is, and what it has promised is on disk, or is not: then the reason. */
  readonly #settledGate = newGate<string | undefined>();
  /** When the first SIGTERM or SIGINT came. */
  #stopAskedMs: number | undefined;

  constructor(request: ServeRequest, hooks: ServeHooks) {
    this.#request = request;
    this.config = request.config;
    this.#hooks = hooks;
    this.#keeping = new MountKeeping(request, hooks);
    this.#givenUp.promise.catch(() => undefined);
    this.#directory = runDirectory(request.runRoot, request.id);
  }

  async run(): Promise<0 | 1> {
    const { config } = this;
    const request = this.#request;
    const { left } = this.#hooks;
    if (left !== undefined) {
      this.#locks.push(...left.locks);
      resumeSources(config, this.#sources, this.#hooks.log);
    } else {
      await unmountStranded(this.#directory);
      // Before the worker starts: it may change the work directory, which must be ours by then.
      this.#madeWork = validateConfig(config).madeWork;
      this.#locks.push(...(await lockUpper(config, request.runRoot)));
      checkUpperLayers(config);
      this.#locks.push(...holdLayers(config));
      prepareSources(config, this.#sources);
    }
    // What another process has left is mounted once its nodes are known.
    const mounts = left === undefined ? withRemoteVolumes(config.mounts, config.engine) : [];
    const session = startSession({ ...config, mounts }, this.#hooks.log);
    this.#session = session;
    this.#server = await serveControl(`${this.#directory}/${CONTROL_SOCKET}`, controlHandlers(this, session));
    await Promise.race([session.ready, this.#givenUp.promise]);
    try {
      if (left === undefined) await this.#attach(session);
      else this.#goOn(session, left);
      await this.#establish(session);
    } catch (error) {
      // Where another process had mounted it, its users are to get errors, and not what lies below.
      if (left === undefined) await this.#abandon();
      throw error;
    }
    const aborted = this.#givenUp.promise.catch((): SessionEnd => ({ reason: 'aborted' }));
    return this.#finish(await Promise.race([session.ended, aborted]));
  }

  /** From the mount to the word that it answers. */
  async #establish(session: MountSession): Promise<void> {
    if (this.#stopAskedMs !== undefined) throw this.#stopped();
    const initialized = Promise.race([session.initialized, this.#givenUp.promise]);
    this.#features = await withTimeout(initialized, INIT_TIMEOUT_MS);
    const { config } = this;
    const [sources, locks, directory] = [this.#sources, this.#locks, this.#directory];
    this.#mountId ??= topMountAt(readMountinfo(), config.mountpoint)?.mountId;
    if (this.#attached?.fuseFd !== undefined) {
      const { fuseFd } = this.#attached;
      const onChange = (): void => writeRunState(directory, this.state());
      this.#changes = new MountChanges({ config, session, fuseFd, sources, locks, onChange });
    }
    if (this.#features.resend === true && !session.isNotKept) this.#keeping.begin();
    const state = this.state();
    writeRunState(directory, state);
    session.onEnding = () => this.#tellEnding();
    keepSources(sources);
    this.#hooks.onMounted(state);
    if (config.engine === 'kernel') keepThreadCode();
  }

  async #attach(session: MountSession): Promise<void> {
    const { config } = this;
    if (config.engine === 'fuse-native') {
      this.#attached = { privileged: hasCapability(CAP_SYS_ADMIN) };
      session.mount();
      return;
    }
    const readOnly = isWhollyReadOnly(config);
    const contexts = selinuxContexts(config.unionOptions);
    const attached: Standing & { readonly fuseFd: number } =
      config.isDetached === true ? attachDetached(config) : await attach({ ...config, readOnly, contexts });
    this.#attached = attached;
    if (this.#isUnwanted) throw new UserError(`cannot mount '${this.#name}': who asked for it is gone`);
    const mounted = attached.detached ?? topMountAt(readMountinfo(), config.mountpoint);
    this.#mountId = mounted?.mountId;
    if (mounted !== undefined) widenReadAhead(mounted.device);
    writeRunState(this.#directory, { ...this.state(), isStarting: true });
    const [{ fuseFd }, locks] = [attached, this.#locks];
    session.serve(fuseFd, locks, this.#keeping.hold({ fuseFd, locks }));
  }

  /** Serves on what another process has left. */
  #goOn(session: MountSession, left: LeftMount): void {
    const { fuseFd, state, handed } = left;
    this.#attached = { privileged: state.privileged, fuseFd };
    [this.#mountId, this.#createdAt] = [state.mountId, state.createdAt];
    this.#keeping.adopt(left);
    session.serve(fuseFd, this.#locks, handed);
  }

  /** Why the mount would not outlive this process; undefined where it would. */
  get endsWithProcess(): string | undefined {
    if (this.#keeping.isKept) return undefined;
    const { engine } = this.config;
    const { mounts } = this.#changes ?? this.config;
    return whyNotKept({ mounts, engine }, this.#features, this.#hooks.keeper);
  }

  /** This process's descriptor of a mount that has no place; undefined when it was let go of. */
  get detachedFd(): number | undefined {
    return this.#attached?.detached?.fd;
  }

  /** Lets go of a mount without a place: the command that asked for it has it, or is gone. */
  releaseDetached(): void {
    this.#isUnwanted = true;
    this.#attached?.detached?.release();
  }

  /** Another process keeps it. */
  noteKeeper(): void {
    if (this.#keeping.isKept) tellRunState(this.#directory, this.state(), this.#hooks.log);
  }

  /** The next mount that wants upper waits for this one; for a shorter time where that cannot be told. */
  #tellEnding(): void {
    tellRunState(this.#directory, { ...this.state(), isEnding: true }, this.#hooks.log);
  }

  /** What other processes may know. */
  state(): RunState {
    const privileged = this.#attached?.privileged ?? false;
    const [mountId, createdAt] = [this.#mountId, this.#createdAt];
    const { mounts, layers } = this.currentConfig;
    const { isShared = false, isForeground = false } = this.#hooks;
    const [{ keeperPid }, endsBecause] = [this.#keeping, this.endsWithProcess];
    const process = { isShared, isForeground, endsBecause, keeperPid };
    const state = runStateOf(this.#request, { privileged, mountId, mounts, createdAt, ...process });
    return { ...state, layers };
  }

  status(): Record<string, unknown> {
    const limits = this.config.engine === 'fuse-native' ? LIMITS.map((limit) => limit.text) : [];
    return { ...this.state(), features: this.#features, limits };
  }

  /** What it is now, to be mounted once more. */
  get currentConfig(): MountConfig {
    return this.#changes?.config ?? this.config;
  }

  /** What upper holds becomes a layer. @throws UserError; then upper is what it was. */
  async pushUpper(order: PushOrder): Promise<void> {
    const changes = this.#changeable();
    const wasKept = this.#keeping.isKept;
    // The records of its nodes name layers by their places.
    this.#keeping.stop();
    try {
      await changes.pushUpper(order, this.#request.runRoot);
    } finally {
      if (wasKept) await this.#keepAnew();
    }
  }

  /** The layers may be others. */
  async #keepAnew(): Promise<void> {
    const { fuseFd = -1 } = this.#attached ?? {};
    const [session, locks] = [this.#session, this.#locks];
    if (session === undefined || session.isOver) return;
    try {
      await this.#keeping.renew(this.currentConfig, { fuseFd, locks }, session);
    } catch (error) {
      // The change itself is done, or refused for a reason of its own.
      if (!(error instanceof UserError)) throw error;
      this.#hooks.log(`the mount ends with this process: ${error.message}`);
    }
    writeRunState(this.#directory, this.state());
  }

  /** Mounts one more. @throws UserError. */
  async addMount(mount: ResolvedMount): Promise<void> {
    const changes = this.#changeable();
    // What a thread of its own serves is not kept.
    if (hasRemote({ ...this.config, mounts: [mount] })) this.#keeping.stop();
    await changes.add(mount);
  }

  /** @throws UserError when nothing is mounted at the target, or something inside of it. */
  async removeMount(target: string): Promise<void> {
    await this.#changeable().remove(target);
  }

  #changeable(): MountChanges {
    if (this.#changes !== undefined) return this.#changes;
    throw new UserError(`cannot change the mounts of '${this.#name}': not with the engine fuse-native`);
  }

  /**
   * Unmounts; the session then ends by itself when the kernel lets go.
   * @throws UserError when it is busy and not to be lazy, or hidden below another mount.
   */
  async unmount({ lazy, durable }: ServedUnmountOptions): Promise<void> {
    const top = this.#topMount();
    if (!top || !this.#attached) throw new UserError(`'${this.#name}' is not mounted`);
    if (top.mountId !== this.#mountId) {
      throw new UserError(`cannot unmount '${this.#name}': a mount of type ${top.type} is on top of it`, {
        hint: `umount '${this.#name}' first`,
      });
    }
    if (durable) this.#session?.promiseDisk();
    const detached = this.#detach({ lazy });
    this.#unmounting = detached.catch(() => undefined);
    try {
      await detached;
    } catch (error) {
      throw detachOutcome(error) === 'busy' ? busyMount(this.#name, error) : error;
    }
  }

  /** The mount that is on top where ours is, also when a directory above has got another name since. */
  #topMount(): MountEntry | undefined {
    const entries = readMountinfo();
    const own = entries.find(({ mountId }) => mountId === this.#mountId);
    return topMountAt(entries, own?.mountpoint ?? this.config.mountpoint);
  }

  async #detach({ lazy }: { readonly lazy: boolean }): Promise<void> {
    const { privileged = false, place } = this.#attached ?? {};
    await detachMount(this.config.mountpoint, { lazy, privileged, place });
  }

  /** At the end: why what was written, and promised, is not on disk. */
  lost(): Promise<string | undefined> {
    return this.#settledGate.promise;
  }

  /** After `unmount()`: when it has ended. @throws UserError when what was written is not on disk. */
  async settled(): Promise<void> {
    const notOnDisk = await this.lost();
    if (notOnDisk !== undefined) throw new UserError(`'${this.#name}' is unmounted, but ${notOnDisk}`);
  }

  /** SIGTERM and SIGINT unmount, lazily when busy; another one a second later aborts. SIGHUP is the terminal's, not ours. */
  listenToSignals(): () => void {
    const stop = (): void => this.stop();
    const ignore = () => undefined;
    process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGHUP', ignore);
    return () => process.off('SIGTERM', stop).off('SIGINT', stop).off('SIGHUP', ignore);
  }

  /** As the signals ask for. */
  stop(): void {
    void this.#onStopSignal().catch((error: unknown) => this.#hooks.log(`cannot stop: ${String(error)}`));
  }

  async #onStopSignal(): Promise<void> {
    if (this.#stopAskedMs !== undefined) {
      // A service manager and a terminal tell the group and the process: that is one wish.
      if (performance.now() - this.#stopAskedMs < ONE_STOP_MS) return;
      return this.#abort();
    }
    this.#stopAskedMs = performance.now();
    this.#hooks.onStopping?.();
    if (!this.#attached) return this.#givenUp.reject(this.#stopped());
    try {
      await this.unmount({ lazy: false, durable: true });
    } catch (error) {
      this.#hooks.log(`${messageOf(error)}; detached lazily, serving until it is free`);
      await this.unmount({ lazy: true, durable: true });
    }
  }

  /** Closing /dev/fuse aborts the connection: whoever still uses the mount gets ENOTCONN. */
  async #abort(): Promise<void> {
    this.#hooks.log('second signal: aborting');
    await this.#abandon();
    if (this.#session && !(await settles(this.#session.ended, STOP_TIMEOUT_MS))) {
      this.#givenUp.reject(this.#stopped());
    }
  }

  #stopped(): UserError {
    return new UserError(`cannot mount on '${this.#name}': stopped by a signal`);
  }

  /** Takes the mount's name away, and stops the session. */
  async #abandon(): Promise<void> {
    this.#session?.stop();
    await this.#detachQuietly();
  }

  async #detachQuietly(): Promise<void> {
    if (!this.#attached) return;
    const top = this.#topMount();
    // Without an id the session was to mount and has not said that it did; the checks found no FUSE mount here.
    if (top?.type !== FS_TYPE || top.mountId !== (this.#mountId ?? top.mountId)) return;
    try {
      await this.#detach({ lazy: true });
    } catch (error) {
      if (detachOutcome(error) !== 'gone')
        this.#hooks.log(`cannot unmount '${this.#name}': ${String(error)}`);
    }
  }

  async #finish(end: SessionEnd): Promise<0 | 1> {
    if (end.error) this.#hooks.log(`session ${end.reason}: ${end.error.stack ?? end.error.message}`);
    if (end.notOnDisk !== undefined) this.#hooks.log(end.notOnDisk);
    this.#settledGate.resolve(end.notOnDisk);
    // First the descriptor: an unmount writes back dirty pages, to a session that answers no more.
    this.#closeDevice();
    await this.#unmounting;
    // The number of what is gone may be that of another mount by now, at the same place. The second engine does not tell.
    const isGone = end.reason === 'unmounted' && this.config.engine === 'kernel';
    if (!isGone) await this.#detachQuietly();
    // Those who wait for it are answered before the process ends.
    await setImmediate();
    if (end.notOnDisk !== undefined) return 1;
    if (end.reason === 'unmounted' || (this.#stopAskedMs !== undefined && end.reason !== 'crashed')) return 0;
    this.#hooks.log(`the mount at '${this.#name}' ended: ${end.reason}`);
    return 1;
  }

  #closeDevice(): void {
    const fuseFd = this.#attached?.fuseFd;
    if (fuseFd === undefined || this.#isDeviceClosed) return;
    this.#isDeviceClosed = true;
    this.#keeping.empty();
    closeSync(fuseFd);
  }

  /** Stops what still runs and takes away what this start has made; false when the session does not end. */
  async cleanUp(): Promise<boolean> {
    this.#server?.close();
    this.#attached?.detached?.release();
    this.#session?.stop();
    const ended = this.#session?.ended;
    const isOver =
      this.#session === undefined ||
      (await settles(this.#session.ended, STOP_TIMEOUT_MS)) ||
      (this.#session.kill() && (await settles(this.#session.ended, STOP_TIMEOUT_MS)));
    const isLeftBehind = isOver && (await ended)?.isHung === true;
    // A thread that hangs may use it yet.
    this.#keeping.close({ isOver });
    const isNotifying = this.#changes?.isNotifying === true;
    this.#changes?.close();
    // A thread that cannot be ended would keep the locks with the rest of the process.
    for (const fd of this.#locks) closeSync(fd);
    releaseSources(this.#sources, { stood: this.#attached !== undefined });
    if (this.#madeWork && !this.#attached) removeWork(this.config);
    removeRunDirectory(this.#directory);
    return isOver && !isLeftBehind && !isNotifying;
  }

  get #name(): string {
    return displayName(this.config.mountpoint);
  }
}
