/**
 * `plyfs volume inspect`: all that is known of volumes.
 */

import { Command } from 'commander';
import type { ListedVolume } from '../../../volume/list.js';
import { formatInspect, INSPECT_FORMAT_FLAG, INSPECT_FORMAT_TEXT, type Inspected } from '../../inspect.js';
import { fail, print } from '../../output.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../store-command.js';

const DETAILS = `
Prints an array of records; those that exist are shown also when others do not, and the exit status then is 1.
Keys: Name, Driver, Scope, Mountpoint, CreatedAt, Labels, Options, Anonymous, MadeFor {Container, Image, Path} or null,
Mounted (whether its storage is, of a volume with options), UsedBy [{Kind: container|mount, Id, Name, Targets}],
Usage {Bytes, Files, MeasuredAt} or null.

Examples:
  plyfs volume inspect data
  plyfs volume inspect --format '{{.Mountpoint}}' data
  plyfs volume inspect --format '{{index .Labels "app"}} {{json .UsedBy}}' data`;

interface InspectFlags extends StoreFlags {
  readonly format?: string;
}

export function volumeInspectCommand(): Command {
  const command = new Command('inspect')
    .description('show all that is known of volumes')
    .argument('<volume...>')
    .option(INSPECT_FORMAT_FLAG, INSPECT_FORMAT_TEXT, 'json');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((names: string[], flags: InspectFlags) =>
      attempt('volume inspect', flags, () => runInspect(names, flags)),
    );
}

async function runInspect(names: readonly string[], flags: InspectFlags): Promise<void> {
  const { describeVolumes } = await import('../../../volume/list.js');
  const { noSuchVolume } = await import('../../../volume/names.js');
  const { runningMounts } = await import('../../../daemon/store-users.js');
  const store = await openStore(flags);
  const volumes = new Map(
    describeVolumes(store, runningMounts(store.root)).map((volume) => [volume.record.name, volume]),
  );
  const found = names.flatMap((name) => volumes.get(name) ?? []);
  print(formatInspect(found.map(inspected), flags.format));
  for (const name of names.filter((one) => !volumes.has(one))) {
    fail('volume inspect', noSuchVolume(name), flags.debug === true);
  }
}

function inspected({ record, anonymous, mounted, users, usage, path }: ListedVolume): Inspected {
  const { madeFor } = record;
  return {
    Name: record.name,
    Driver: record.driver,
    Scope: 'local',
    Mountpoint: path,
    CreatedAt: record.createdAt,
    Labels: record.labels,
    Options: record.options,
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
