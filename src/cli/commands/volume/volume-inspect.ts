/**
 * `plyfs volume inspect`: all that is known of volumes.
 */

import { Command } from 'commander';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../frame/store-command.js';
import { findVolumeRecord } from '../../print/inspect-objects.js';
import { INSPECT_FORMAT_FLAG, INSPECT_FORMAT_TEXT, inspectEach } from '../../print/print-inspected.js';

const DETAILS = `
Prints an array of records; those that exist are shown also when others do not, and the exit status then is 1.
Keys: Name, Driver, Scope, Mountpoint, CreatedAt, Labels, Options, Anonymous, MadeFor {Container, Image, Path} or null,
Mounted (whether its storage is, of a volume with options), UsedBy [{Kind: container|mount|docker, Id, Name, Targets}],
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
    .option(INSPECT_FORMAT_FLAG, INSPECT_FORMAT_TEXT);
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((names: string[], flags: InspectFlags) =>
      attempt('volume inspect', flags, async () =>
        inspectEach(await openStore(flags), names, {
          command: 'volume inspect',
          kind: 'volume',
          finders: [findVolumeRecord],
          flags,
        }),
      ),
    );
}
