/**
 * Whether one mount outlives its process: the store with what it needs (kept-mount.ts), and whether the keeper has that.
 *
 * INVARIANT: the keeper has a store only while the session's records in it are whole.
 */

import type { DescriptorStore } from '../../linux/io/descriptor-store.js';
import type { MountConfig, ServeRequest } from '../config/mount-config.js';
import type { MountSession } from '../session/session.js';
import { keepMount, type LeftMount, letGoOf } from './kept-mount.js';
import type { ServeHooks } from './serve-hooks.js';

interface HeldByMount {
  readonly fuseFd: number;
  readonly locks: readonly number[];
}

const RENEW_LIMIT_MS = 60_000;

export class MountKeeping {
  readonly #request: ServeRequest;
  readonly #hooks: ServeHooks;
  #store: DescriptorStore | undefined;
  #isKept: boolean;

  constructor(request: ServeRequest, hooks: ServeHooks) {
    this.#request = request;
    this.#hooks = hooks;
    this.#isKept = hooks.left !== undefined;
  }

  get isKept(): boolean {
    return this.#isKept;
  }

  get keeperPid(): number | undefined {
    return this.#isKept ? this.#hooks.keeper?.pid : undefined;
  }

  /** @returns the store that the session is to fill; undefined where the mount ends with this process. */
  hold(held: HeldByMount): DescriptorStore | undefined {
    if (this.#hooks.keeper === undefined) return undefined;
    this.#store = keepMount(this.#request, held, this.#hooks.log);
    return this.#store;
  }

  /** Goes on with the store of a process that is gone. */
  adopt({ store }: LeftMount): void {
    this.#store = store;
  }

  /** The session has filled the store: from now on the mount outlives this process. */
  begin(): void {
    if (this.#isKept || this.#store === undefined) return;
    this.#hooks.keeper?.add(this.#request.id, this.#store);
    this.#isKept = true;
  }

  /** No other process is to go on with it. */
  stop(): void {
    if (!this.#isKept) return;
    this.#isKept = false;
    this.#hooks.keeper?.remove(this.#request.id);
  }

  /** The mount has another configuration, and its session other records. PRECONDITION: `stop()` was called. @throws UserError */
  async renew(config: MountConfig, held: HeldByMount, session: MountSession): Promise<void> {
    const store = keepMount({ ...this.#request, config }, held, this.#hooks.log);
    if (store === undefined) return;
    const { inward, outward } = store;
    const { isKept } = (await session.request('keepAnew', { inward, outward }, RENEW_LIMIT_MS)) as {
      isKept: boolean;
    };
    this.#store?.close();
    this.#store = store;
    if (isKept) this.begin();
  }

  /** The device is about to be closed: with what is in the store the mount would live on. */
  empty(): void {
    this.stop();
    this.#store?.empty();
  }

  /** @param isOver whether no thread uses the store any more. */
  close({ isOver }: { readonly isOver: boolean }): void {
    this.stop();
    const { left } = this.#hooks;
    if (left !== undefined && this.#store === undefined) letGoOf(left);
    this.#store?.empty();
    if (isOver) this.#store?.close();
  }
}
