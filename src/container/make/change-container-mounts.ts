/**
 * Mounts that a container gets and loses after it was made, also while its command runs: one daemon serves the whole
 * tree, so a mount shows at once to all who are in it; over that go the kernel's mounts in the command's namespace.
 *
 * The record says what the next start mounts, the daemon what is mounted now. A mount is recorded first, with a step that
 * takes it back, and taken away from the daemon first: a command that is killed in between has done nothing that a start
 * would stumble over, and the same command once more goes through.
 */

import { addRequest, removeMount } from '../../daemon/client/change-running-mount.js';
import { UserError } from '../../errno/user-error.js';
import { layerTreePath } from '../../image/catalog/image-index.js';
import { parseEitherSpec } from '../../mounts/request/either-spec.js';
import { parseTarget } from '../../mounts/request/paths.js';
import type { SpecContext } from '../../mounts/request/types.js';
import { containerHome } from '../../store/container-home.js';
import { type ContainerMount, type ContainerRecord, writeContainer } from '../../store/container-record.js';
import { crashPoint } from '../../store/crash-point.js';
import type { Intent } from '../../store/intent.js';
import type { Store } from '../../store/store.js';
import { nameFromText } from '../../vfs/name.js';
import { isRunning, readState } from '../record/command-state.js';
import { lockContainer } from '../record/container-lock.js';
import { reread } from '../record/find.js';
import { realHome, realRoot } from '../record/real-root.js';
import { containerStatus, mountPointOf } from '../record/status.js';
import { hostFileMount } from '../tree/host-files.js';
import { ImageTree } from '../tree/image-tree.js';
import { namespaceMounts } from '../tree/namespace-mounts.js';
import { readyOwnDisk } from '../tree/own-disk.js';
import { tellNamespace } from '../tree/running-namespace.js';
import { withVolume } from './ensure-volume.js';
import { fillVolumes } from './fill-volumes.js';
import { inOrder, noticesOf, refuseFileBinds } from './plan-mounts.js';

/**
 * Mounts one more, and records it. Of a container that does not run only the latter.
 *
 * @param text as the value of `-v` or of `--mount`.
 * @returns what was accepted and does nothing here, what a volume's storage refused: a line each.
 * @throws UserError; then nothing has changed, but that a named volume may have been made.
 */
export async function addContainerMount(
  store: Store,
  container: ContainerRecord,
  text: string,
  context: SpecContext,
): Promise<string[]> {
  const request = parseEitherSpec(text, context);
  if (request.type === 'bind' && request.exclude !== undefined)
    throw new UserError(`cannot mount '${text}': exclude is for new containers`, {
      hint: `mount something over ${request.target}/${request.exclude[0]} instead`,
    });
  using _lock = await lockContainer(store, container);
  const now = reread(store, container);
  const mount: ContainerMount = { origin: request.origin === 'v' ? 'volume' : 'mount', request };
  refuseTaken(store, now, request.target);
  const plan = await inOrder([...now.mounts, mount]);
  if (now.os === 'windows') refuseFileBinds(plan);
  using intent = store.intend();
  const made = record(store, now, { plan, target: request.target, intent });
  const refused = await fillVolumes(store, { ...now, mounts: [made] });
  if (containerStatus(store, now).daemon !== undefined) await serve(store, now, made);
  await inNamespace(store, now, made);
  crashPoint();
  intent.end();
  return [...noticesOf([request]), ...refused];
}

/**
 * Takes a mount away, also from the record. What is in it stays, as do files that somebody has open there.
 * @throws UserError when nothing is mounted at the target, or something inside of it.
 */
export async function removeContainerMount(
  store: Store,
  container: ContainerRecord,
  text: string,
): Promise<void> {
  using _lock = await lockContainer(store, container);
  const now = reread(store, container);
  const target = knownTarget(store, now, parseTarget(text));
  const inside = now.mounts.find(({ request }) => request.target.startsWith(`${target}/`));
  if (inside !== undefined) {
    const other = inside.request.target;
    throw new UserError(`cannot remove the mount at '${target}': '${other}' is mounted inside`, {
      hint: `remove '${other}' first`,
    });
  }
  if (served(store, now).includes(target)) await removeMount(mountPoint(store, now), target);
  tellNamespace(store, now, { remove: target });
  store.locked(() => {
    const latest = reread(store, now);
    const mounts = latest.mounts.filter(({ request }) => request.target !== target);
    writeContainer(store, { ...latest, mounts });
  });
  await showHostFile(store, now, target);
}

/** While a command runs, plyfs's own file shows again where the user's was. */
async function showHostFile(store: Store, container: ContainerRecord, target: string): Promise<void> {
  const own = hostFileMount(store, container, target);
  const state = readState(store, container.id);
  if (own === undefined || state === undefined || !isRunning(state.process)) return;
  await addRequest(mountPoint(store, container), own, realRoot(store));
}

async function serve(store: Store, container: ContainerRecord, { request }: ContainerMount): Promise<void> {
  const path = mountPoint(store, container);
  const { daemon } = containerStatus(store, container);
  const isShown = daemon?.mounts.some(({ target }) => target === request.target) === true;
  const isHostFile = hostFileMount(store, container, request.target) !== undefined;
  // Not in the record: a killed command has left it, or plyfs shows its own file there, in whose place the user's goes.
  if (isShown && (isHostFile || served(store, container).includes(request.target)))
    await removeMount(path, request.target);
  await addRequest(path, request, realRoot(store));
}

/** The tree shows it no more when the namespace refuses it. */
async function inNamespace(store: Store, container: ContainerRecord, made: ContainerMount): Promise<void> {
  const [add] = namespaceMounts(store, { mounts: [made] }, { sharesTmpfs: false });
  try {
    tellNamespace(store, container, add === undefined ? {} : { add });
  } catch (error) {
    await removeMount(mountPoint(store, container), made.request.target);
    throw error;
  }
}

/** Targets of what its daemon has mounted, less what plyfs itself shows in it while its command runs (host-files.ts). */
function served(store: Store, container: ContainerRecord): string[] {
  const home = `${realHome(store, container.id)}/`;
  const mounts = containerStatus(store, container).daemon?.mounts ?? [];
  return mounts.filter(({ source }) => !source.startsWith(home)).map(({ target }) => target);
}

function mountPoint(store: Store, container: ContainerRecord) {
  return nameFromText(mountPointOf(store, container));
}

/** Symlinks of the container may lead two targets to one place. */
function refuseTaken(store: Store, container: ContainerRecord, target: string): void {
  using tree = treeOf(store, container);
  const place = tree.resolve(target).path;
  if (container.mounts.some(({ request }) => tree.resolve(request.target).path === place)) {
    throw new UserError(`Duplicate mount point: ${target}`, {
      hint: `'plyfs container mount-rm ${container.name} ${target}' takes away what is mounted there`,
    });
  }
}

function knownTarget(store: Store, container: ContainerRecord, wanted: string): string {
  // What a killed command has mounted is not in the record.
  const targets = [...container.mounts.map(({ request }) => request.target), ...served(store, container)];
  if (targets.includes(wanted)) return wanted;
  using tree = treeOf(store, container);
  const place = tree.resolve(wanted).path;
  const found = targets.find((target) => tree.resolve(target).path === place);
  if (found !== undefined) return found;
  throw new UserError(`nothing is mounted at '${wanted}' in container '${container.name}'`, {
    hint: `'plyfs container inspect --format "{{json .Mounts}}" ${container.name}' lists what is`,
  });
}

function treeOf(store: Store, record: ContainerRecord): ImageTree {
  readyOwnDisk(store, record);
  const { id, layers } = record;
  return new ImageTree(
    layers.map((hex) => layerTreePath(store, hex)),
    realHome(store, id),
  );
}

interface Addition {
  /** All mounts, the new one among them. */
  readonly plan: readonly ContainerMount[];
  readonly target: string;
  readonly intent: Intent;
}

/** @returns the mount as recorded: an anonymous volume has a name by then. */
function record(
  store: Store,
  container: ContainerRecord,
  { plan, target, intent }: Addition,
): ContainerMount {
  return store.locked(() => {
    const latest = reread(store, container);
    const { id, image } = latest;
    // A volume may have got another name meanwhile.
    const known = new Map(latest.mounts.map((mount) => [mount.request.target, mount]));
    const mounts = plan.map(
      (mount) =>
        known.get(mount.request.target) ?? withVolume(store, mount, { id, image: image.name, intent }),
    );
    intent.add({ do: 'forget-mount', path: `${containerHome(id)}/container.json`, target });
    writeContainer(store, { ...latest, mounts });
    return mounts.find(({ request }) => request.target === target) as ContainerMount;
  });
}
