/** Opens layers, upper and binds as a session does (daemon/session/served-tree.ts), in this process and without a mount. */

import { statSync } from 'node:fs';
import { linkCopies } from '../../src/archive/tree/link-copies.js';
import { check } from '../../src/errno/fs-error.js';
import { AT_FDCWD, O_DIRECTORY, O_PATH } from '../../src/linux/constants.js';
import { openat } from '../../src/linux/files/open.js';
import { keepCapabilities } from '../../src/linux/process/process.js';
import { openBind } from '../../src/mounts/kinds/open-source.js';
import { checkMirror } from '../../src/mounts/mirror/check-mirror.js';
import { MirrorFileSystem } from '../../src/mounts/mirror/mirror-file-system.js';
import { MountAttachments, type MountOver } from '../../src/mounts/points/mount-attachments.js';
import { planMounts } from '../../src/mounts/request/plan.js';
import { parseVolumeSpec } from '../../src/mounts/request/volume-spec.js';
import { CallerIds } from '../../src/realfs/caller-ids.js';
import { DescriptorCache } from '../../src/realfs/descriptor-cache.js';
import { HeldDescriptors } from '../../src/realfs/held-descriptors.js';
import { openUnion } from '../../src/union/open-union.js';
import type { NextUpper } from '../../src/union/renew-upper.js';
import { TTL_FOREVER } from '../../src/vfs/attr.js';
import type { FileSystem } from '../../src/vfs/file-system.js';
import { InodeNumbers } from '../../src/vfs/inode-numbers.js';
import { nameFromText } from '../../src/vfs/name.js';
import { NODE_RECORDS_BYTES, NodeRecords } from '../../src/vfs/node-records.js';
import type { Stack } from '../helpers/targets.js';
import { Kernel } from './kernel/kernel.js';

/** What the suites are run over. */
export type Kind =
  /** The union alone. */
  | 'union'
  /** The union with binds over it. */
  | 'mounts'
  /** A directory of the host, as a tmpfs is served. */
  | 'mirror'
  /** The same as a bind: nothing is believed longer than for one answer. */
  | 'bind';

export interface Mounted {
  readonly kernel: Kernel;
  /** What is wrong inside, a line each. */
  readonly checkInvariants: () => readonly string[];
  /** Nodes that the file systems have beside what nobody refers to: 0 when all references were given back. */
  readonly nodesInUse: () => number;
  /** The union's upper becomes a layer, as for a snapshot. @returns whether it could. */
  readonly pushUpper: (next: NextUpper) => boolean;
}

const DESCRIPTOR_LIMIT = 64;
const FILE_LIMIT = 4096;
const UMASK = 0o022;

interface Serving {
  /** Files are handed to the kernel where the file system offers it. */
  readonly passthrough: boolean;
  /** Whether nodes of a union that can be a record alone are one. */
  readonly packs: boolean;
}

export function openMounted(kind: Kind, stack: Stack, { passthrough, packs }: Serving): Mounted {
  const privileged = process.geteuid?.() === 0;
  if (privileged) check(keepCapabilities(), 'prctl');
  const callerIds = new CallerIds({ enabled: privileged });
  const held = new HeldDescriptors(FILE_LIMIT);
  const parts = {
    privileged,
    callerIds,
    inodeNumbers: new InodeNumbers(),
    descriptors: new DescriptorCache(DESCRIPTOR_LIMIT, held),
  };
  const self = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, pid: process.pid };
  // The thread goes on as itself: the tests look at layers and upper with it.
  const onAnswered = (): void => {
    callerIds.restore();
    callerIds.become(self, UMASK);
  };
  const opened =
    kind === 'mirror' || kind === 'bind'
      ? openMirror(kind, stack, parts)
      : openStack(kind, stack, { ...parts, packs });
  const kernel = new Kernel(opened.fs, { passthrough, onAnswered });
  return { kernel, pushUpper: () => false, ...opened };
}

interface Parts {
  readonly privileged: boolean;
  readonly callerIds: CallerIds;
  readonly inodeNumbers: InodeNumbers;
  readonly descriptors: DescriptorCache;
}

const emptyRecords = (): NodeRecords =>
  new NodeRecords(Buffer.from(new SharedArrayBuffer(NODE_RECORDS_BYTES)));

/** Nobody takes over. */
const noStore = { put: () => 0, retain: () => undefined };

interface OpenedFileSystem {
  readonly fs: FileSystem;
  readonly checkInvariants: () => readonly string[];
  readonly nodesInUse: () => number;
  readonly pushUpper?: Mounted['pushUpper'];
}

function openMirror(kind: Kind, { mountpoint }: Stack, parts: Parts): OpenedFileSystem {
  const { callerIds, inodeNumbers, descriptors } = parts;
  const fs = new MirrorFileSystem({
    rootFd: check(openat(AT_FDCWD, nameFromText(mountpoint), O_PATH | O_DIRECTORY), 'open', mountpoint),
    readOnly: false,
    owners: undefined,
    ttlMs: kind === 'bind' ? 0 : TTL_FOREVER,
    quota: undefined,
    onDetach: () => undefined,
    callerIds,
    inodeNumbers,
    descriptors,
  });
  return { fs, checkInvariants: () => checkMirror(fs.table), nodesInUse: () => fs.table.size - 1 };
}

function sourceType(path: string): 'directory' | 'file' | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  return found.isDirectory() ? 'directory' : 'file';
}

function openStack(kind: Kind, stack: Stack, parts: Parts & Pick<Serving, 'packs'>): OpenedFileSystem {
  const { privileged, callerIds, inodeNumbers, descriptors, packs } = parts;
  const union = openUnion({
    layers: stack.lowers.map(nameFromText),
    upper: nameFromText(stack.upper),
    work: nameFromText(stack.work),
    readOnly: false,
    volatile: false,
    accessTimes: [],
    passthrough: 'programs',
    xattrNamespace: privileged ? 'trusted' : 'user',
    privileged,
    inodeNumbers,
    callerIds,
    descriptorLimit: DESCRIPTOR_LIMIT,
    held: descriptors.held,
  });
  if (packs) union.keep({ records: emptyRecords(), store: noStore, owner: 0 }, 0);
  const nodesInUse = (): number => union.nodeCount - 1;
  if (kind === 'union') {
    const pushUpper = (next: NextUpper): boolean => union.pushUpper(next, () => linkCopies(union));
    return { fs: union, checkInvariants: () => union.checkInvariants(), nodesInUse, pushUpper };
  }
  const attachments = new MountAttachments(union, undefined, undefined, callerIds);
  const { mounted } = attachments;
  const mirrors: MirrorFileSystem[] = [];
  const context = {
    privileged,
    mountpoint: nameFromText(stack.mountpoint),
    clones: new Map<string, number>(),
    privateRoot: stack.work,
    callerIds,
    inodeNumbers,
    descriptors,
  };
  const requests = (stack.volumes ?? []).map((spec) => parseVolumeSpec(spec, { cwd: '/' }));
  const opened = planMounts(requests, sourceType).map((request): [MountOver, number] => {
    const { target, spec } = request;
    if (request.type !== 'bind') throw new Error(`'${spec}' is no bind`);
    const { system, fileName } = openBind(request, nameFromText(request.source), context);
    if (system instanceof MirrorFileSystem) mirrors.push(system);
    return [{ target, spec, fileName }, mounted.add(system)];
  });
  attachments.attachAll(opened);
  const checkInvariants = (): string[] => [
    ...union.checkInvariants(),
    ...mirrors.flatMap((one) => checkMirror(one.table)),
  ];
  // Mount points hold the directories that they are in.
  const inMirrors = (): number => mirrors.reduce((sum, { table }) => sum + table.size - 1, 0);
  return { fs: mounted, checkInvariants, nodesInUse: stack.volumes?.length === 0 ? nodesInUse : inMirrors };
}
