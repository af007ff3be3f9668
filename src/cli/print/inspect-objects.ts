/** Records of single things in the store, as the `inspect` commands show them. */

import type { Store } from '../../store/store.js';
import type { InspectedRecord } from './print-inspected.js';

interface InspectOptions {
  /** Also how large a container is, for which its upper is walked. */
  readonly sizes: boolean;
}

/** Finds a thing of one kind by its name. @returns undefined when there is none. */
export type Finder = (
  store: Store,
  name: string,
  options: InspectOptions,
) => Promise<InspectedRecord | undefined>;

export const findContainerRecord: Finder = async (store, name, { sizes }) => {
  const { remoteFacts } = await import('../../container/view/remote-facts.js');
  const { findContainer } = await import('../../container/record/find.js');
  const { inspectContainer } = await import('../../container/view/inspect-container.js');
  const { containerSizes } = await import('../../container/tree/sizes.js');
  const record = findContainer(store, name);
  if (record === undefined) return undefined;
  return inspectContainer(store, record, {
    remote: await remoteFacts(store, record),
    sizes: sizes ? containerSizes(store, record) : undefined,
  });
};

export const findImageRecord: Finder = async (store, name) => {
  const { findImage } = await import('../../image/catalog/image-index.js');
  const { inspectImage } = await import('../../image/catalog/inspect-image.js');
  const image = findImage(store, name);
  return image === undefined ? undefined : { ...inspectImage(store, image) };
};

export const findVolumeRecord: Finder = async (store, name) => {
  const { inspectVolume } = await import('../../volume/inspect-volume.js');
  const { describeVolumes } = await import('../../volume/list-volumes.js');
  const { runningMounts } = await import('../../daemon/run-directory/store-users.js');
  const volumes = describeVolumes(store, runningMounts(store.root));
  const volume = volumes.find(({ record }) => record.name === name);
  return volume === undefined ? undefined : { ...inspectVolume(volume) };
};
