/**
 * The remote storages of a mount, seen from the session worker: starts a thread for each, has it open sources, and knows
 * which mount is served where.
 */

import { MessageChannel } from 'node:worker_threads';
import { type RemoteOwner, RemoteRouter } from '../../../engine/remote/remote-router.js';
import { makeRemoteSlots } from '../../../engine/remote/remote-slots.js';
import { RemoteStorage } from '../../../engine/remote/remote-storage.js';
import { startKeptThread } from '../../../engine/threads/start-kept-thread.js';
import { UserError } from '../../../errno/user-error.js';
import type { PointChange } from '../../../mounts/points/mount-attachments.js';
import { rootOf } from '../../../mounts/points/mount-table.js';
import type { MountedFileSystem } from '../../../mounts/points/mounted-file-system.js';
import { RemoteStandIn, type RemoteThread } from '../../../mounts/remote/remote-stand-in.js';
import type { Name } from '../../../vfs/name.js';
import { nodeOwner } from '../../../vfs/node-id.js';
import type { ResolvedMount } from '../../config/mount-config.js';
import {
  type OpenedRemote,
  openLimitMs,
  type RemoteCommand,
  type RemoteEvent,
  type RemoteThreadData,
  silence,
} from '../../messages/remote-messages.js';
import { REMOTE_WORKER } from '../thread-entries.js';

/** How long the walk to a target may wait for one name on remote storage; while it does the whole mount waits. */
const CALL_LIMIT_MS = 5_000;
const SERVING_CALL_LIMIT_MS = 300;
/** How long a thread that is told to stop may take before it counts as one that hangs. */
const STOP_LIMIT_MS = 300;
/** vfs/inode-numbers.ts: those below are the loop's; eight storages have numbers of their own, more share them. */
const FIRST_STRIDE = 16;
const STRIDES = 8;

interface RemoteHostOptions {
  readonly mounted: MountedFileSystem;
  readonly mountpoint: Name;
  readonly wakeFd: number;
  readonly fileLimit: number;
  readonly log: (line: string) => void;
}

type OpenOutcome = OpenedRemote | UserError;

export class RemoteHost {
  readonly router: RemoteRouter;
  readonly #options: RemoteHostOptions;
  readonly #threads = new Map<string, { readonly storage: RemoteStorage; readonly owners: Set<number> }>();
  readonly #places: (RemoteOwner | undefined)[] = [];
  readonly #outcomes = new Map<number, OpenOutcome>();
  readonly #awaited = new Map<number, (outcome: OpenOutcome) => void>();
  #serving: { readonly fuseFd: number; readonly setxattrExt: boolean } | undefined;
  #started = 0;

  constructor(options: RemoteHostOptions) {
    this.#options = options;
    const { table } = options.mounted;
    this.router = new RemoteRouter({
      of: (node) => this.#places[nodeOwner(node)],
      at: (parent, name) => this.#places[table.get(parent, name)?.owner ?? nodeOwner(parent)],
      rootAt: (parent, name) => table.get(parent, name)?.node,
    });
  }

  /** Has the source of a remote mount opened, by the thread of its storage. @returns the number of its stand-in. */
  open(mount: ResolvedMount, onOutcome?: (outcome: OpenOutcome) => void): number {
    const { mounted } = this.#options;
    const thread = this.#threadOf(mount);
    const { storage } = thread;
    const owner = mounted.add(new RemoteStandIn(this.#asThread(storage)));
    thread.owners.add(owner);
    this.#places[owner] = { storage, timeoutMs: mount.request.timeoutMs ?? Number.POSITIVE_INFINITY };
    if (onOutcome !== undefined) this.#awaited.set(owner, onOutcome);
    order(storage, { kind: 'open', owner, mount });
    return owner;
  }

  /**
   * Waits until a source is open.
   * @throws UserError: why it is not, also when the storage says nothing in time.
   */
  awaitOpened(owner: number, mount: ResolvedMount): OpenedRemote {
    const limitMs = openLimitMs(mount);
    this.#places[owner]?.storage.waitUntil(() => this.#outcomes.has(owner), limitMs);
    const outcome = this.#outcomes.get(owner) ?? silence(mount);
    if (outcome instanceof UserError) throw outcome;
    return outcome;
  }

  /** The mount points are the same in all threads. */
  tell(change: PointChange): void {
    for (const { storage } of this.#threads.values()) {
      order(storage, { kind: 'point', change });
    }
  }

  /** Nothing is mounted from it any more; the thread lets go of it with its last user. */
  remove(owner: number): void {
    const storage = this.#places[owner]?.storage;
    if (storage !== undefined) order(storage, { kind: 'remove', owner });
  }

  /** From now on requests come. */
  serve(fuseFd: number, { setxattrExt }: { readonly setxattrExt: boolean }): void {
    this.#serving = { fuseFd, setxattrExt };
    for (const { storage } of this.#threads.values()) storage.send({ kind: 'serve', fuseFd, setxattrExt });
  }

  /** The mount never came about. */
  undo(): void {
    for (const { storage } of this.#threads.values()) order(storage, { kind: 'undo' });
  }

  /** Ends the threads. @returns false when one hangs. */
  stop(): boolean {
    return this.router.stop(STOP_LIMIT_MS);
  }

  /** How many requests wait for the storage of a mount, and for how long the oldest has. */
  waiting(owner: number): { readonly requests: number; readonly oldestMs: number } | undefined {
    const storage = this.#places[owner]?.storage;
    if (storage === undefined) return undefined;
    const oldestMs = Math.round(storage.stalledMs(performance.now()));
    return { requests: storage.waiting().length, oldestMs };
  }

  #threadOf({ remote }: ResolvedMount): { readonly storage: RemoteStorage; readonly owners: Set<number> } {
    const key = remote!.device;
    const known = this.#threads.get(key);
    if (known !== undefined) return known;
    const thread = { storage: this.#start(key), owners: new Set<number>() };
    this.#threads.set(key, thread);
    this.router.storages.push(thread.storage);
    for (const [directory, name, point] of this.#options.mounted.table.all()) {
      order(thread.storage, { kind: 'point', change: { directory, name, point } });
    }
    if (this.#serving !== undefined) thread.storage.send({ kind: 'serve', ...this.#serving });
    return thread;
  }

  #start(key: string): RemoteStorage {
    const { wakeFd, mountpoint, fileLimit, log } = this.#options;
    const words = makeRemoteSlots();
    const { port1, port2 } = new MessageChannel();
    const workerData: RemoteThreadData = {
      words: words.buffer as SharedArrayBuffer,
      port: port2,
      wakeFd,
      mountpoint,
      fileLimit,
      firstStride: FIRST_STRIDE + (this.#started++ % STRIDES),
    };
    startKeptThread(REMOTE_WORKER, { workerData, transferList: [port2] }).unref();
    return new RemoteStorage({
      port: port1,
      words,
      log,
      onEvent: (event) => this.#hear(key, event as RemoteEvent),
    });
  }

  #hear(key: string, event: RemoteEvent): void {
    const { owner } = event;
    if (event.kind === 'unused') {
      this.#forget(key, owner);
      this.#options.mounted.drop(owner);
      return;
    }
    const outcome =
      event.kind === 'opened' ? event.opened : new UserError(event.message, { hint: event.hint });
    if (event.kind === 'opened') {
      this.#places[owner]?.storage.setRootAttr(rootOf(owner), event.opened.root);
    } else this.#forget(key, owner);
    this.#outcomes.set(owner, outcome);
    this.#awaited.get(owner)?.(outcome);
    this.#awaited.delete(owner);
  }

  /** A thread that serves nothing any more ends. */
  #forget(key: string, owner: number): void {
    const thread = this.#threads.get(key);
    if (thread === undefined) return;
    thread.owners.delete(owner);
    this.#places[owner] = undefined;
    if (thread.owners.size > 0) return;
    this.#threads.delete(key);
    this.router.storages.splice(this.router.storages.indexOf(thread.storage), 1);
    thread.storage.send({ kind: 'stop' });
  }

  #asThread(storage: RemoteStorage): RemoteThread {
    const limitMs = (): number => (this.#serving === undefined ? CALL_LIMIT_MS : SERVING_CALL_LIMIT_MS);
    return {
      lookup: (parent, name) => {
        const answer = storage.call({ name: 'lookup', parent, child: name }, limitMs());
        return 'found' in answer && answer.found ? answer : undefined;
      },
      readlink: (node) => {
        const answer = storage.call({ name: 'readlink', node }, limitMs());
        return 'content' in answer ? answer.content : '';
      },
      forget: (node, count) => storage.send({ kind: 'forget', node, count }),
      entered: (node) => storage.send({ kind: 'entered', node }),
      rootAttr: (node) => storage.rootAttr(node),
    };
  }
}

function order(storage: RemoteStorage, what: RemoteCommand): void {
  storage.send({ kind: 'order', order: what });
}
