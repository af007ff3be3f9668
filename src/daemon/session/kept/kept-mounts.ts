/**
 * What is mounted over a union, for a process that takes the mount over: the file systems with their numbers, their mount points, and
 * the roots of those that are no union. It lies as JSON in memory of its own, which is replaced with each change.
 *
 * INVARIANT: a file system is in the JSON only when its root and its records are kept.
 */

import { check, FsError } from '../../../errno/fs-error.js';
import { AT_EMPTY_PATH, STATX_BASIC_STATS } from '../../../linux/constants.js';
import { pread, pwrite } from '../../../linux/files/data.js';
import { close } from '../../../linux/files/open.js';
import { createSharedMemory } from '../../../linux/files/shared-memory.js';
import { Statx, statx } from '../../../linux/files/statx.js';
import type { DescriptorStore } from '../../../linux/io/descriptor-store.js';
import { resumeSource } from '../../../mounts/kinds/resume-source.js';
import { MirrorFileSystem } from '../../../mounts/mirror/mirror-file-system.js';
import type { AttachedState, MountAttachments } from '../../../mounts/points/mount-attachments.js';
import type {
  LeftBehind,
  NodeKeeping,
  OrphanStore,
  RestoredNodes,
  UnsureNodes,
} from '../../../realfs/node-keeper.js';
import { UnionFileSystem } from '../../../union/union-file-system.js';
import type { FileSystem } from '../../../vfs/file-system.js';
import type { Name } from '../../../vfs/name.js';
import { type NodeId, nodeId, nodeLocal, nodeOwner, ROOT_NODE } from '../../../vfs/node-id.js';
import type { NodeRecord, NodeRecords } from '../../../vfs/node-records.js';
import type { ResolvedMount } from '../../config/mount-config.js';
import type { ImageContext } from '../open-image.js';
import { openMountSource } from '../open-mount.js';

export const MOUNTS_LABEL = 'mounts ';
export const SOURCE_LABEL = 'source ';
export const ORPHAN_LABEL = 'orphan ';

/** One mount over the union. */
export interface MountOfOwner {
  readonly mount: ResolvedMount;
  /** The number of its file system. */
  readonly owner: number;
  /** The name of a file that is mounted by itself. */
  readonly fileName?: Name | undefined;
}

/** What the JSON has. */
interface LeftMounts {
  readonly attached: AttachedState;
  readonly mounts: readonly MountOfOwner[];
  /** Taken away, but still in use. */
  readonly leaving: readonly MountOfOwner[];
  readonly nextOwner: number;
  /** The id of the next node of each file system, when this was written. */
  readonly nextIds: readonly (readonly [owner: number, id: number])[];
  /** vfs/inode-numbers.ts */
  readonly devices: readonly number[];
}

/** What a process that died has left of all of a mount; ids have the number of the file system in front. */
export interface LeftTree {
  readonly records: Iterable<readonly [NodeId, NodeRecord]>;
  readonly orphans: readonly (readonly [number, number])[];
  readonly rename: LeftBehind['rename'];
  readonly unsure: UnsureNodes;
  readonly mounts: LeftMounts | undefined;
  /** Roots of file systems, by their numbers. */
  readonly sources: ReadonlyMap<number, number>;
}

export interface TreeParts {
  readonly union: UnionFileSystem;
  readonly attachments: MountAttachments;
  readonly context: ImageContext;
}

interface Served {
  readonly mounts: readonly MountOfOwner[];
  readonly leaving: readonly MountOfOwner[];
}

/** A file system that another process can go on with. */
interface Keepable {
  keep(keeping: NodeKeeping | undefined): void;
  restore(left: LeftBehind): RestoredNodes;
}

function keepable(system: FileSystem | undefined): Keepable | undefined {
  return system instanceof UnionFileSystem || system instanceof MirrorFileSystem ? system : undefined;
}

function nextIdOf(system: FileSystem | undefined): number {
  if (system instanceof MirrorFileSystem) return system.table.nextId;
  return system instanceof UnionFileSystem ? system.nextId : 0;
}

/** @throws FsError */
export function readLeftMounts(fd: number): LeftMounts {
  const stat = new Statx();
  check(statx(fd, '', AT_EMPTY_PATH, STATX_BASIC_STATS, stat), 'statx');
  const bytes = Buffer.alloc(stat.sizeBytes);
  check(pread(fd, bytes, 0), 'pread');
  return JSON.parse(bytes.toString('utf8')) as LeftMounts;
}

/** Goes on with all file systems of a mount. @throws UserError, FsError */
export function restoreTree({ union, attachments, context }: TreeParts, left: LeftTree): RestoredNodes {
  const parts = partsByOwner(left);
  const outcomes = [union.restore(parts.get(0) ?? nothingLeft(FIRST_ID))];
  const { mounts: state, sources } = left;
  if (state !== undefined) {
    const { mounted } = attachments;
    context.inodeNumbers.restore(state.devices);
    for (const { mount, owner, fileName } of [...state.mounts, ...state.leaving]) {
      const rootFd = sources.get(owner);
      const system =
        rootFd === undefined
          ? openMountSource(mount, context).system
          : resumeSource(mount.request, { rootFd, fileName }, context);
      const part = parts.get(owner) ?? nothingLeft(FIRST_ID);
      mounted.resume(owner, system, Math.max(0, part.rootReferences - 1));
      const kept = keepable(system);
      if (kept !== undefined) outcomes.push(kept.restore(part));
    }
    mounted.continueFrom(state.nextOwner);
    attachments.restore(
      state.attached,
      state.mounts.map(({ mount: { request }, fileName }) => ({
        target: request.target,
        spec: request.spec,
        fileName,
      })),
    );
    for (const { owner } of state.leaving) mounted.remove(owner);
  }
  return {
    nodes: outcomes.reduce((sum, { nodes }) => sum + nodes, 0),
    lost: outcomes.flatMap(({ lost }) => lost),
    renamed: outcomes.some(({ renamed }) => renamed),
  };
}

/** After the root. */
const FIRST_ID = ROOT_NODE + 1;

interface LeftPart extends LeftBehind {
  readonly records: (readonly [NodeId, NodeRecord])[];
  readonly orphans: Map<number, number>;
  rootReferences: number;
}

function nothingLeft(nextId: number): LeftPart {
  const unsure = { nodes: new Set<NodeId>(), directories: new Set<NodeId>() };
  return { records: [], orphans: new Map(), nextId, rename: undefined, unsure, rootReferences: 1 };
}

function partsByOwner({ records, orphans, rename, unsure, mounts }: LeftTree): ReadonlyMap<number, LeftPart> {
  const parts = new Map<number, LeftPart>();
  const nextIds = new Map(mounts?.nextIds);
  const partOf = (owner: number): LeftPart => {
    const known = parts.get(owner);
    if (known !== undefined) return known;
    const part = {
      ...nothingLeft(nextIds.get(owner) ?? FIRST_ID),
      rename: endsIn(owner, rename),
      unsure: { nodes: ofOwner(owner, unsure.nodes), directories: ofOwner(owner, unsure.directories) },
    };
    parts.set(owner, part);
    return part;
  };
  for (const [id, record] of records) {
    const part = partOf(nodeOwner(id));
    part.records.push([nodeLocal(id), record]);
    if (nodeLocal(id) === ROOT_NODE) part.rootReferences = record.nlookup;
  }
  for (const [id, fd] of orphans) partOf(nodeOwner(id as NodeId)).orphans.set(nodeLocal(id as NodeId), fd);
  return parts;
}

function ofOwner(owner: number, ids: ReadonlySet<NodeId>): ReadonlySet<NodeId> {
  return new Set([...ids].filter((id) => nodeOwner(id) === owner).map(nodeLocal));
}

/** The ends of a rename within one file system. */
function endsIn(owner: number, rename: LeftBehind['rename']): LeftBehind['rename'] {
  if (rename === undefined || rename.some(({ parent }) => nodeOwner(parent) !== owner)) return undefined;
  const [from, to] = rename;
  return [
    { ...from, parent: nodeLocal(from.parent) },
    { ...to, parent: nodeLocal(to.parent) },
  ];
}

/** Keeps all of a mount, from now on. */
export class KeptMounts {
  readonly #parts: TreeParts;
  readonly #records: NodeRecords;
  readonly #store: DescriptorStore;
  readonly #log: (line: string) => void;
  readonly #served: () => Served;
  /** Where the record of the root of a file system is. */
  readonly #rootPlaces = new Map<number, number>();
  #generation: number;

  constructor(parts: TreeParts, served: () => Served, { records, store, before, log }: KeptIn) {
    this.#parts = parts;
    this.#served = served;
    this.#records = records;
    this.#store = store;
    this.#log = log;
    this.#generation = before?.mountsGeneration ?? 0;
    const { union, attachments, context } = parts;
    union.keep(this.#keeping(0));
    const { mounts, leaving } = served();
    for (const { owner } of [...mounts, ...leaving])
      this.#keep(owner, before?.sources.has(owner) === true ? 'in store' : 'new');
    attachments.mounted.onRootReferences = (owner, count) =>
      records.writeReferences(this.#rootPlaces.get(owner) ?? -1, count + 1);
    context.inodeNumbers.onNew = () => this.write();
    this.#write();
  }

  /** One more file system, before it is attached. */
  add(owner: number): void {
    this.#keep(owner, 'new');
  }

  /** What is mounted has changed: the next process is to know it from now on. */
  write(): void {
    try {
      this.#write();
    } catch (error) {
      // The mount itself needs none of it.
      if (!(error instanceof FsError)) throw error;
      this.#log(`another process would not know what is mounted: ${error.message}`);
    }
  }

  #write(): void {
    const { attachments, context } = this.#parts;
    const { mounts, leaving } = this.#served();
    const { mounted } = attachments;
    const state: LeftMounts = {
      attached: attachments.state,
      mounts: mounts.map(plainMount),
      leaving: leaving.map(plainMount),
      nextOwner: mounted.nextOwner,
      nextIds: [0, ...[...mounts, ...leaving].map(({ owner }) => owner)].map((owner) => [
        owner,
        nextIdOf(mounted.system(owner)),
      ]),
      devices: context.inodeNumbers.devices,
    };
    const fd = check(createSharedMemory('plyfs mounts', 0), 'memfd_create');
    try {
      check(pwrite(fd, Buffer.from(JSON.stringify(state)), 0), 'pwrite');
      check(this.#store.put(`${MOUNTS_LABEL}${++this.#generation}`, fd), 'sendmsg');
    } finally {
      close(fd);
    }
    const owners = new Set([...mounts, ...leaving].map(({ owner }) => owner));
    this.#store.retain((label) => {
      if (label.startsWith(MOUNTS_LABEL)) return label === `${MOUNTS_LABEL}${this.#generation}`;
      return !label.startsWith(SOURCE_LABEL) || owners.has(Number(label.slice(SOURCE_LABEL.length)));
    });
  }

  /** Nobody is to take it over any more. */
  end(): void {
    const { union, attachments, context } = this.#parts;
    context.inodeNumbers.onNew = () => undefined;
    attachments.mounted.onRootReferences = () => undefined;
    union.keep(undefined);
    for (const { owner } of [...this.#served().mounts, ...this.#served().leaving])
      keepable(attachments.mounted.system(owner))?.keep(undefined);
  }

  #keep(owner: number, root: 'new' | 'in store'): void {
    const { mounted } = this.#parts.attachments;
    const system = mounted.system(owner);
    const isMirror = system instanceof MirrorFileSystem;
    if (isMirror && root === 'new')
      check(this.#store.put(`${SOURCE_LABEL}${owner}`, system.rootDescriptor), 'sendmsg');
    keepable(system)?.keep(this.#keeping(owner));
    const place = this.#records.rootPlace(owner);
    this.#rootPlaces.set(owner, place);
    this.#records.writeReferences(place, mounted.rootReferences(owner) + 1);
  }

  #keeping(owner: number): NodeKeeping {
    const store = this.#store;
    const orphans: OrphanStore = {
      put: (id, fd) => store.put(`${ORPHAN_LABEL}${nodeId(owner, id)}`, fd),
      retain: (keeps) =>
        store.retain((label) => {
          if (!label.startsWith(ORPHAN_LABEL)) return true;
          const id = Number(label.slice(ORPHAN_LABEL.length)) as NodeId;
          return nodeOwner(id) !== owner || keeps(nodeLocal(id));
        }),
    };
    return { records: this.#records, store: orphans, owner };
  }
}

export interface KeptIn {
  readonly records: NodeRecords;
  readonly store: DescriptorStore;
  readonly log: (line: string) => void;
  /** What lies in the store already. */
  readonly before?: StoredBefore | undefined;
}

interface StoredBefore {
  readonly mountsGeneration: number;
  /** Roots, by the numbers of their file systems. */
  readonly sources: ReadonlyMap<number, number>;
}

function plainMount({ mount, owner, fileName }: MountOfOwner): MountOfOwner {
  return { mount, owner, fileName };
}
