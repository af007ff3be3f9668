/**
 * Removing containers: the name goes by one rename, under the lock of the store, with the anonymous volumes that nobody
 * else has; what they hold is deleted after it.
 */

import { UserError } from '../errno/user-error.js';
import {
  type ContainerRecord,
  listContainers,
  unnamedVolumesOf,
  usersOfVolume,
} from '../store/container-record.js';
import { measureTree } from '../store/measure-tree.js';
import type { Store } from '../store/store.js';
import { ANONYMOUS_LABEL, readVolume } from '../store/volume-record.js';
import { whileUnused } from '../volume/use.js';
import { lockIfThere } from './lock.js';
import { statusOf, viewHost } from './status.js';
import { stopContainer } from './stop.js';

export interface RemoveWays {
  /** Also a running one. */
  readonly force?: boolean | undefined;
  /** Its anonymous volumes too. */
  readonly volumes?: boolean | undefined;
}

/** @throws UserError when it runs and is not to be forced. */
export async function removeContainer(
  store: Store,
  record: ContainerRecord,
  ways: RemoveWays = {},
): Promise<void> {
  const { status } = statusOf(store, record);
  if (status === 'running' && ways.force !== true) throw isRunning(record);
  // One that `container mount` has mounted may be in use on the host.
  await stopContainer(store, record, {
    signal: 'SIGKILL',
    lazily: ways.force === true || status === 'dead',
    isScratch: true,
  });
  using lock = lockIfThere(store, record);
  if (lock === undefined) return;
  if (statusOf(store, record).isMounted) throw isRunning(record);
  const volumes = ways.volumes === true ? anonymousVolumes(store, record) : [];
  using intent = store.intend();
  store.locked(() => {
    const own = volumes.filter((name) => usersOfVolume(store, name).every((id) => id === record.id));
    const free = own.filter((name) => whileUnused(store, name, () => undefined));
    intent.decide([
      { do: 'remove', path: `containers/${record.id}` },
      ...free.map((name) => ({ do: 'remove', path: `volumes/${name}` }) as const),
    ]);
    intent.carryOut();
  });
}

function isRunning({ name }: ContainerRecord): UserError {
  return new UserError(`cannot remove container '${name}': container is running`, {
    hint: 'stop the container before removing or force remove',
  });
}

function anonymousVolumes(store: Store, record: ContainerRecord): string[] {
  return unnamedVolumesOf(record).filter((name) => {
    const labels = readVolume(store, name)?.labels;
    return labels !== undefined && Object.hasOwn(labels, ANONYMOUS_LABEL);
  });
}

export interface PrunedContainers {
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
      statusOf(store, record, view).status !== 'running' && !statusOf(store, record, view).isMounted,
  );
  const ids: string[] = [];
  let bytes = 0;
  for (const record of idle.filter(isMeant)) {
    try {
      const itsBytes = measureTree(store.path('containers', record.id, 'upper')).diskBytes;
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
