/** `volume inspect`: all that is known of a volume. The keys are stable; those of Docker's have its meaning. */

import type { UsagePoint } from '../store/usage-record.js';
import type { ListedVolume } from './list-volumes.js';

/** What lists and inspects show alike. */
export function volumeFacts({ record, path }: ListedVolume) {
  return {
    Name: record.name,
    Driver: record.driver,
    Scope: 'local',
    Mountpoint: path,
    CreatedAt: record.createdAt,
  };
}

export function inspectVolume(volume: ListedVolume) {
  const { record, anonymous, mounted, users, usage } = volume;
  const { madeFor } = record;
  const { CreatedAt, Driver, Mountpoint, Name, Scope } = volumeFacts(volume);
  return {
    // In Docker's order.
    CreatedAt,
    Driver,
    Labels: record.labels,
    Mountpoint,
    Name,
    Options: record.options,
    Scope,
    Status: undefined,
    UsageData: undefined,
    Anonymous: anonymous,
    MadeFor:
      madeFor === undefined
        ? null
        : { Container: madeFor.container, Image: madeFor.image, Path: madeFor.path },
    FilledFrom:
      record.filledFrom === undefined
        ? null
        : {
            Image: record.filledFrom.imageName,
            ImageId: record.filledFrom.image,
            Path: record.filledFrom.path,
          },
    Mounted: mounted,
    UsedBy: users.map(({ kind, id, name, targets }) => ({
      Kind: kind,
      Id: id,
      Name: name,
      Targets: targets,
    })),
    Usage: usage === undefined ? null : usageFacts(usage),
    EarlierUsage: (usage?.earlier ?? []).map(usageFacts),
  };
}

function usageFacts({ bytes, files, measuredAt }: UsagePoint) {
  return { Bytes: bytes, Files: files, MeasuredAt: measuredAt };
}
