/** What a session serves, built from its configuration: the union, and what is mounted over it, now and later. */

import { tmpdir } from 'node:os';
import { linkCopies } from '../../archive/tree/link-copies.js';
import type { RemoteRouter } from '../../engine/remote/remote-router.js';
import { ENOSPC, EROFS, errnoText } from '../../errno/errno.js';
import { FsError } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import { MountAttachments, type MountOver, type PointChange } from '../../mounts/points/mount-attachments.js';
import type { CallerIds } from '../../realfs/caller-ids.js';
import { DescriptorCache } from '../../realfs/descriptor-cache.js';
import { writeToDisk } from '../../realfs/disk/write-to-disk.js';
import type { HeldDescriptors } from '../../realfs/held-descriptors.js';
import type { RestoredNodes } from '../../realfs/node-keeper.js';
import type { UnionFeatures } from '../../union/form/union-features.js';
import type { ChangeHistory } from '../../union/nodes/change-history.js';
import { openUnion } from '../../union/open-union.js';
import type { NextUpper } from '../../union/renew-upper.js';
import type { UnionFileSystem } from '../../union/union-file-system.js';
import { StatFs } from '../../vfs/attr.js';
import type { FileSystem, Session } from '../../vfs/file-system.js';
import { InodeNumbers } from '../../vfs/inode-numbers.js';
import { displayName, type Name } from '../../vfs/name.js';
import { type NodeId, nodeId, nodeOwner, ROOT_NODE } from '../../vfs/node-id.js';
import { unionFeatures } from '../config/check-union-options.js';
import type { MountConfig, ResolvedMount } from '../config/mount-config.js';
import type { WaitingStorage } from '../messages/activity-report.js';
import { cachedDescriptors } from '../messages/descriptor-shares.js';
import type { MountReport, Renewed } from '../messages/mount-report.js';
import type { OpenedRemote } from '../messages/remote-messages.js';
import type { InspectName } from '../messages/worker-messages.js';
import { failureCause, mountsFrom } from './journal/failure-cause.js';
import type { DescribedPlace } from './journal/session-journal.js';
import { why } from './journal/why.js';
import {
  type KeptIn,
  KeptMounts,
  type LeftTree,
  type MountOfOwner,
  restoreTree,
  type TreeParts,
} from './kept/kept-mounts.js';
import type { ImageContext } from './open-image.js';
import { openMountSource } from './open-mount.js';
import { RemoteHost } from './remote/remote-host.js';

export interface ServedTreeOptions {
  /** CAP_SYS_ADMIN. */
  readonly privileged: boolean;
  /** How many descriptors the process may have open. */
  readonly fileLimit: number;
  /** The ids of the thread's callers, shared by its sessions as what users hold open. */
  readonly callerIds: CallerIds;
  readonly held: HeldDescriptors;
  /** Told when nothing of a mount that was taken away is in use any more. */
  readonly onUnused?: (mount: ResolvedMount) => void;
  /** Where threads for remote storage can be had; else it is served in the loop like all else. */
  readonly threads?: { readonly wakeFd: number; readonly log: (line: string) => void };
}

/** Less than a block is left. */
const FULL_BYTES = 4096;

export type AddOutcome = readonly Renewed[] | UserError;

interface Served extends MountOfOwner {
  /** For remote storage: what its thread found. */
  opened?: OpenedRemote;
}

export class ServedTree {
  readonly #config: MountConfig;
  readonly #union: UnionFileSystem;
  readonly #context: ImageContext;
  readonly #attachments: MountAttachments;
  readonly #remote: RemoteHost | undefined;
  readonly #served = new Map<string, Served>();
  /** Targets of remote mounts whose storage has not answered yet. */
  readonly #coming = new Set<string>();
  /** Mounts that were taken away while in use, by the number of their file system. */
  readonly #leaving = new Map<number, MountOfOwner>();
  #kept: KeptMounts | undefined;
  #changes: Renewed[] = [];
  #isPromised = false;

  /** @throws UserError, FsError when layers or upper cannot be opened. */
  constructor(config: MountConfig, options: ServedTreeOptions) {
    const { privileged, fileLimit, callerIds, held, threads } = options;
    this.#config = config;
    const descriptorLimit = cachedDescriptors(fileLimit);
    const inodeNumbers = new InodeNumbers();
    this.#union = openUnion({
      layers: config.layers,
      dataLayers: config.dataLayers ?? [],
      upper: config.upper,
      work: config.work,
      readOnly: config.readOnly,
      volatile: config.volatile,
      marksVolatile: config.marksVolatile,
      features: featuresOf(config),
      accessTimes: config.vfsOptions.filter((word) => /atime$/.test(word)),
      passthrough: config.passthrough,
      presentation: config.presentation,
      live: config.liveLayers === true,
      xattrNamespace: config.xattrNamespace,
      readsFuseOverlayfs: config.unionOptions.compat === 'fuse-overlayfs',
      privileged,
      inodeNumbers,
      callerIds,
      descriptorLimit,
      held,
    });
    this.#context = {
      layers: config.layers,
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
    this.#attachments = new MountAttachments(
      this.#union,
      (change) => this.#onChange(change),
      (owner) => this.#onUnused(owner, options.onUnused),
      callerIds,
    );
    const { mounted } = this.#attachments;
    if (threads !== undefined) {
      const { mountpoint } = config;
      this.#remote = new RemoteHost({ mounted, mountpoint, fileLimit, ...threads });
    }
  }

  /** @throws UserError, FsError when something cannot be opened. */
  mountAll(mounts: readonly ResolvedMount[]): void {
    const remote = this.#remote;
    const opened = mounts.map((mount): Served => {
      const isRemote = mount.remote !== undefined && remote !== undefined;
      return isRemote ? { mount, owner: remote.open(mount) } : this.#openHere(mount);
    });
    for (const one of opened) {
      if (one.mount.remote !== undefined && remote !== undefined) {
        one.opened = remote.awaitOpened(one.owner, one.mount);
      }
    }
    this.#attachments.attachAll(opened.map((one) => [asMountOver(one), one.owner]));
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

  get router(): RemoteRouter | undefined {
    return this.#remote?.router;
  }

  /** From now on requests come. */
  serve(fuseFd: number, { setxattrExt }: { readonly setxattrExt: boolean }): void {
    this.#remote?.serve(fuseFd, { setxattrExt });
  }

  /** Nothing comes for a moment. */
  expectChanges(): void {
    this.#union.expectChanges();
  }

  /** Goes on with what another process has left. PRECONDITION: nothing is mounted over the union. */
  restore(left: LeftTree): RestoredNodes {
    const restored = restoreTree(this.#parts, left);
    for (const one of left.mounts?.mounts ?? []) this.#served.set(one.mount.request.target, one);
    for (const one of left.mounts?.leaving ?? []) this.#leaving.set(one.owner, one);
    return restored;
  }

  /** Keeps what a process needs that takes over. PRECONDITION: no remote storage is mounted. @throws FsError */
  keep(where: KeptIn): void {
    const served = () => ({ mounts: [...this.#served.values()], leaving: [...this.#leaving.values()] });
    this.#kept = new KeptMounts(this.#parts, served, where);
  }

  keepNoLonger(): void {
    this.#kept?.end();
    this.#kept = undefined;
  }

  get #parts(): TreeParts {
    return { union: this.#union, attachments: this.#attachments, context: this.#context };
  }

  /** Answers `why`, `stats` and `inspect`. @returns a record that can be cloned. */
  inspect(name: InspectName, args: Readonly<Record<string, unknown>>): object {
    if (name === 'why') return this.#why(args);
    const nodes = this.#union.nodeCount;
    if (name === 'stats') return { nodes, waiting: this.#waiting() };
    return { nodes, mounts: [...this.#served.values()].map((one) => this.#report(one)) };
  }

  /** The last copy-ups and whiteouts. */
  get history(): ChangeHistory {
    return this.#union.history;
  }

  /** Where a node is, and why an operation on it fails. */
  placeOf(node: NodeId): DescribedPlace {
    const mount = this.#mountOf(nodeOwner(node));
    const inside = displayName(this.mounts.pathOf?.(node) ?? '');
    const base = mount === undefined ? '' : mount.request.target;
    return this.#describePlace(inside === '' && base !== '' ? base : `${base}/${inside}`, mount);
  }

  /** @returns undefined where something can be written, as far as the mount's own options say. */
  #whyReadOnly(path: string): string | undefined {
    const mount = this.#mountAt(path);
    const { upper, readOnly } = this.#config;
    const isReadOnly = mount === undefined ? readOnly || upper === undefined : mount.request.readOnly;
    return isReadOnly ? this.#describePlace(path, mount).cause(EROFS, path) : undefined;
  }

  /** What lies at a path, for an engine that knows paths alone. @param path within the mount, with a leading slash. */
  placeAt(path: string): DescribedPlace {
    return this.#describePlace(path, this.#mountAt(path));
  }

  #mountAt(path: string): ResolvedMount | undefined {
    const over = [...this.#served.values()]
      .map(({ mount }) => mount)
      .filter(({ request: { target } }) => path === target || path.startsWith(`${target}/`))
      .sort((one, other) => other.request.target.length - one.request.target.length);
    return over[0];
  }

  #describePlace(path: string, mount: ResolvedMount | undefined): DescribedPlace {
    const { upper, readOnly } = this.#config;
    return {
      path,
      cause: (errno, at) => {
        const over = mountsFrom([...this.#served.values()], at);
        return failureCause(errno, { path: at, mount, upper, isUnionReadOnly: readOnly, over });
      },
    };
  }

  /**
   * What is full, in words: writes that the kernel does itself (passthrough, mounts of a container) fail without our knowing.
   * Remote storage is not asked.
   */
  fullStorages(): string[] {
    const owners = [0, ...[...this.#served.values()].map(({ owner }) => owner)];
    const places = owners.map((owner) => nodeId(owner, ROOT_NODE)).filter((root) => this.#isFull(root));
    return places.map((root) => {
      const { path, cause } = this.placeOf(root);
      return cause(ENOSPC, path);
    });
  }

  #isFull(root: NodeId): boolean {
    const owner = nodeOwner(root);
    if (this.#attachments.mounted.isRemote(owner) || (owner === 0 && this.#config.upper === undefined))
      return false;
    const out = new StatFs();
    try {
      this.mounts.statfs(root, out);
    } catch (error) {
      if (error instanceof FsError) return false;
      throw error;
    }
    return out.blocks > 0 && out.bavail * out.frsize < FULL_BYTES;
  }

  #mountOf(owner: number): ResolvedMount | undefined {
    return [...this.#served.values()].find((one) => one.owner === owner)?.mount;
  }

  /** What waits for remote storage. */
  #waiting(): WaitingStorage[] {
    return [...this.#served.values()].flatMap(({ mount: { request, remote }, owner }) => {
      const waiting = this.#remote?.waiting(owner);
      if (waiting === undefined || remote === undefined || waiting.requests === 0) return [];
      return [{ target: request.target, storage: remote.type, ...waiting }];
    });
  }

  #why(args: Readonly<Record<string, unknown>>): object {
    const union = this.#union;
    const asked = this.#served.size === 0 ? { union } : { union, mounted: this.#attachments.mounted };
    const reply = union.withoutWaiting(() => why(asked, args));
    const readOnly = this.#whyReadOnly(reply.path);
    return readOnly === undefined ? reply : { ...reply, readOnly };
  }

  /**
   * Mounts one more.
   * @param done gets the names that show something new, or why it failed; for remote storage later, unless `abandon()`
   * came before.
   */
  addMount(mount: ResolvedMount, done: (outcome: AddOutcome) => void): void {
    const { target } = mount.request;
    if (this.#served.has(target) || this.#coming.has(target)) {
      done(new UserError(`Duplicate mount point: ${target}`, { hint: 'take the other away first' }));
      return;
    }
    const remote = this.#remote;
    if (mount.remote === undefined || remote === undefined) {
      done(this.#attachServed(() => this.#openHere(mount)));
      return;
    }
    this.#coming.add(target);
    const owner = remote.open(mount, (outcome) => {
      const isWanted = this.#coming.delete(target);
      if (outcome instanceof UserError) done(outcome);
      else if (isWanted) done(this.#attachServed(() => ({ mount, owner, opened: outcome })));
      else remote.remove(owner);
    });
  }

  /** The command that wanted the mount has given up waiting for its storage. */
  abandon(target: string): void {
    this.#coming.delete(target);
  }

  /** @returns the names that show something else. @throws UserError */
  removeMount(target: string): readonly Renewed[] {
    this.#changes = [];
    const served = this.#served.get(target);
    if (served !== undefined) this.#leaving.set(served.owner, served);
    const owner = this.#attachments.remove(target);
    this.#served.delete(target);
    this.#remote?.remove(owner);
    this.#kept?.write();
    return this.#changes;
  }

  /** How many of the mounts that were taken away are still in use, and the names that the kernel has in them. */
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

  /** What upper holds becomes a layer. @returns false while files are being copied up. @throws UserError, FsError */
  pushUpper(next: NextUpper): boolean {
    const union = this.#union;
    return union.pushUpper(next, () => linkCopies(union));
  }

  /** When it is unmounted, all that was written is to be on disk. */
  promiseDisk(): void {
    this.#isPromised = true;
  }

  get isPromised(): boolean {
    return this.#isPromised;
  }

  /**
   * Once no more requests come, and before `detach()`: keeps the promise, for upper and for volumes.
   * @returns why it could not be kept.
   */
  keepPromise(): string | undefined {
    if (!this.#isPromised) return undefined;
    try {
      writeToDisk(this.promised);
      return undefined;
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      return `what was written is not safe on disk: ${errnoText(error.errno)}`;
    }
  }

  /** Directories whose file systems are to be written out for the promise. */
  get promised(): Name[] {
    const volumes = [...this.#served.values()].filter(
      ({ mount: { request, volume, remote } }) =>
        volume !== undefined && !request.readOnly && remote === undefined,
    );
    const paths = [this.#union.durableUpper, ...volumes.map(({ mount }) => mount.hostPath)];
    return paths.filter((path) => path !== undefined);
  }

  /** The mount never came about. */
  undo(): void {
    this.#remote?.undo();
  }

  /** Closes what it has open here; after that no request can be answered. */
  close(): void {
    this.#attachments.mounted.detach();
    this.#context.descriptors.retire();
  }

  /** Ends the threads of remote storage. @returns false when one hangs in it. */
  stopThreads(): boolean {
    return this.#remote?.stop() ?? true;
  }

  /** Both. */
  detach(): boolean {
    this.close();
    return this.stopThreads();
  }

  #openHere(mount: ResolvedMount): Served {
    const { system, fileName } = openMountSource(mount, this.#context);
    return { mount, owner: this.#attachments.mounted.add(system), fileName };
  }

  #attachServed(open: () => Served): AddOutcome {
    this.#changes = [];
    let served: Served | undefined;
    try {
      served = open();
      if (served.opened === undefined) this.#kept?.add(served.owner);
      const { owner } = served;
      const over = asMountOver(served);
      this.#union.withoutWaiting(() => this.#attachments.attach(over, owner));
      this.#served.set(served.mount.request.target, served);
      this.#kept?.write();
      return this.#changes;
    } catch (error) {
      if (served?.opened !== undefined) this.#remote?.remove(served.owner);
      else if (served !== undefined) this.#attachments.mounted.drop(served.owner);
      if (error instanceof UserError) return error;
      if (error instanceof FsError) return new UserError(error.message, { cause: error });
      throw error;
    }
  }

  #onUnused(owner: number, tell: ServedTreeOptions['onUnused']): void {
    const leaving = this.#leaving.get(owner);
    if (leaving === undefined) return;
    this.#leaving.delete(owner);
    this.#kept?.write();
    tell?.(leaving.mount);
  }

  #onChange(change: PointChange): void {
    this.#changes.push({ directory: change.directory, name: change.name });
    this.#remote?.tell(change);
  }

  #report({ mount, owner, opened }: Served): MountReport {
    const { request, hostPath, remote } = mount;
    const { timeoutMs } = request;
    const common = {
      type: request.type,
      target: request.target,
      source: hostPath === undefined ? '' : displayName(hostPath),
      readOnly: request.readOnly,
      spec: request.spec,
    };
    if (opened === undefined) return { ...common, servedBy: 'loop' };
    const waiting = this.#remote?.waiting(owner);
    return {
      ...common,
      servedBy: 'thread',
      ...(remote === undefined ? {} : { storage: remote.type }),
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

/** A draft's upper was made by nobody but plyfs, so that redirects in it lead where they should, whoever it belongs to. */
function featuresOf({ unionOptions, xattrNamespace, liveLayers }: MountConfig): UnionFeatures {
  const features = unionFeatures(unionOptions, xattrNamespace);
  return liveLayers === true ? { ...features, redirectDir: 'on' } : features;
}
