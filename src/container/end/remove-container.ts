/**
 * Removing containers: the name goes by one rename, under the lock of the store, with the anonymous volumes that nobody
 * else has; what they hold is deleted after it.
 */

import { UserError } from '../../errno/user-error.js';
import { containerHome } from '../../store/container-home.js';
import {
  type ContainerRecord,
  imageLayersOf,
  layersHeldBy,
  listContainers,
  unnamedVolumesOf,
  usersOfVolume,
} from '../../store/container-record.js';
import { measureTree } from '../../store/measure-tree.js';
import type { Store } from '../../store/store.js';
import { volumeHome } from '../../store/volume-home.js';
import { ANONYMOUS_LABEL, readVolume } from '../../store/volume-record.js';
import { noteVolume } from '../../volume/note-volume.js';
import { whileUnused } from '../../volume/use.js';
import { type CommandState, isRunning } from '../record/command-state.js';
import { lockIfThere } from '../record/container-lock.js';
import { noteContainer } from '../record/note-container.js';
import { containerStatus, viewHost } from '../record/status.js';
import { dropOwnDisk } from '../tree/own-disk.js';
import { removalOfLayers } from '../tree/own-layers.js';
import { stopContainer } from './stop-container.js';

export interface RemoveOptions {
  /** Also a running one. */
  readonly force?: boolean | undefined;
  /** Its anonymous volumes too. */
  readonly volumes?: boolean | undefined;
}

/** @throws UserError when it runs and is not to be forced. */
export async function removeContainer(
  store: Store,
  record: ContainerRecord,
  options: RemoveOptions = {},
): Promise<void> {
  const { status, state } = containerStatus(store, record);
  const isUsed = status === 'running' || isStarting(state);
  if (isUsed && options.force !== true) throw isInUse(record);
  // One that `container mount` has mounted may be in use on the host.
  await stopContainer(store, record, {
    signal: 'SIGKILL',
    lazily: options.force === true || status === 'dead',
    isScratch: true,
  });
  using lock = await lockIfThere(store, record);
  if (lock === undefined) return;
  if (containerStatus(store, record).isMounted) throw isInUse(record);
  const volumes = options.volumes === true ? anonymousVolumes(store, record) : [];
  dropOwnDisk(store, record);
  using intent = store.intend();
  store.locked(() => {
    const own = volumes.filter((name) => usersOfVolume(store, name).every((id) => id === record.id));
    const free = own.filter((name) => whileUnused(store, name, () => undefined));
    const held = layersHeldBy(record).filter((hex) => !imageLayersOf(record).includes(hex));
    using layers = removalOfLayers(store, held, (id) => id === record.id);
    intent.decide([
      { do: 'remove', path: containerHome(record.id) },
      ...layers.steps,
      ...free.map((name) => ({ do: 'remove', path: volumeHome(name) }) as const),
    ]);
    intent.carryOut();
    noteContainer(store, record, 'destroy');
    for (const name of free) noteVolume(store, name, 'destroy');
  });
}

/** Its supervisor has begun, and its command has not. */
function isStarting(state: CommandState | undefined): boolean {
  return state?.process === undefined && isRunning(state?.supervisor);
}

function isInUse({ name }: ContainerRecord): UserError {
  return new UserError(`cannot remove container '${name}': container is running`, {
    code: 'ERR_IN_USE',
    hint: 'stop the container before removing or force remove',
  });
}

function anonymousVolumes(store: Store, record: ContainerRecord): string[] {
  return unnamedVolumesOf(record).filter((name) => {
    const labels = readVolume(store, name)?.labels;
    return labels !== undefined && Object.hasOwn(labels, ANONYMOUS_LABEL);
  });
}

interface PrunedContainers {
  readonly ids: readonly string[];
  /** On disk, of what they had changed. */
  readonly bytes: number;
}

/** Those that do not run, which `isMeant`. */
export async function pruneContainers(
  store: Store,
  isMeant: (record: ContainerRecord) => boolean,
): Promise<PrunedContainers> {
  const view = viewHost();
  // One that is mounted is in use, too.
  const idle = listContainers(store).filter(
    (record) =>
      containerStatus(store, record, view).status !== 'running' &&
      !containerStatus(store, record, view).isMounted,
  );
  const ids: string[] = [];
  let bytes = 0;
  for (const record of idle.filter(isMeant)) {
    try {
      const itsBytes = measureTree(store.path(containerHome(record.id), 'upper')).diskBytes;
      await removeContainer(store, record);
      ids.push(record.id);
      bytes += itsBytes;
    } catch (error) {
      // Started meanwhile, or removed by another.
      if (!(error instanceof UserError)) throw error;
    }
  }
  return { ids, bytes };
}
