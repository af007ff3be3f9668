/** What a session serves, built from its configuration: the union, and what is mounted over it, now and later. */

import { tmpdir } from 'node:os';
import type { FarRouter } from '../engine/far/far-router.js';
import { errnoText } from '../errno/errno.js';
import { FsError } from '../errno/fs-error.js';
import { UserError } from '../errno/user-error.js';
import { CallerIds } from '../files/caller-ids.js';
import { DescriptorCache } from '../files/descriptor-cache.js';
import { HeldDescriptors } from '../files/held-descriptors.js';
import { writeToDisk } from '../files/write-to-disk.js';
import { Attachments, type MountOver, type PointChange } from '../mounts/attach-mounts.js';
import { openSource } from '../mounts/open-source.js';
import { openUnion } from '../union/open-union.js';
import type { UnionFileSystem } from '../union/union-file-system.js';
import type { FileSystem, Session } from '../vfs/file-system.js';
import { InodeNumbers } from '../vfs/inode-numbers.js';
import { displayName, type Name } from '../vfs/name.js';
import { cachedDescriptors } from './descriptor-shares.js';
import { FarHost } from './far-host.js';
import type { Opened } from './far-orders.js';
import type { MountConfig, ResolvedMount } from './mount-config.js';
import type { MountReport, Renewed } from './mount-report.js';
import { type ImageContext, openImage } from './open-image.js';
import { why } from './why.js';
import type { InspectName } from './worker-messages.js';

export interface BuildOptions {
  /** CAP_SYS_ADMIN. */
  readonly privileged: boolean;
  /** How many descriptors the process may have open. */
  readonly fileLimit: number;
  /** Told when nothing of a mount that was taken away is in use any more. */
  readonly onUnused?: (mount: ResolvedMount) => void;
  /** Where threads for far storage can be had; else it is served in the loop like all else. */
  readonly threads?: { readonly wakeFd: number; readonly log: (line: string) => void };
}

export type AddOutcome = readonly Renewed[] | UserError;

interface Served {
  readonly mount: ResolvedMount;
  readonly owner: number;
  /** Of what is served here. */
  readonly fileName?: Name | undefined;
  /** For far storage: what its thread found. */
  opened?: Opened;
}

export class ServedTree {
  readonly #union: UnionFileSystem;
  readonly #context: ImageContext;
  readonly #attachments: Attachments;
  readonly #far: FarHost | undefined;
  readonly #served = new Map<string, Served>();
  /** Targets of far mounts whose storage has not answered yet. */
  readonly #coming = new Set<string>();
  /** Mounts that were taken away while in use, by the number of their file system. */
  readonly #leaving = new Map<number, ResolvedMount>();
  #changes: Renewed[] = [];
  #isPromised = false;

  /** @throws UserError, FsError when layers or upper cannot be opened. */
  constructor(config: MountConfig, options: BuildOptions) {
    const { privileged, fileLimit, threads } = options;
    const descriptorLimit = cachedDescriptors(fileLimit);
    const held = new HeldDescriptors(fileLimit);
    const inodeNumbers = new InodeNumbers();
    const callerIds = new CallerIds(privileged);
    this.#union = openUnion({
      layers: config.layers,
      dataLayers: config.dataLayers ?? [],
      upper: config.upper,
      work: config.work,
      readOnly: config.readOnly,
      volatile: config.volatile,
      accessTimes: config.vfsOptions.filter((word) => /atime$/.test(word)),
      passthrough: config.passthrough,
      xattrNamespace: config.xattrNamespace,
      readsFuseOverlayfs: config.unionOptions.compat === 'fuse-overlayfs',
      privileged,
      inodeNumbers,
      callerIds,
      descriptorLimit,
      held,
    });
    this.#context = {
      xattrNamespace: config.xattrNamespace,
      descriptorLimit,
      privileged,
      mountpoint: config.mountpoint,
      clones: new Map(),
      privateRoot: process.env.XDG_RUNTIME_DIR ?? tmpdir(),
      callerIds,
      inodeNumbers,
      descriptors: new DescriptorCache(descriptorLimit, held),
    };
    this.#attachments = new Attachments(
      this.#union,
      (change) => this.#onChange(change),
      (owner) => this.#onUnused(owner, options.onUnused),
      callerIds,
    );
    const { mounted } = this.#attachments;
    if (threads !== undefined) {
      const { mountpoint } = config;
      this.#far = new FarHost({ mounted, mountpoint, fileLimit, ...threads });
    }
  }

  /** @throws UserError, FsError when something cannot be opened. */
  mountAll(mounts: readonly ResolvedMount[]): void {
    const far = this.#far;
    const opened = mounts.map((mount): Served => {
      const isFar = mount.far !== undefined && far !== undefined;
      return isFar ? { mount, owner: far.open(mount) } : this.#openHere(mount);
    });
    for (const one of opened) {
      if (one.mount.far !== undefined && far !== undefined) {
        one.opened = far.awaitOpened(one.owner, one.mount);
      }
    }
    this.#attachments.placeAll(opened.map((one) => [asMountOver(one), one.owner]));
    for (const one of opened) this.#served.set(one.mount.request.target, one);
  }

  /** The union alone while nothing is mounted over it. */
  get fs(): FileSystem {
    return this.#served.size === 0 ? this.#union : this.#attachments.mounted;
  }

  /** The union with what is mounted over it. */
  get mounts(): FileSystem {
    return this.#attachments.mounted;
  }

  get router(): FarRouter | undefined {
    return this.#far?.router;
  }

  /** From now on requests come. */
  serve(fuseFd: number, setxattrExt: boolean): void {
    this.#far?.serve(fuseFd, setxattrExt);
  }

  /** Answers `why`, `stats` and `inspect`. @returns a record that can be cloned. */
  inspect(name: InspectName, args: Readonly<Record<string, unknown>>): object {
    if (name === 'why') return this.#why(args);
    const nodes = this.#union.nodeCount;
    if (name === 'stats') return { nodes };
    return { nodes, mounts: [...this.#served.values()].map((one) => this.#report(one)) };
  }

  #why(args: Readonly<Record<string, unknown>>): object {
    const union = this.#union;
    return why(this.#served.size === 0 ? { union } : { union, mounted: this.#attachments.mounted }, args);
  }

  /**
   * Mounts one more.
   * @param done gets the names that show something new, or why it failed; for far storage later, unless `abandon()`
   * came before.
   */
  addMount(mount: ResolvedMount, done: (outcome: AddOutcome) => void): void {
    const { target } = mount.request;
    if (this.#served.has(target) || this.#coming.has(target)) {
      done(new UserError(`Duplicate mount point: ${target}`, { hint: 'take the other away first' }));
      return;
    }
    const far = this.#far;
    if (mount.far === undefined || far === undefined) {
      done(this.#place(() => this.#openHere(mount)));
      return;
    }
    this.#coming.add(target);
    const owner = far.open(mount, (outcome) => {
      const isWanted = this.#coming.delete(target);
      if (outcome instanceof UserError) done(outcome);
      else if (isWanted) done(this.#place(() => ({ mount, owner, opened: outcome })));
      else far.remove(owner);
    });
  }

  /** Who wanted the mount has given up waiting for its storage. */
  abandon(target: string): void {
    this.#coming.delete(target);
  }

  /** @returns the names that show something else. @throws UserError */
  removeMount(target: string): readonly Renewed[] {
    this.#changes = [];
    const served = this.#served.get(target);
    if (served !== undefined) this.#leaving.set(served.owner, served.mount);
    const owner = this.#attachments.remove(target);
    this.#served.delete(target);
    this.#far?.remove(owner);
    return this.#changes;
  }

  /** Of the mounts that were taken away: how many are still in use, and the names that the kernel has in them. */
  lingering(): { readonly mounts: number; readonly renewed: readonly Renewed[] } {
    const owners = [...this.#leaving.keys()];
    const renewed = owners.flatMap((owner) => [...this.#attachments.mounted.namesOf(owner)]);
    return { mounts: owners.length, renewed };
  }

  /** Has the serving thread do what follows as the daemon: the last request may have been one of a mirror. */
  actAsDaemon(): void {
    this.#context.callerIds.restore();
  }

  /** The loop served the union alone so far. @returns what it is to serve now. */
  joinMounts(session: Session): FileSystem {
    this.#attachments.mounted.join(session);
    return this.#attachments.mounted;
  }

  /** When it is unmounted, all that was written is to be on disk. */
  promiseDisk(): void {
    this.#isPromised = true;
  }

  /**
   * Once no more requests come, and before `detach()`: keeps the promise, for upper and for volumes.
   * @returns why it could not be kept.
   */
  keepPromise(): string | undefined {
    if (!this.#isPromised) return undefined;
    const volumes = [...this.#served.values()].filter(
      ({ mount: { request, far } }) => request.type === 'volume' && !request.readOnly && far === undefined,
    );
    const paths = [this.#union.durableUpper, ...volumes.map(({ mount }) => mount.hostPath)];
    try {
      writeToDisk(paths.filter((path) => path !== undefined));
      return undefined;
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      return `what was written is not safe on disk: ${errnoText(error.errno)}`;
    }
  }

  /** The mount never came about. */
  undo(): void {
    this.#far?.undo();
  }

  /** @returns false when a thread hangs in its storage. */
  detach(): boolean {
    const isOver = this.#far?.stop() ?? true;
    this.#attachments.mounted.detach();
    return isOver;
  }

  #openHere(mount: ResolvedMount): Served {
    const { request, hostPath, imageLayers = [] } = mount;
    const { system, fileName } =
      request.type === 'image'
        ? openImage(request, imageLayers, this.#context)
        : openSource(request, hostPath, this.#context);
    return { mount, owner: this.#attachments.mounted.add(system), fileName };
  }

  #place(open: () => Served): AddOutcome {
    this.#changes = [];
    let served: Served | undefined;
    try {
      served = open();
      this.#attachments.place(asMountOver(served), served.owner);
      this.#served.set(served.mount.request.target, served);
      return this.#changes;
    } catch (error) {
      if (served?.opened !== undefined) this.#far?.remove(served.owner);
      else if (served !== undefined) this.#attachments.mounted.drop(served.owner);
      if (error instanceof UserError) return error;
      if (error instanceof FsError) return new UserError(error.message, { cause: error });
      throw error;
    }
  }

  #onUnused(owner: number, tell: BuildOptions['onUnused']): void {
    const mount = this.#leaving.get(owner);
    this.#leaving.delete(owner);
    if (mount !== undefined) tell?.(mount);
  }

  #onChange(change: PointChange): void {
    this.#changes.push({ directory: change.directory, name: change.name });
    this.#far?.tell(change);
  }

  #report({ mount, owner, opened }: Served): MountReport {
    const { request, hostPath, far } = mount;
    const { timeoutMs } = request;
    const common = {
      type: request.type,
      target: request.target,
      source: hostPath === undefined ? '' : displayName(hostPath),
      readOnly: request.readOnly,
      spec: request.spec,
    };
    if (opened === undefined) return { ...common, servedBy: 'loop' };
    const waiting = this.#far?.waiting(owner);
    return {
      ...common,
      servedBy: 'thread',
      ...(far === undefined ? {} : { storage: far.type }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...opened.trial,
      ...(waiting === undefined ? {} : { waiting }),
    };
  }
}

function asMountOver({ mount, opened, fileName }: Served): MountOver {
  const { target, spec } = mount.request;
  return { target, spec, fileName: opened === undefined ? fileName : opened.fileName };
}
