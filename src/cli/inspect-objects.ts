/** Records of single things in the store, as the `inspect` commands show them. */

import type { Store } from '../store/store.js';
import type { ListedVolume } from '../volume/list.js';
import type { Inspected } from './inspect.js';

export interface InspectOptions {
  /** Also how large a container is, for which its upper is walked. */
  readonly sizes: boolean;
}

/** Finds a thing of one kind by its name. @returns undefined when there is none. */
export type Finder = (store: Store, name: string, options: InspectOptions) => Promise<Inspected | undefined>;

export const findContainerRecord: Finder = async (store, name, { sizes }) => {
  const { farFacts } = await import('../container/far-facts.js');
  const { findContainer } = await import('../container/find.js');
  const { inspectContainer } = await import('../container/inspect.js');
  const { containerSizes } = await import('../container/sizes.js');
  const record = findContainer(store, name);
  if (record === undefined) return undefined;
  return inspectContainer(store, record, {
    far: await farFacts(store, record),
    sizes: sizes ? containerSizes(store, record) : undefined,
  });
};

export const findImageRecord: Finder = async (store, name) => {
  const { findImage } = await import('../image/image-index.js');
  const { inspectImage } = await import('../image/inspect-image.js');
  const image = findImage(store, name);
  return image === undefined ? undefined : (inspectImage(store, image) as unknown as Inspected);
};

export const findVolumeRecord: Finder = async (store, name) => {
  const { describeVolumes } = await import('../volume/list.js');
  const { runningMounts } = await import('../daemon/store-users.js');
  const volumes = describeVolumes(store, runningMounts(store.root));
  const volume = volumes.find(({ record }) => record.name === name);
  return volume === undefined ? undefined : volumeRecord(volume);
};

function volumeRecord({ record, anonymous, mounted, users, usage, path }: ListedVolume): Inspected {
  const { madeFor } = record;
  return {
    Name: record.name,
    Driver: record.driver,
    Scope: 'local',
    Mountpoint: path,
    CreatedAt: record.createdAt,
    Labels: record.labels,
    Options: record.options,
    Status: undefined,
    Anonymous: anonymous,
    MadeFor:
      madeFor === undefined
        ? null
        : { Container: madeFor.container, Image: madeFor.image, Path: madeFor.path },
    Mounted: mounted,
    UsedBy: users.map(({ kind, id, name, targets }) => ({
      Kind: kind,
      Id: id,
      Name: name,
      Targets: targets,
    })),
    Usage:
      usage === undefined ? null : { Bytes: usage.bytes, Files: usage.files, MeasuredAt: usage.measuredAt },
  };
}
