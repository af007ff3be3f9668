/** What a container's daemon is to serve: its layers, its upper, its mounts. */

import { mayUseTrustedXattrs, resolveRequests } from '../../daemon/config/build-config.js';
import type { EventsOf, MountConfig, ResolvedMount } from '../../daemon/config/mount-config.js';
import { withOwnUppers } from '../../daemon/config/own-uppers.js';
import { layerTreePath } from '../../image/catalog/image-index.js';
import type { ContainerRecord, Rootfs } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { nameFromText } from '../../vfs/name.js';
import { realHome, realRoot } from '../record/real-root.js';
import { cowFolder } from './cow-folder.js';
import { readyOwnDisk } from './own-disk.js';

interface ContainerMountOptions {
  /** Mounted beside the container's own, and not of its record: /etc/hosts and the like. */
  readonly extra?: readonly ResolvedMount[];
  /** Only what the image has: no upper, no mounts. */
  readonly imageOnly?: boolean;
}

/** @throws UserError when a bind's source is gone. */
export function configOf(
  store: Store,
  record: Rootfs,
  { extra = [], imageOnly }: ContainerMountOptions = {},
): MountConfig {
  if (imageOnly !== true) readyOwnDisk(store, record);
  const root = realRoot(store);
  const home = nameFromText(realHome(store, record.id));
  const requests = imageOnly === true ? [] : record.mounts.map(({ request }) => request);
  const planned = resolveRequests(requests, { root, engine: 'kernel' });
  const taken = new Set(requests.map(({ target }) => target));
  const layers = record.layers.map((hex) =>
    nameFromText(layerTreePath(store, hex).replace(store.root, root)),
  );
  // An image without layers is an empty directory.
  const stack = layers.length === 0 && imageOnly === true ? [`${home}/upper`] : layers;
  return {
    mountpoint: `${home}/merged`,
    layers: stack,
    ...(imageOnly === true ? {} : { upper: `${home}/upper`, work: `${home}/work` }),
    mounts: [
      ...withOwnUppers(planned, cowFolder(home)).map((mount) => ({ ...mount, ...askedBy(record, mount) })),
      ...extra.filter(({ request }) => !taken.has(request.target)),
    ],
    readOnly: record.readOnly || imageOnly === true,
    engine: 'kernel',
    xattrNamespace: mayUseTrustedXattrs() ? 'trusted' : 'user',
    unionOptions: {},
    vfsOptions: [],
    fsname: 'plyfs',
    volatile: false,
    passthrough: 'programs',
    allowOther: false,
    debug: false,
    ...('image' in record ? { events: eventsOf(store, record as ContainerRecord) } : {}),
  };
}

function askedBy(record: Rootfs, { request }: ResolvedMount): Pick<ResolvedMount, 'via'> {
  const origin = record.mounts.find((one) => one.request.target === request.target)?.origin;
  if (origin === 'image') return { via: `VOLUME ${request.target} of the image` };
  const { volumesFrom = [] } = record as Partial<ContainerRecord>;
  return origin === 'volumes-from' ? { via: `--volumes-from ${volumesFrom.join(' or ')}` } : {};
}

function eventsOf({ root }: Store, { id, name, image, labels }: ContainerRecord): EventsOf {
  return { root, container: { id, attributes: { ...labels, image: image.name, name } } };
}
