/** What a container's daemon is to serve: its layers, its upper, its mounts. */

import { mayUseTrustedXattrs, resolveRequests } from '../daemon/build-config.js';
import type { MountConfig, ResolvedMount } from '../daemon/mount-config.js';
import { layerTreePath } from '../image/image-index.js';
import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { nameFromText } from '../vfs/name.js';
import { realRoot } from './real-root.js';

export interface MountWays {
  /** Mounted beside the container's own, and not of its record: /etc/hosts and the like. */
  readonly extra?: readonly ResolvedMount[];
  /** Only what the image has: no upper, no mounts. */
  readonly imageOnly?: boolean;
}

/** @throws UserError when a bind's source is gone. */
export function configOf(
  store: Store,
  record: ContainerRecord,
  { extra = [], imageOnly }: MountWays = {},
): MountConfig {
  const root = realRoot(store);
  const home = nameFromText(`${root}/containers/${record.id}`);
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
    mounts: [...planned, ...extra.filter(({ request }) => !taken.has(request.target))],
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
  };
}
