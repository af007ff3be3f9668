/** A volume as something that has snapshots: copies of its tree. */

import { mkdirSync } from 'node:fs';
import { pauseProcesses } from '../container/end/pause-processes.js';
import { findContainer } from '../container/record/find.js';
import { containerStatus, mountPointOf } from '../container/record/status.js';
import { flushMount } from '../container/tree/flush-container.js';
import { UserError } from '../errno/user-error.js';
import { openMirrorView } from '../mounts/mirror/open-mirror-view.js';
import { usersOfVolume } from '../store/container-record.js';
import { replaceDirectory } from '../store/replace-directory.js';
import type { Store } from '../store/store.js';
import { writeUsage } from '../store/usage-record.js';
import { volumeData, volumeHome } from '../store/volume-home.js';
import type { VolumeRecord } from '../store/volume-record.js';
import type { FileSystem } from '../vfs/file-system.js';
import { nameFromText } from '../vfs/name.js';
import { backingOf } from '../volume/backing/driver-options.js';
import { cloneVolume } from '../volume/clone-volume.js';
import { copyTree } from '../volume/copy-tree.js';
import { viewOfUse } from '../volume/export-volume.js';
import { replaceImage } from '../volume/replace-image.js';
import { reserveVolume, useVolume, whileUnused } from '../volume/use.js';
import { KeptStates } from './kept-states.js';
import { openBoth } from './open-states.js';
import type { SnapshotTarget } from './snapshot-target.js';

export function volumeTarget(store: Store, record: VolumeRecord): SnapshotTarget {
  const { name: volume } = record;
  const home = volumeHome(volume);
  const shown = `volume '${volume}'`;
  const states = statesOf(store, record);
  const treeOf = (name: string): string => volumeStateTree(store, record, name);
  return {
    kind: 'volume',
    name: volume,
    list: () =>
      states
        .list()
        .map(({ name, createdAt }) => ({ name, createdAt, layers: undefined, isCurrent: undefined })),
    create: async (name, { pause = true } = {}) => {
      assertOurs(record, 'take a snapshot of');
      using use = await useVolume(store, volume, { what: `cannot take a snapshot of ${shown}` });
      states.add(name, {}, (folder) => {
        using _paused = quiet(store, volume, { pause });
        mkdirSync(`${folder}/tree`);
        copyTree(use.path, `${folder}/tree`);
      });
    },
    restore: async (name) => {
      assertOurs(record, 'restore');
      const from = treeOf(name);
      const outcomes: ReturnType<typeof copyTree>[] = [];
      const fill = (to: string): void => void outcomes.push(copyTree(from, to));
      const whileFree = (change: () => void): void => {
        if (!whileUnused(store, volume, change)) throw inUse(store, volume);
      };
      const backing = backingOf(record.options);
      if (backing.kind === 'image') replaceImage(store, record, { backing, fill, whileFree });
      else replaceDirectory(store, { kind: 'volumes', path: volumeData(volume), fill, whileFree });
      writeUsage(store.path(home), outcomes[0]!);
    },
    remove: async (name) => states.remove(name),
    open: (name, other) =>
      openBoth(
        () => openDirectory(treeOf(name)),
        () => (other === undefined ? viewOfUse(reserveVolume(store, volume)) : openDirectory(treeOf(other))),
      ),
    fork: async (name, { snapshot } = {}) => {
      const content = snapshot === undefined ? undefined : treeOf(snapshot);
      await cloneVolume(store, { from: volume, to: name, content });
      return name;
    },
  };
}

/** The directory with what a snapshot has. @throws UserError when there is no such snapshot. */
export function volumeStateTree(store: Store, record: VolumeRecord, snapshot: string): string {
  const states = statesOf(store, record);
  return `${states.path(states.find(snapshot).name)}/tree`;
}

function statesOf(store: Store, { name }: VolumeRecord): KeptStates<object> {
  const holder = { kind: 'volumes', shown: `volume '${name}'`, name, home: volumeHome(name) } as const;
  return new KeptStates(store, holder, { fields: {} });
}

/** Its data must be ours to replace. @throws UserError */
function assertOurs({ name, options }: VolumeRecord, doing: string): void {
  if (backingOf(options).kind !== 'mount') return;
  throw new UserError(`cannot ${doing} volume '${name}': its data lies on a device that is not plyfs'`, {
    hint: `'plyfs volume clone ${name} NEW' copies it`,
  });
}

/** Containers that have the volume write nothing meanwhile, and what they have written is in it. */
function quiet(store: Store, volume: string, { pause }: { readonly pause: boolean }): Disposable {
  const mountpoints = usersOfVolume(store, volume).flatMap((id) => {
    const container = findContainer(store, id);
    if (container === undefined || containerStatus(store, container).daemon === undefined) return [];
    return [mountPointOf(store, container)];
  });
  const paused = pause ? mountpoints.map(pauseProcesses) : [];
  for (const mountpoint of mountpoints) flushMount(mountpoint);
  return {
    [Symbol.dispose]: () => {
      for (const one of paused) one[Symbol.dispose]();
    },
  };
}

function inUse(store: Store, volume: string): UserError {
  const names = usersOfVolume(store, volume).map((id) => findContainer(store, id)?.name ?? id);
  const by = names.length === 0 ? '' : ` (containers that have it: ${names.join(', ')})`;
  return new UserError(`cannot restore volume '${volume}': it is in use${by}`, {
    code: 'ERR_IN_USE',
    hint: 'stop and unmount what uses it first',
  });
}

function openDirectory(path: string): Disposable & { readonly fs: FileSystem } {
  const fs = openMirrorView(nameFromText(path));
  return { fs, [Symbol.dispose]: () => fs.detach() };
}
