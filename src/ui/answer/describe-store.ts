/** What there is to look at: images, containers, volumes, and mounts that are no container's. */

import { listedContainers } from '../../container/view/list-containers.js';
import { listMounts } from '../../daemon/run-directory/list-mounts.js';
import { runningMounts } from '../../daemon/run-directory/store-users.js';
import { isIntermediate, listImages } from '../../image/catalog/image-index.js';
import { sizeOf } from '../../image/catalog/list-rows.js';
import { shortName } from '../../image/oci/reference.js';
import type { Store } from '../../store/store.js';
import { describeVolumes, type ListedVolume } from '../../volume/list-volumes.js';
import type { OverviewReply, VolumeLine } from '../api.js';

/** Roots of containers of this store, which are listed by name, and of others. */
const CONTAINERS_ROOT = /\/containers\/[0-9a-f]{64}\/merged$/;

/** Touches no mount and no volume. */
export function describeStore(store: Store): Omit<OverviewReply, 'start' | 'mayWrite'> {
  const images = listImages(store).filter((image) => !isIntermediate(image));
  return {
    images: images.flatMap((image) =>
      (image.names.length === 0 ? [image.id] : image.names.map(shortName)).map((name) => ({
        name,
        id: image.id,
        created: image.config.created ?? '',
        sizeBytes: sizeOf(store, image),
        layers: image.layers.length,
      })),
    ),
    containers: listedContainers(store, { all: true, filter: {} }).map(({ record, statusText }) => ({
      name: record.name,
      id: record.id,
      image: record.image.name,
      status: statusText,
    })),
    volumes: describeVolumes(store, runningMounts(store.root)).map(volumeLine),
    mounts: listMounts()
      .filter(({ mountpoint, id }) => id !== '' && !CONTAINERS_ROOT.test(mountpoint))
      .map(({ mountpoint, status, layers, mounts }) => ({
        mountpoint,
        status,
        layers: layers.length,
        mounts,
      })),
  };
}

/** What lists and the page of one volume show alike. */
export function volumeLine({ record, anonymous, usage, users, path }: ListedVolume): VolumeLine {
  const { name, createdAt, madeFor } = record;
  return {
    name,
    createdAt,
    isAnonymous: anonymous,
    madeFor:
      madeFor === undefined ? '' : `${madeFor.container.slice(0, 12)}:${madeFor.path} of ${madeFor.image}`,
    usage: usage && { bytes: usage.bytes, files: usage.files, measuredAt: usage.measuredAt },
    users: users.map(({ kind, name: user, targets }) => ({ kind, name: user, targets })),
    path,
  };
}
