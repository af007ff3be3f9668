/**
 * The upper of a mount that a user has made with `plyfs mount --upper` as something that has snapshots: upper becomes a layer that lies
 * beside it (store/uppers/upper-snapshots.ts), as a container's does in the store.
 *
 * To go back the mount is taken away and made again, with the same options: so it is refused while something is open there.
 */

import { closeSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { flushMount } from '../container/tree/flush-container.js';
import { type LayerRemoval, removalOfUnneeded } from '../container/tree/own-layers.js';
import { launchDaemon } from '../daemon/client/launch.js';
import { unmountPath } from '../daemon/client/unmount.js';
import type { MountConfig } from '../daemon/config/mount-config.js';
import { askDaemon } from '../daemon/messages/control-client.js';
import { type RunState, runDirectory, runRoot } from '../daemon/run-directory/run-state.js';
import { lockUpper } from '../daemon/run-directory/upper-lock.js';
import { hasCode } from '../errno/error-code.js';
import { UserError } from '../errno/user-error.js';
import { makeDirectories } from '../linux/files/make-directories.js';
import { writeJson } from '../store/atomic-file.js';
import type { IntentStep } from '../store/intent.js';
import { FOLDER_MODE } from '../store/layout.js';
import { type FileLock, lockFilePatiently } from '../store/lock.js';
import { Store } from '../store/store.js';
import { stageUpper, stepsOfNextUpper, type UpperPlace } from '../store/uppers/upper-push.js';
import {
  ownLayerPaths,
  readUpperSnapshots,
  SNAPSHOT_FOLDERS,
  SNAPSHOTS_FILE,
  snapshotsRoot,
  type UpperSnapshots,
} from '../store/uppers/upper-snapshots.js';
import { openView } from '../union/open-view.js';
import type { FileSystem } from '../vfs/file-system.js';
import { displayName, type Name, nameFromText, textFromName } from '../vfs/name.js';
import { randomHex } from '../vfs/random-hex.js';
import { assertPushableMount } from './assert-pushable-mount.js';
import { checkStateName } from './kept-states.js';
import { openBoth } from './open-states.js';
import type { SnapshotTarget } from './snapshot-target.js';

/** An upper, and who serves it now. */
interface FoundUpper {
  readonly upper: Name;
  readonly state: RunState | undefined;
}

const ASK_MS = 5_000;
/** A file that is open for writing is copied in it. */
const PUSH_MS = 600_000;
const ID_BYTES = 32;

export function upperTarget(found: FoundUpper): SnapshotTarget {
  const { upper, state } = found;
  return {
    kind: 'mount',
    name: displayName(state?.mountpoint ?? upper),
    list: () => {
      storeOf(upper).mend();
      const { layers, snapshots } = known(upper);
      return snapshots.map((one) => ({
        name: one.name,
        createdAt: one.createdAt,
        layers: one.layers.length,
        isCurrent: one.layers.join() === layers.join(),
      }));
    },
    create: (name) => createState(found, name),
    restore: (name) => restoreState(found, name),
    remove: (name) => removeState(upper, name),
    fork: async (_name, { snapshot } = {}) => {
      throw forkByHand(upper, known(upper), snapshot);
    },
    open: (name, other) => {
      storeOf(upper).mend();
      const record = known(upper);
      const stateOf = (wanted: string) => () =>
        openTree(upper, record, findState(upper, record, wanted).layers);
      if (other !== undefined) return openBoth(stateOf(name), stateOf(other));
      if (state !== undefined) flushMount(textFromName(state.mountpoint));
      return openBoth(stateOf(name), () =>
        openTree(upper, record, record.layers, { path: upper, work: record.work }),
      );
    },
  };
}

async function createState({ upper, state }: FoundUpper, name: string): Promise<void> {
  checkStateName(name);
  if (state === undefined) {
    throw new UserError(`cannot take a snapshot of '${displayName(upper)}': it is not mounted`, {
      hint: 'mount it, and name the mount point',
    });
  }
  const directory = runDirectory(runRoot(), state.id);
  const config = (await askDaemon(directory, 'config', {}, { timeoutMs: ASK_MS })) as MountConfig;
  const { work } = assertPushableMount(config);
  const store = storeOf(upper);
  makeDirectories(store.root, FOLDER_MODE);
  using _lock = await lockStates(store);
  store.mend();
  const before = readUpperSnapshots(upper) ?? { base: config.layers, work, layers: [], snapshots: [] };
  refuseTaken(upper, before, name);
  flushMount(textFromName(state.mountpoint));
  const isSame = isUnchanged(upper, before);
  const layer = randomHex(ID_BYTES);
  const layers = isSame ? before.layers : [...before.layers, layer];
  const base = config.layers.slice(0, config.layers.length - before.layers.length);
  const snapshots = [...before.snapshots, { name, createdAt: new Date().toISOString(), layers }];
  const next: UpperSnapshots = { base, work, layers, snapshots };
  if (isSame) return store.locked(() => writeJson(store.path(SNAPSHOTS_FILE), next, 0o600));
  const { path, text } = recordStep(next);
  const push = { ...placeOf(store, upper, work), layer, record: { path, text } };
  const order = { ...push, root: store.root, folders: SNAPSHOT_FOLDERS };
  await askDaemon(directory, 'pushUpper', order, { timeoutMs: PUSH_MS });
}

async function restoreState({ upper, state }: FoundUpper, name: string): Promise<void> {
  const store = storeOf(upper);
  findState(upper, known(upper), name);
  using _lock = await lockStates(store);
  store.mend();
  const record = known(upper);
  const { layers } = findState(upper, record, name);
  const config = state === undefined ? undefined : await unmount(state);
  const held = await lockUpper({ mountpoint: upper, upper, work: record.work }, runRoot());
  try {
    popState(store, upper, { ...record, layers });
  } finally {
    for (const fd of held) closeSync(fd);
  }
  if (config === undefined) return;
  const own = ownLayerPaths(upper, layers).map(nameFromText);
  const base = config.layers.slice(0, config.layers.length - record.layers.length);
  await launchDaemon({ ...config, layers: [...base, ...own] });
}

/** @returns what to mount again. @throws UserError while something is open there. */
async function unmount(state: RunState): Promise<MountConfig> {
  const shown = displayName(state.mountpoint);
  // Who serves it from a command of his own (`-f`) would see that end.
  if (state.isForeground === true) {
    throw new UserError(`cannot restore '${shown}': process ${state.pid} serves it in the foreground`, {
      code: 'ERR_IN_USE',
      hint: `unmount it, then name its upper: plyfs snapshot restore '${displayName(state.upper ?? '')}' NAME`,
    });
  }
  const directory = runDirectory(runRoot(), state.id);
  const config = (await askDaemon(directory, 'config', {}, { timeoutMs: ASK_MS })) as MountConfig;
  try {
    await unmountPath(state.mountpoint, { lazy: false });
  } catch (error) {
    if (!hasCode(error, 'ERR_IN_USE')) throw error;
    throw new UserError(
      `cannot restore '${shown}': something in it is open, or somebody's working directory`,
      {
        code: 'ERR_IN_USE',
        hint: `see who with: fuser -vm '${shown}'`,
        cause: error,
      },
    );
  }
  return config;
}

/** PRECONDITION: nobody has upper mounted, nor can. */
function popState(store: Store, upper: Name, next: UpperSnapshots): void {
  const place = placeOf(store, upper, next.work);
  const top = ownLayerPaths(upper, next.layers).at(-1);
  using intent = store.intend();
  const staged = stageUpper(store, intent, place.home, top);
  store.locked(() => {
    using removal = removalOf(store, next);
    intent.decide([
      ...stepsOfNextUpper(place, staged, join(place.home, staged, 'old-upper')),
      recordStep(next),
      ...removal.steps,
    ]);
    intent.carryOut();
  });
}

async function removeState(upper: Name, name: string): Promise<void> {
  const store = storeOf(upper);
  findState(upper, known(upper), name);
  using _lock = await lockStates(store);
  using intent = store.intend();
  store.locked(() => {
    const record = known(upper);
    findState(upper, record, name);
    const next = { ...record, snapshots: record.snapshots.filter((one) => one.name !== name) };
    using removal = removalOf(store, next);
    intent.decide([recordStep(next), ...removal.steps]);
    intent.carryOut();
  });
}

/**
 * The removal of layers that are of no use any more, but for those that another mount has: they go with a later one.
 * PRECONDITION: the store is locked.
 */
function removalOf(store: Store, { layers, snapshots }: UpperSnapshots): LayerRemoval {
  const kept = new Set([...layers, ...snapshots.flatMap((one) => one.layers)]);
  return removalOfUnneeded(
    store,
    store.names('layers').filter((layer) => !kept.has(layer)),
  );
}

/** Whether upper has nothing that the layer below has not: then it need not become one. */
function isUnchanged(upper: Name, { layers }: UpperSnapshots): boolean {
  const top = ownLayerPaths(upper, layers).at(-1);
  if (top === undefined || readdirSync(textFromName(upper)).length > 0) return false;
  const [now, below] = [textFromName(upper), top].map((path) => {
    const { mode, uid, gid, mtimeNs } = statSync(path, { bigint: true });
    return [mode, uid, gid, mtimeNs].join();
  });
  return now === below;
}

function storeOf(upper: Name): Store {
  return new Store(snapshotsRoot(upper), undefined, SNAPSHOT_FOLDERS);
}

function placeOf(store: Store, upper: Name, work: Name): UpperPlace {
  const [upperPath, workPath] = [upper, work].map((path) => relative(store.root, textFromName(path)));
  return { home: '.', upper: upperPath!, work: workPath! };
}

/** One command at a time. */
function lockStates(store: Store): Promise<FileLock> {
  return lockFilePatiently(store.path('command.lock'));
}

function recordStep(record: UpperSnapshots): Extract<IntentStep, { readonly do: 'write' }> {
  return { do: 'write', path: SNAPSHOTS_FILE, text: `${JSON.stringify(record, null, 2)}\n`, mode: 0o600 };
}

function known(upper: Name): UpperSnapshots {
  return readUpperSnapshots(upper) ?? { base: [], work: `${upper}.work`, layers: [], snapshots: [] };
}

function findState(upper: Name, { snapshots }: UpperSnapshots, name: string) {
  const found = snapshots.find((one) => one.name === name);
  if (found !== undefined) return found;
  const shown = displayName(upper);
  throw new UserError(`no such snapshot of upper '${shown}': '${name}'`, {
    code: 'ERR_NOT_FOUND',
    hint: `'plyfs snapshot ls ${shown}' shows those there are`,
  });
}

function refuseTaken(upper: Name, { snapshots }: UpperSnapshots, name: string): void {
  if (!snapshots.some((one) => one.name === name)) return;
  const shown = displayName(upper);
  throw new UserError(`upper '${shown}' has a snapshot '${name}' already`, {
    code: 'ERR_EXISTS',
    hint: `remove it with 'plyfs snapshot rm ${shown} ${name}', or take another name`,
  });
}

/** There is nothing to make: any mount of the same layers with an upper of its own is one. */
function forkByHand(upper: Name, record: UpperSnapshots, snapshot: string | undefined): UserError {
  const { layers } = snapshot === undefined ? record : findState(upper, record, snapshot);
  const own = ownLayerPaths(upper, layers);
  const all = [...record.base.map(displayName), ...own].map((path) => `-l '${path}'`).join(' ');
  return new UserError(`cannot fork a mount: its layers can be mounted a second time`, {
    hint:
      own.length === 0
        ? 'take a snapshot of it first'
        : `with another upper, at another place: plyfs mount ${all} --upper DIR MOUNTPOINT`,
  });
}

function openTree(
  upper: Name,
  { base }: UpperSnapshots,
  layers: readonly string[],
  top?: { readonly path: Name; readonly work: Name },
): Disposable & { readonly fs: FileSystem } {
  const paths = [...base, ...ownLayerPaths(upper, layers).map(nameFromText)];
  const fs = openView({ layers: paths, ...(top === undefined ? {} : { upper: top }) });
  return { fs, [Symbol.dispose]: () => fs.detach() };
}
