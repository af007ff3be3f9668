/**
 * Containers: uppers without records, references to layers and volumes that are gone.
 */

import { existsSync, mkdirSync } from 'node:fs';
import { containerHome } from '../../../store/container-home.js';
import { layersHeldBy, readContainer, volumesOf } from '../../../store/container-record.js';
import type { Store } from '../../../store/store.js';
import { volumeData } from '../../../store/volume-home.js';
import { readVolume } from '../../../store/volume-record.js';
import { createVolume } from '../../../volume/create-volume.js';
import { type StoreProblem, setAside, tryRead } from './problem.js';

export function checkContainers(store: Store): StoreProblem[] {
  return store.names('containers').flatMap((id) => checkContainer(store, id));
}

function checkContainer(store: Store, id: string): StoreProblem[] {
  const shown = id.slice(0, 12);
  const read = tryRead(() => readContainer(store, id));
  const why = 'broken' in read ? `its record cannot be read: ${read.broken}` : 'it has no record';
  const record = 'value' in read ? read.value : undefined;
  if (record === undefined) {
    return [
      {
        what: `containers/${shown}: ${why}`,
        cost: "it is no container: 'container ls' does not show it",
        remedy: 'move it to lost+found/, its upper with it',
        mend: () => setAside(store, containerHome(id)),
      },
    ];
  }
  const lostLayers = layersHeldBy(record).filter((hex) => !existsSync(store.path('layers', hex, 'tree')));
  if (lostLayers.length > 0) {
    return [
      {
        what: `container '${record.name}' (${shown}): ${lostLayers.length} of its layers are gone`,
        cost: 'it cannot be started',
        remedy: 'move it to lost+found/, its upper with it',
        mend: () => setAside(store, containerHome(id)),
      },
    ];
  }
  return [
    ...['upper', 'work', 'merged']
      .filter((folder) => !existsSync(store.path(containerHome(id), folder)))
      .map((folder) => ({
        what: `container '${record.name}' (${shown}): its directory ${folder} is gone`,
        cost: 'it cannot be started',
        remedy: 'make an empty one',
        mend: () => void mkdirSync(store.path(containerHome(id), folder), { mode: 0o755 }),
      })),
    ...volumesOf(record)
      .filter((name) => isGone(store, name))
      .map((name) => ({
        what: `container '${record.name}' (${shown}): its volume '${name}' is gone`,
        cost: 'it cannot be started',
        remedy: 'make an empty one',
        mend: () => void createVolume(store, { name }),
      })),
  ];
}

/** One that is there and broken is a problem of its own. */
function isGone(store: Store, name: string): boolean {
  const read = tryRead(() => readVolume(store, name));
  return 'value' in read && read.value === undefined && !existsSync(store.path(volumeData(name)));
}
