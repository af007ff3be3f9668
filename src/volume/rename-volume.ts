/**
 * Giving a volume another name: its directory, its record, and the records of the containers that have it, as one change.
 *
 * Refused while a process uses it: daemons and their run states know it by the old name. An anonymous volume becomes a
 * named one.
 */

import { UserError } from '../errno/user-error.js';
import { volumeNameOf } from '../mounts/request/named-sources.js';
import type { VolumeRequest } from '../mounts/request/types.js';
import { containerHome } from '../store/container-home.js';
import { type ContainerRecord, listContainers, usersOfVolume, volumesOf } from '../store/container-record.js';
import type { IntentStep } from '../store/intent.js';
import type { Store } from '../store/store.js';
import { volumeHome } from '../store/volume-home.js';
import { ANONYMOUS_LABEL, readVolume, type VolumeRecord } from '../store/volume-record.js';
import { noteVolume } from './note-volume.js';
import { readOutsideIds } from './outside-users.js';
import type { RunningUsers } from './remove-volume.js';
import { whileUnused } from './use.js';
import { checkVolumeName, noSuchVolume } from './volume-names.js';

/** @throws UserError when it is in use by a process, when there is none, or when the new name is taken. */
export function renameVolume(store: Store, from: string, to: string, runningUsers: RunningUsers): void {
  checkVolumeName(to);
  store.lockedIfThere(() => {
    const record = readVolume(store, from);
    if (record === undefined) throw noSuchVolume(from);
    if (from === to) return;
    if (readVolume(store, to) !== undefined) {
      throw new UserError(`cannot rename volume '${from}': there is a volume '${to}' already`);
    }
    const isFree = whileUnused(store, from, () => {
      using intent = store.intend();
      intent.decide(stepsOf(store, record, to));
      intent.carryOut();
      noteVolume(store, to, 'rename', { oldName: from });
    });
    if (!isFree) {
      const outside = readOutsideIds(store, from).map((id) => id.slice(0, 12));
      const users =
        [...usersOfVolume(store, from), ...runningUsers(from), ...outside].join(', ') || 'another process';
      throw new UserError(`cannot rename volume '${from}': volume is in use - [${users}]`, {
        code: 'ERR_IN_USE',
        hint: 'stop or unmount what uses it; containers that are stopped may have it',
      });
    }
  });
}

const CONTAINER_MODE = 0o600;

function stepsOf(store: Store, record: VolumeRecord, to: string): IntentStep[] {
  const { [ANONYMOUS_LABEL]: _, ...labels } = record.labels;
  const containers = listContainers(store).filter((one) => volumesOf(one).includes(record.name));
  return [
    { do: 'rename', from: volumeHome(record.name), to: volumeHome(to) },
    { do: 'write', path: `${volumeHome(to)}/volume.json`, text: jsonText({ ...record, name: to, labels }) },
    ...containers.map(
      (container): IntentStep => ({
        do: 'write',
        path: `${containerHome(container.id)}/container.json`,
        text: jsonText(withVolume(container, record.name, to)),
        mode: CONTAINER_MODE,
      }),
    ),
  ];
}

function withVolume(container: ContainerRecord, from: string, to: string): ContainerRecord {
  const mounts = container.mounts.map((mount) => {
    const { request } = mount;
    if (volumeNameOf(request) !== from) return mount;
    return { ...mount, request: { ...request, source: to } as VolumeRequest };
  });
  return { ...container, mounts };
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
