/**
 * Which volumes there are, and who uses them: containers by their records, running plain mounts by what their daemons
 * wrote down. Touches no volume: its storage may hang.
 */

import { readMountinfo } from '../linux/mounts/mountinfo.js';
import { volumeNameOf } from '../mounts/request/named-sources.js';
import { listContainers } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { readUsage, type UsageRecord } from '../store/usage-record.js';
import { volumeHome } from '../store/volume-home.js';
import { listVolumes, type VolumeRecord } from '../store/volume-record.js';
import { mountedType } from './backing/mount-backing.js';
import { isAnonymous } from './create-volume.js';
import { readOutsideIds } from './outside-users.js';
import { matchesText } from './volume-names.js';

interface VolumeUser {
  /** `docker`: a container of Docker's, by `plyfs serve docker-volumes`. */
  readonly kind: 'container' | 'mount' | 'docker';
  /** The id of the container, of the mount as `plyfs mounts` has it, or of the mount as Docker calls it. */
  readonly id: string;
  /** The container's name, the mount point, or `docker:ID`. */
  readonly name: string;
  /** Where in the tree, one or more; of Docker's containers nobody says so: none. */
  readonly targets: readonly string[];
}

/** A running mount that is no container's, with its volumes. */
export interface RunningMount {
  readonly id: string;
  readonly mountpoint: string;
  readonly volumes: readonly { readonly name: string; readonly target: string }[];
}

export interface ListedVolume {
  readonly record: VolumeRecord;
  readonly anonymous: boolean;
  /** Its storage is mounted now; always false for a plain directory. */
  readonly mounted: boolean;
  readonly users: readonly VolumeUser[];
  readonly usage: UsageRecord | undefined;
  /** Absolute. */
  readonly path: string;
}

/** By name. */
export function describeVolumes(store: Store, running: readonly RunningMount[]): ListedVolume[] {
  const users = usersByVolume(store, running);
  const entries = readMountinfo();
  return listVolumes(store).map((record) => {
    const home = store.path(volumeHome(record.name));
    return {
      record,
      anonymous: isAnonymous(record),
      mounted: mountedType(home, entries) !== undefined,
      users: users.get(record.name) ?? [],
      usage: readUsage(home),
      path: `${home}/_data`,
    };
  });
}

function usersByVolume(store: Store, running: readonly RunningMount[]): Map<string, VolumeUser[]> {
  const users = new Map<string, VolumeUser[]>();
  const note = (volume: string, target: string | undefined, user: Omit<VolumeUser, 'targets'>): void => {
    const known = users.get(volume) ?? [];
    const same = known.find(({ id }) => id === user.id);
    const others = known.filter((one) => one !== same);
    const targets = target === undefined ? [] : [...(same?.targets ?? []), target];
    users.set(volume, [...others, { ...user, targets }]);
  };
  for (const { id, name, mounts } of listContainers(store)) {
    for (const { request } of mounts) {
      const volume = volumeNameOf(request);
      if (volume !== undefined) note(volume, request.target, { kind: 'container', id, name });
    }
  }
  for (const { id, mountpoint, volumes } of running) {
    for (const { name, target } of volumes) note(name, target, { kind: 'mount', id, name: mountpoint });
  }
  for (const volume of store.names('volumes')) {
    for (const id of readOutsideIds(store, volume))
      note(volume, undefined, { kind: 'docker', id, name: `docker:${id.slice(0, 12)}` });
  }
  return users;
}

/** What `--filter` of lists and prune may say; all that is given must hold, of several names one. */
export interface VolumeFilter {
  /** Parts of names, or regular expressions. */
  readonly names?: readonly string[] | undefined;
  readonly labels?: ((labels: Readonly<Record<string, string>>) => boolean) | undefined;
  /** Nobody uses it. */
  readonly dangling?: boolean | undefined;
  readonly anonymous?: boolean | undefined;
  readonly drivers?: readonly string[] | undefined;
  /** Made before each of these, in milliseconds since 1970. */
  readonly until?: readonly number[] | undefined;
}

export function matchesFilter(volume: ListedVolume, filter: VolumeFilter): boolean {
  const { record, anonymous, users } = volume;
  const { names = [], drivers = [] } = filter;
  return (
    (names.length === 0 || names.some((name) => matchesText(record.name, name))) &&
    (drivers.length === 0 || drivers.includes(record.driver)) &&
    (filter.labels?.(record.labels) ?? true) &&
    (filter.until ?? []).every((limit) => Date.parse(record.createdAt) < limit) &&
    (filter.dangling === undefined || filter.dangling === (users.length === 0)) &&
    (filter.anonymous === undefined || filter.anonymous === anonymous)
  );
}
