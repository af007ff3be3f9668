/**
 * Mounts that come and go while the mount is served: the main thread's part. The session worker changes the table of
 * mount points between two requests, then the kernel is told to forget the names (notifier.ts), then who asked is told.
 *
 * INVARIANT: one change at a time, so that `mounts` is in the order in which they were made.
 */

import { closeSync } from 'node:fs';
import { hasCode } from '../../errno/error-code.js';
import { UserError } from '../../errno/user-error.js';
import { type Name, nameFromText } from '../../vfs/name.js';
import { isWhollyReadOnly, type MountConfig, type ResolvedMount } from '../config/mount-config.js';
import {
  keepSources,
  noSources,
  type PreparedSources,
  prepareSources,
  releaseSources,
} from '../config/prepare-sources.js';
import { withRemoteVolumes } from '../config/remote-source.js';
import type { Renewed } from '../messages/mount-report.js';
import { openLimitMs, silence } from '../messages/remote-messages.js';
import { holdLayers } from '../run-directory/layer-locks.js';
import { Notifier } from '../session/notifier.js';
import type { MountSession } from '../session/session.js';
import { type PushOrder, pushServedUpper } from './push-served-upper.js';

const CHANGE_TIMEOUT_MS = 5_000;
const NOTIFY_TIMEOUT_MS = 2_000;
const FIRST_SWEEP_MS = 200;
const LAST_SWEEP_MS = 30_000;

interface ChangesOptions {
  readonly config: MountConfig;
  readonly session: MountSession;
  readonly fuseFd: number;
  /** What the whole mount has of its sources. */
  readonly sources: PreparedSources;
  /** Descriptors that hold what the mount uses, until it ends. */
  readonly locks: number[];
  /** After each change. */
  readonly onChange: () => void;
}

interface Lingering {
  /** How many that were taken away are still in use. */
  readonly mounts: number;
  readonly renewed: readonly Renewed[];
}

export class MountChanges {
  readonly #options: ChangesOptions;
  readonly #notifier: Notifier;
  #mounts: readonly ResolvedMount[];
  #last: Promise<unknown> = Promise.resolve();
  #sweep: NodeJS.Timeout | undefined;
  readonly #pushed: Name[] = [];

  constructor(options: ChangesOptions) {
    this.#options = options;
    this.#mounts = options.config.mounts;
    this.#notifier = new Notifier(options.fuseFd);
    options.session.onUnused = (mount) => this.#release(mount);
  }

  /** What is mounted over the union now. */
  get mounts(): readonly ResolvedMount[] {
    return this.#mounts;
  }

  /** What the mount is by now. */
  get config(): MountConfig {
    const { config } = this.#options;
    return { ...config, mounts: this.#mounts, layers: [...config.layers, ...this.#pushed] };
  }

  get isNotifying(): boolean {
    return this.#notifier.isBusy;
  }

  close(): void {
    clearTimeout(this.#sweep);
    this.#notifier.close();
  }

  /** @throws UserError; then nothing is left of it. */
  add(mount: ResolvedMount): Promise<void> {
    return this.#inTurn(() => this.#add(mount));
  }

  /** @throws UserError */
  remove(target: string): Promise<void> {
    return this.#inTurn(() => this.#remove(target));
  }

  /** What upper holds becomes a layer. @throws UserError; then upper is what it was. */
  pushUpper(order: PushOrder, runRoot: string): Promise<void> {
    return this.#inTurn(async () => {
      this.#pushed.push(await pushServedUpper(order, { ...this.#options, runRoot }));
      this.#options.onChange();
    });
  }

  /** Layers that have been its upper. */
  get pushed(): readonly Name[] {
    return this.#pushed;
  }

  async #add(mount: ResolvedMount): Promise<void> {
    const { config, session } = this.#options;
    const { request } = mount;
    if (isWhollyReadOnly(config) && !request.readOnly) {
      throw new UserError(`cannot mount '${request.spec}': the whole mount is read-only`, {
        hint: 'mount it read-only, or start with an upper or a writable mount',
      });
    }
    const own = noSources();
    const held: number[] = [];
    try {
      prepareSources({ ...config, mounts: [mount] }, own);
      held.push(...holdLayers({ mountpoint: config.mountpoint, layers: [], mounts: [mount] }));
      const [wanted] = withRemoteVolumes([mount], config.engine);
      mount = wanted ?? mount;
      const reply =
        mount.remote !== undefined ? await this.#askRemote(mount) : await this.#ask(mount, CHANGE_TIMEOUT_MS);
      keepSources(own);
      this.#options.locks.push(...held);
      this.#options.sources.uses.push(...own.uses);
      this.#mounts = [...this.#mounts, mount];
      await this.#settle(reply);
    } catch (error) {
      if (this.#mounts.includes(mount)) throw error;
      for (const fd of held) closeSync(fd);
      releaseSources(own, { stood: false });
      await session.request('mountAbandon', { target: request.target }, CHANGE_TIMEOUT_MS);
      throw error;
    }
  }

  #ask(mount: ResolvedMount, limitMs: number): Promise<unknown> {
    return this.#options.session.request('mountAdd', { mount }, limitMs);
  }

  /** A session that is silent waits for the storage. */
  async #askRemote(mount: ResolvedMount): Promise<unknown> {
    try {
      return await this.#ask(mount, openLimitMs(mount));
    } catch (error) {
      if (hasCode(error, 'ERR_NO_ANSWER')) throw silence(mount);
      throw error;
    }
  }

  async #remove(target: string): Promise<void> {
    const reply = await this.#options.session.request('mountRemove', { target }, CHANGE_TIMEOUT_MS);
    this.#mounts = this.#mounts.filter(({ request }) => request.target !== target);
    await this.#settle(reply);
    this.#sweepLater(FIRST_SWEEP_MS);
  }

  /**
   * What was open when its mount went keeps its name in the kernel's cache, unreachable, until memory runs short; and with
   * it the volume. So the kernel is told of such names until none is left.
   */
  #sweepLater(afterMs: number): void {
    clearTimeout(this.#sweep);
    this.#sweep = setTimeout(() => {
      void this.#sweepNow().then((isDone) => {
        if (!isDone) this.#sweepLater(Math.min(2 * afterMs, LAST_SWEEP_MS));
      });
    }, afterMs).unref();
  }

  /** @returns whether nothing is left. */
  async #sweepNow(): Promise<boolean> {
    try {
      const reply = await this.#options.session.request('lingering', {}, CHANGE_TIMEOUT_MS);
      const { mounts, renewed } = reply as Lingering;
      if (renewed.length > 0) await this.#notifier.forget(renewed, NOTIFY_TIMEOUT_MS);
      return mounts === 0;
    } catch (error) {
      // The session is silent, or a directory is in use; when the session has ended so has this process.
      if (!(error instanceof UserError)) throw error;
      return false;
    }
  }

  async #settle(reply: unknown): Promise<void> {
    this.#options.onChange();
    const { renewed } = reply as { readonly renewed: readonly Renewed[] };
    await this.#notifier.forget(renewed, NOTIFY_TIMEOUT_MS);
  }

  /** The volume may be removed, and its storage unmounted, unless another mount of ours has a use of its own. */
  #release({ hostPath }: ResolvedMount): void {
    if (hostPath === undefined) return;
    const { uses } = this.#options.sources;
    const index = uses.findIndex(({ path }) => nameFromText(path) === hostPath);
    if (index >= 0) uses.splice(index, 1)[0]?.[Symbol.dispose]();
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const done = this.#last.then(change);
    this.#last = done.catch(() => undefined);
    return done;
  }
}
