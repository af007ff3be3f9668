/**
 * Volumes: directories without records, storage that killed daemons left mounted, copies that were cut off.
 */

import { existsSync, readdirSync } from 'node:fs';
import type { Store } from '../../../store/store.js';
import { volumeHome } from '../../../store/volume-home.js';
import { readVolume } from '../../../store/volume-record.js';
import { backingOf } from '../../../volume/backing/driver-options.js';
import { mountedType } from '../../../volume/backing/mount-backing.js';
import { createVolume } from '../../../volume/create-volume.js';
import { isHalfFilled } from '../../../volume/filling.js';
import { isUsed, reserveVolume, whileUnused } from '../../../volume/use.js';
import { checkVolumeName } from '../../../volume/volume-names.js';
import { type StoreProblem, setAside, tryRead } from './problem.js';

export function checkVolumes(store: Store): StoreProblem[] {
  return store.names('volumes').flatMap((name) => checkVolume(store, name));
}

function checkVolume(store: Store, name: string): StoreProblem[] {
  const read = tryRead(() => readVolume(store, name));
  if ('broken' in read) return [broken(store, name, read.broken)];
  if (read.value === undefined) return [withoutRecord(store, name)];
  const invalid = tryRead(() => backingOf(read.value?.options ?? {}));
  if ('broken' in invalid) return [broken(store, name, invalid.broken)];
  const home = store.path(volumeHome(name));
  const problems: StoreProblem[] = [];
  if (!existsSync(`${home}/_data`)) problems.push(withoutData(store, name));
  // What somebody uses is as it should be, or will be when that ends.
  if (isUsed(store, name)) return problems;
  if (mountedType(home) !== undefined) problems.push(leftMounted(store, name));
  if (isHalfFilled(home)) problems.push(halfFilled(store, name));
  return problems;
}

function broken(store: Store, name: string, why: string): StoreProblem {
  return {
    what: `volume '${name}': its record cannot be read: ${why}`,
    cost: 'commands about volumes fail',
    remedy: 'move it to lost+found/',
    mend: () => setAside(store, volumeHome(name)),
  };
}

function withoutRecord(store: Store, name: string): StoreProblem {
  const home = store.path(volumeHome(name));
  const isEmpty = !existsSync(`${home}/_data`) || readdirSync(`${home}/_data`).length === 0;
  return {
    what: `volumes/${name} has no record`,
    cost: "it is no volume: 'volume ls' does not show it",
    remedy: isEmpty ? 'delete it: it is empty' : 'write one: it has files',
    mend: () => {
      if (isEmpty) {
        store.locked(() => store.discard(volumeHome(name)));
        return;
      }
      const named = tryRead(() => checkVolumeName(name));
      if ('broken' in named) setAside(store, volumeHome(name));
      else createVolume(store, { name });
    },
  };
}

function withoutData(store: Store, name: string): StoreProblem {
  return {
    what: `volume '${name}': its directory _data is gone`,
    cost: 'nothing can use it',
    remedy: 'make an empty one',
    mend: () => {
      store.locked(() => {
        const record = readVolume(store, name);
        if (record === undefined) return;
        store.discard(`${volumeHome(name)}/volume.json`);
        createVolume(store, { ...record, name });
      });
    },
  };
}

function leftMounted(store: Store, name: string): StoreProblem {
  return {
    what: `volume '${name}': its storage is mounted, and nobody uses it`,
    cost: 'none: its next user takes it over',
    remedy: 'unmount it',
    mend: () => void store.locked(() => whileUnused(store, name, () => undefined)),
  };
}

function halfFilled(store: Store, name: string): StoreProblem {
  return {
    what: `volume '${name}': filling it was cut off`,
    cost: 'none: its next user empties it, the next container fills it',
    remedy: 'empty it',
    mend: () => reserveVolume(store, name)[Symbol.dispose](),
  };
}
