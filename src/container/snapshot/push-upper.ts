/**
 * An upper becomes a layer, and an empty one takes its place, also while programs write: two renames, whatever it holds. Or an upper
 * is thrown away, and the layers below it are others.
 *
 * INVARIANT: what is to be is decided before the first rename (store/intent.ts): after a kill the next command completes it.
 */

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { linkCopies } from '../../archive/tree/link-copies.js';
import { askDaemon } from '../../daemon/messages/control-client.js';
import { type RunState, runDirectory, runRoot } from '../../daemon/run-directory/run-state.js';
import { UserError } from '../../errno/user-error.js';
import { layerTreePath } from '../../image/catalog/image-index.js';
import { LAYER_FILE } from '../../image/catalog/layer-record.js';
import { CAP_SYS_ADMIN, hasCapability } from '../../linux/process/process.js';
import { CallerIds } from '../../realfs/caller-ids.js';
import { HeldDescriptors } from '../../realfs/held-descriptors.js';
import { writeJson } from '../../store/atomic-file.js';
import { containerHome } from '../../store/container-home.js';
import { type ContainerRecord, writeContainer } from '../../store/container-record.js';
import type { IntentStep } from '../../store/intent.js';
import type { Store } from '../../store/store.js';
import {
  stageUpper,
  stepsOfNextUpper,
  stepsOfPush,
  type UpperPush,
  upperIn,
} from '../../store/uppers/upper-push.js';
import { xattrNamespaceHere } from '../../union/form/xattr-namespace.js';
import { openUnion } from '../../union/open-union.js';
import { InodeNumbers } from '../../vfs/inode-numbers.js';
import { nameFromText } from '../../vfs/name.js';
import { ROOT_NODE } from '../../vfs/node-id.js';
import { pauseProcesses } from '../end/pause-processes.js';
import { newContainerId } from '../record/container-names.js';
import { realHome, realRoot } from '../record/real-root.js';
import { containerStatus, mountPointOf } from '../record/status.js';
import { flushMount } from '../tree/flush-container.js';
import { ImageTree } from '../tree/image-tree.js';
import { removalOfLayers } from '../tree/own-layers.js';

/** How a state is taken. */
interface PushOptions {
  /** `take a snapshot of` */
  readonly doing: string;
  /** Stop its processes meanwhile. */
  readonly pause: boolean;
  /** The record as it shall be, of what it is with the new layer. */
  readonly recordOf?: (pushed: ContainerRecord) => ContainerRecord;
}

/**
 * All that the container has changed lies in layers on return, and its upper is empty.
 * PRECONDITION: the container is locked. @throws UserError
 */
export async function pushUpper(
  store: Store,
  record: ContainerRecord,
  { doing, pause, recordOf = (pushed) => pushed }: PushOptions,
): Promise<ContainerRecord> {
  assertPushable(store, record, doing);
  const { daemon } = containerStatus(store, record);
  if (daemon === undefined) assertNotMounted(store, record, doing);
  if (isUnchanged(store, record)) {
    const same = recordOf(record);
    store.locked(() => writeContainer(store, same));
    return same;
  }
  const layer = newContainerId();
  const next = recordOf({
    ...record,
    layers: [...record.layers, layer],
    ownLayers: (record.ownLayers ?? 0) + 1,
  });
  const { path, text } = recordStep(next);
  const push: UpperPush = { ...upperIn(containerHome(record.id)), layer, record: { path, text } };
  if (daemon === undefined) pushIdle(store, record, push);
  else await pushServed(store, record, { push, daemon, pause, doing });
  return next;
}

/** Whether upper has nothing that the layers below have not: then it need not become one. */
function isUnchanged(store: Store, record: ContainerRecord): boolean {
  const home = realHome(store, record.id);
  if (record.layers.length === 0 || readdirSync(`${home}/upper`).length > 0) return false;
  const layers = record.layers.map((hex) => layerTreePath(store, hex));
  using below = new ImageTree(layers);
  using now = new ImageTree(layers, home);
  const [before, after] = [below, now].map((tree) => {
    const { mode, uid, gid, mtimeSec, mtimeNsec } = tree.attributes(ROOT_NODE);
    return JSON.stringify([mode, uid, gid, mtimeSec, mtimeNsec, [...tree.xattrs(ROOT_NODE)].sort()]);
  });
  return before === after;
}

function pushIdle(store: Store, record: ContainerRecord, push: UpperPush): void {
  linkCopiesOf(store, record);
  using intent = store.intend();
  const layer = store.stage('layers', intent);
  writeJson(store.path(layer, LAYER_FILE), {});
  const next = stageUpper(store, intent, push.home, store.path(push.upper));
  store.locked(() => {
    intent.decide(stepsOfPush(push, { layer, next }));
    intent.carryOut();
  });
}

/** A file that is open for writing is copied in it. */
const PUSH_MS = 600_000;

interface ServedPush {
  readonly push: UpperPush;
  readonly daemon: RunState;
  readonly pause: boolean;
  readonly doing: string;
}

async function pushServed(
  store: Store,
  record: ContainerRecord,
  { push, daemon, pause, doing }: ServedPush,
): Promise<void> {
  const mountpoint = mountPointOf(store, record);
  using _pause = pause ? pauseProcesses(mountpoint) : undefined;
  flushMount(mountpoint);
  try {
    const order = { ...push, root: realRoot(store) };
    await askDaemon(runDirectory(runRoot(), daemon.id), 'pushUpper', order, { timeoutMs: PUSH_MS });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`cannot ${doing} container '${record.name}': ${error.message}`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    });
  }
}

const DESCRIPTORS = 256;

/** PRECONDITION: the container is not mounted. */
function linkCopiesOf(store: Store, record: ContainerRecord): void {
  const home = realHome(store, record.id);
  const union = openUnion({
    layers: record.layers.map((hex) => nameFromText(layerTreePath(store, hex))),
    upper: nameFromText(`${home}/upper`),
    work: nameFromText(`${home}/work`),
    readOnly: false,
    volatile: false,
    accessTimes: [],
    passthrough: 'all',
    xattrNamespace: xattrNamespaceHere(),
    privileged: hasCapability(CAP_SYS_ADMIN),
    inodeNumbers: new InodeNumbers(),
    callerIds: new CallerIds({ enabled: false }),
    descriptorLimit: DESCRIPTORS,
    held: new HeldDescriptors(2 * DESCRIPTORS),
  });
  try {
    linkCopies(union);
  } finally {
    union.detach();
  }
}

/**
 * The container gets other own layers, and an empty upper; what it had is gone.
 * PRECONDITION: the container is locked, and not mounted. @throws UserError
 */
export function popUpper(store: Store, record: ContainerRecord, own: readonly string[]): void {
  const home = containerHome(record.id);
  const image = record.layers.slice(0, record.layers.length - (record.ownLayers ?? 0));
  const next = { ...record, layers: [...image, ...own], ownLayers: own.length };
  const top = next.layers.at(-1);
  using intent = store.intend();
  const staged = stageUpper(store, intent, home, top === undefined ? undefined : layerTreePath(store, top));
  store.locked(() => {
    const kept = new Set([...next.layers, ...(next.snapshots ?? []).flatMap(({ layers }) => layers)]);
    const dropped = record.layers.filter((hex) => !kept.has(hex));
    using removal = removalOfLayers(store, dropped, (other) => other === record.id);
    intent.decide([
      ...stepsOfNextUpper(upperIn(home), staged, join(home, staged, 'old-upper')),
      recordStep(next),
      ...removal.steps,
    ]);
    intent.carryOut();
  });
}

export function recordStep(record: ContainerRecord): Extract<IntentStep, { readonly do: 'write' }> {
  const text = `${JSON.stringify(record, null, 2)}\n`;
  return { do: 'write', path: join(containerHome(record.id), 'container.json'), text, mode: 0o600 };
}

/** @param doing `take a snapshot of`. @throws UserError where the upper cannot become a layer. */
export function assertPushable(store: Store, record: ContainerRecord, doing: string): void {
  const refused = (why: string, hint: string): UserError =>
    new UserError(`cannot ${doing} container '${record.name}': ${why}`, { hint });
  if (record.runtime?.storageBytes !== undefined)
    throw refused('its changes lie on a disk of their own', 'it was made with --storage-opt size=');
  if (record.mounts.some(({ request }) => request.type === 'bind' && request.cow === true))
    throw refused('it has binds with cow, whose changes would not be in it', 'use a volume, or plyfs try');
  const [upper, layers] = [store.path(containerHome(record.id), 'upper'), store.path('layers')];
  if (statSync(upper).dev !== statSync(layers).dev)
    throw refused('containers/ and layers/ of the store lie on two file systems', 'keep the store on one');
}

/** @throws UserError */
export function assertNotMounted(store: Store, record: ContainerRecord, doing: string): void {
  const { isMounted, status } = containerStatus(store, record);
  if (!isMounted && status !== 'running') return;
  const what =
    status === 'running' ? 'running' : status === 'dead' ? 'mounted by a daemon that is gone' : 'mounted';
  throw new UserError(`cannot ${doing} container '${record.name}': it is ${what}`, {
    code: 'ERR_IN_USE',
    hint: `'plyfs stop ${record.name}' ends that`,
  });
}
