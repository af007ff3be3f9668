/**
 * The mounts of a draft: for each area a union of the host's directory and an upper of the draft's, served by a daemon.
 *
 * No path of the host leads to one: it is put into the command's mount namespace by its descriptor. Where that cannot be, they appear
 * below the draft's folder until the command has copies of them in its namespace, where an empty tmpfs hides the store: a walk of the
 * tree does not come upon itself. Layers are opened through clones of the host's mounts where privileges allow.
 */

import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { launchDaemon } from '../../daemon/client/launch.js';
import { launchDetached, mayDetach } from '../../daemon/client/launch-detached.js';
import { unmountPath } from '../../daemon/client/unmount.js';
import { mayUseTrustedXattrs } from '../../daemon/config/build-config.js';
import type { MountConfig } from '../../daemon/config/mount-config.js';
import { askDaemon } from '../../daemon/messages/control-client.js';
import {
  hasLetGo,
  listRunStates,
  type RunState,
  runDirectory,
  runRoot,
} from '../../daemon/run-directory/run-state.js';
import { EACCES, ENOENT, ENOTCONN } from '../../errno/errno.js';
import { codeOf } from '../../errno/error-code.js';
import { isErrno } from '../../errno/fs-error.js';
import { messageOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import {
  AT_FDCWD,
  AT_STATX_DONT_SYNC,
  AT_SYMLINK_NOFOLLOW,
  O_DIRECTORY,
  O_PATH,
  S_IFDIR,
  S_IFMT,
  STATX_BASIC_STATS,
  STATX_TYPE,
} from '../../linux/constants.js';
import { makeDirectories } from '../../linux/files/make-directories.js';
import { close, openat } from '../../linux/files/open.js';
import { fstatfs, StatFsResult } from '../../linux/files/statfs.js';
import { Statx, statx } from '../../linux/files/statx.js';
import { isSameMount, type MountEntry, readMountinfo, topMountAt } from '../../linux/mounts/mountinfo.js';
import { isRemoteType } from '../../mounts/remote/remote-types.js';
import type { Store } from '../../store/store.js';
import { recordBase } from '../../union/form/base.js';
import { PrivateXattrs } from '../../union/form/overlay-xattrs.js';
import { xattrNamespaceHere } from '../../union/form/xattr-namespace.js';
import { takeRootAttributes } from '../../union/upper-root.js';
import { displayName, type Name, nameFromText, textFromName } from '../../vfs/name.js';
import type { EnterMount } from '../enter/draft-enter-request.js';
import { areaHome, type DraftArea, type DraftRecord, writeDraft } from '../record/draft-record.js';
import { KERNEL_TREES, type PlannedPart, planTree } from './plan-tree.js';

/** Each may have a daemon of its own. */
const MAX_AREAS = 16;
const AREA_MODE = 0o700;

/** What the command in a draft gets to see, before any of it is mounted. */
export interface PlannedDraft {
  readonly record: DraftRecord;
  /** The host's mounts that it was made of. */
  readonly entries: readonly MountEntry[];
  readonly parts: readonly PlannedPart[];
  /** The configuration of each area, by its path. */
  readonly configs: ReadonlyMap<Name, MountConfig>;
  /** Directories of plyfs' own. */
  readonly hidden: readonly Name[];
}

export interface MountedDraft {
  readonly mounts: readonly EnterMount[];
  readonly states: readonly RunState[];
  /** Mount points of the areas, as long as they show on the host. */
  readonly merged: readonly Name[];
}

/** The host's mounts are others than those that were planned for: nothing is mounted, and another plan may do. */
export class OutdatedPlan extends Error {}

/** Makes the areas that the draft has not yet. PRECONDITION: the draft is locked. @throws UserError */
export function planDraft(store: Store, given: DraftRecord): PlannedDraft {
  const entries = readMountinfo();
  const hidden = [store.root, runRoot()].filter((path) => existsSync(path)).map(nameFromText);
  const wanted = planTree({ entries, over: given.over, hidden, isWritableDirectory });
  const areas = wanted.filter(({ how }) => how === 'area');
  if (areas.length > MAX_AREAS) {
    throw new UserError(
      `cannot open draft '${given.name}': ${areas.length} file systems are mounted, ${MAX_AREAS} are the limit`,
      { hint: 'name the directories that matter with --over DIR' },
    );
  }
  const { record, refused } = withAreas(store, given, areas);
  const parts = wanted.map((one) => (refused.has(one.path) ? { ...one, how: 'read-only' as const } : one));
  const configs = new Map(
    parts
      .filter(({ how }) => how === 'area')
      .map(({ path }) => [path, configOf(store, record, areaOf(record, path))]),
  );
  return { record, entries, parts, configs, hidden };
}

/**
 * Mounts where no path leads, by the daemon that serves all mounts of the user.
 * @returns undefined where that cannot be; nothing is mounted then. @throws UserError, OutdatedPlan; the same.
 */
export async function mountNowhere(plan: PlannedDraft): Promise<MountedDraft | undefined> {
  const { parts, configs } = plan;
  if (!(await mayDetach([...configs.values()]))) return undefined;
  const { results, failure } = await settleAll(configs, launchDetached);
  const isWhole = [...results.values()].every((one) => one !== undefined);
  if (failure !== undefined || !isWhole) {
    for (const one of results.values()) if (one !== undefined) close(one.fd);
    if (failure !== undefined) throw reasonOfFailure(plan, failure);
    await untilUnused(
      [...results.values()].flatMap((one) => (one === undefined ? [] : [one.state])),
      ENDS_MS,
    );
    return undefined;
  }
  const mounts = parts.map(({ path, how }) => {
    const fd = results.get(path)?.fd;
    return { path, source: path, access: how, ...(fd === undefined ? {} : { fd }) };
  });
  return { mounts, states: [...results.values()].map((one) => one!.state), merged: [] };
}

/** Mounts at the draft's own folders, each area by a daemon of its own. @throws UserError, OutdatedPlan; nothing is mounted then. */
export async function mountShown(plan: PlannedDraft): Promise<MountedDraft> {
  const { parts, configs } = plan;
  const { results, failure } = await settleAll(configs, (config) => launchDaemon(config));
  const merged = [...results.keys()].map((path) => configs.get(path)!.mountpoint);
  if (failure !== undefined) {
    await hideAreas(merged);
    throw reasonOfFailure(plan, failure);
  }
  const mounts = parts.map(({ path, how }) => ({
    path,
    source: configs.get(path)?.mountpoint ?? path,
    access: how,
  }));
  return { mounts, states: [...results.values()], merged };
}

interface Settled<T> {
  readonly results: ReadonlyMap<Name, T>;
  /** The first one. */
  readonly failure?: PromiseRejectedResult | undefined;
}

async function settleAll<T>(
  configs: ReadonlyMap<Name, MountConfig>,
  launch: (config: MountConfig) => Promise<T>,
): Promise<Settled<T>> {
  const results = new Map<Name, T>();
  const settled = await Promise.allSettled(
    [...configs].map(async ([path, config]) => {
      results.set(path, await launch(config));
    }),
  );
  return { results, failure: settled.find((one) => one.status === 'rejected') };
}

/** The host goes on meanwhile: a container or a disk may have been unmounted since the plan was made. */
function reasonOfFailure({ entries, configs }: PlannedDraft, failure: PromiseRejectedResult): unknown {
  const now = readMountinfo();
  const isOutdated = [...configs.keys()].some((path) => {
    const [planned, there] = [topMountAt(entries, path), topMountAt(now, path)];
    return planned === undefined || there === undefined ? planned !== there : !isSameMount(planned, there);
  });
  return isOutdated ? new OutdatedPlan(messageOf(failure.reason)) : failure.reason;
}

/** The mounts show on the host no longer; they are served for as long as a command has them. */
export async function hideAreas(merged: readonly Name[]): Promise<void> {
  for (const path of merged) await unmountPath(path, { lazy: true, wait: false, durable: false });
}

/** Takes away what a killed `plyfs try` has left mounted. PRECONDITION: the draft is locked. */
export async function hideLeftAreas(store: Store, record: DraftRecord): Promise<void> {
  const points = new Set(record.areas.map((area) => nameFromText(`${areaHome(store, record, area)}/merged`)));
  const left = readMountinfo().filter(({ mountpoint }) => points.has(mountpoint));
  await hideAreas(left.map(({ mountpoint }) => mountpoint));
  await Promise.all(servedAreas(store, record).map(letGo));
}

/** Daemons that serve an area of the draft. */
export function servedAreas(store: Store, record: DraftRecord): RunState[] {
  const uppers = new Set(record.areas.map((area) => nameFromText(`${areaHome(store, record, area)}/upper`)));
  return listRunStates(runRoot()).filter(({ upper }) => upper !== undefined && uppers.has(upper));
}

const ASK_MS = 5_000;
const ENDS_MS = 3_000;

/** A daemon that lies in a namespace of its own with its mount would keep itself alive; commands that it serves are left alone. */
async function letGo(state: RunState): Promise<void> {
  try {
    const args = { lazy: true, durable: false };
    await askDaemon(runDirectory(runRoot(), state.id), 'unmount', args, { timeoutMs: ASK_MS });
  } catch (error) {
    // It is unmounted there already, or the daemon is on its way out.
    if (!(error instanceof UserError)) throw error;
  }
  await untilUnused([state], ENDS_MS);
}

const POLL_MS = 5;

/** Until the daemons have let go of the uppers. @returns false when some process of the draft still runs. */
export async function untilUnused(states: readonly RunState[], timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (!states.every(hasLetGo)) {
    if (Date.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return true;
}

interface Areas {
  readonly record: DraftRecord;
  /** Places that this user may not even look at. */
  readonly refused: ReadonlySet<Name>;
}

/** Areas that the draft has not yet get a folder each, and the record names them. */
function withAreas(store: Store, given: DraftRecord, planned: readonly PlannedPart[]): Areas {
  const refused = new Set<Name>();
  const areas = [...given.areas];
  for (const { path } of planned) {
    if (areas.some((area) => area.path === path)) continue;
    const area = { id: String(areas.length), path };
    if (makeArea(areaHome(store, given, area), path)) areas.push(area);
    else refused.add(path);
  }
  const record = { ...given, areas };
  if (areas.length > given.areas.length) writeDraft(store, record);
  return { record, refused };
}

/** @returns false where nothing can be read, and so nothing can be covered. */
function makeArea(home: string, path: Name): boolean {
  const stat = new Statx();
  // Remote storage may be mounted over a file; the type of its root is known without an answer from it.
  const asKnown = AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC;
  if (statx(AT_FDCWD, path, asKnown, STATX_TYPE, stat) < 0 || (stat.mode & S_IFMT) !== S_IFDIR) return false;
  if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, stat) < 0) return false;
  for (const folder of ['upper', 'work', 'merged']) makeDirectories(`${home}/${folder}`, AREA_MODE);
  try {
    takeRootAttributes(textFromName(path), `${home}/upper`);
  } catch (error) {
    if (path !== '/' && [EACCES, ENOENT, ENOTCONN].some((errno) => isErrno(error, errno))) return false;
    throw error;
  }
  recordBase(new PrivateXattrs(xattrNamespaceHere()), AT_FDCWD, nameFromText(`${home}/upper`), stat);
  return true;
}

function areaOf(record: DraftRecord, path: Name): DraftArea {
  const area = record.areas.find((one) => one.path === path);
  if (area === undefined) throw new Error(`no area for '${displayName(path)}'`);
  return area;
}

function configOf(store: Store, record: DraftRecord, area: DraftArea): MountConfig {
  const home = nameFromText(areaHome(store, record, area));
  return {
    mountpoint: `${home}/merged`,
    layers: [area.path],
    liveLayers: true,
    upper: `${home}/upper`,
    work: `${home}/work`,
    mounts: [],
    readOnly: false,
    engine: 'kernel',
    xattrNamespace: mayUseTrustedXattrs() ? 'trusted' : 'user',
    unionOptions: {},
    vfsOptions: vfsOptionsOf(area.path),
    fsname: nameFromText(`draft:${record.name}`),
    volatile: false,
    passthrough: 'programs',
    allowOther: false,
    debug: false,
  };
}

/** Linux: include/linux/statfs.h. */
const ST_RDONLY = 1;
const ST_NOSUID = 2;
const ST_NODEV = 4;
const ST_NOEXEC = 8;

/** What the host's mount does not allow, the draft's does not either. */
function vfsOptionsOf(path: Name): string[] {
  const flags = mountFlags(path);
  const words = [
    [ST_NOSUID, 'nosuid'],
    [ST_NODEV, 'nodev'],
    [ST_NOEXEC, 'noexec'],
  ] as const;
  return words.filter(([flag]) => (flags & flag) !== 0).map(([, word]) => word);
}

/** f_flags of statfs(2), which Node does not give. */
function mountFlags(path: Name): number {
  const fd = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY);
  if (fd < 0) return 0;
  const found = new StatFsResult();
  const result = fstatfs(fd, found);
  close(fd);
  return result < 0 ? 0 : found.flags;
}

/** Remote storage is not touched: it may hang. */
function isWritableDirectory({ mountpoint, type }: MountEntry): boolean {
  if (isRemoteType(type)) return true;
  const path = Buffer.from(mountpoint, 'latin1');
  try {
    accessSync(path, constants.R_OK | constants.X_OK);
    return statSync(path).isDirectory() && (mountFlags(mountpoint) & ST_RDONLY) === 0;
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return false;
  }
}

/** Places that a draft cannot cover. @throws UserError */
export function checkOver(store: Store, over: readonly Name[]): void {
  for (const path of over) {
    const shown = displayName(path);
    if (KERNEL_TREES.some((tree) => path === tree || path.startsWith(`${tree}/`)))
      throw new UserError(`cannot make a draft over '${shown}': ${path.slice(0, 5)} is the running system's`);
    if (path === nameFromText(store.root) || path.startsWith(`${nameFromText(store.root)}/`))
      throw new UserError(`cannot make a draft over '${shown}': it lies in the store of plyfs`);
    const other = over.find((one) => one !== path && path.startsWith(one === '/' ? '/' : `${one}/`));
    if (other !== undefined)
      throw new UserError(`cannot make a draft over '${shown}': it lies inside '${displayName(other)}'`, {
        hint: 'the outer one covers it',
      });
  }
}
