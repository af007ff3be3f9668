/**
 * `plyfs container inspect`: all that is known of containers, as JSON.
 */

import { Command } from 'commander';
import { findContainerRecord } from '../../print/inspect-objects.js';
import { INSPECT_FORMAT_FLAG, INSPECT_FORMAT_TEXT, inspectEach } from '../../print/print-inspected.js';
import { addContainerOptions, attempt, type ContainerFlags, openStore } from './each-container.js';

const DETAILS = `
A JSON array, one record for each container. It has the keys of Docker's ('docker inspect' beside it shows them), with
what holds here: no limits, the host's network. Besides: State.DaemonPid, ImageName, MountPoint, Layers, Upper, Work, and of
Mounts Origin (image, volumes-from, volume, mount, tmpfs), Subpath, Owners, TimeoutMs, Remote. While the container is
mounted, Mounts on remote storage also have Storage (its file system type), Lacks [{Operation, Error}], Untried (why nothing
could be tried) and Waiting {Requests, OldestMs}. Its keys are stable.

Examples:
  plyfs container inspect web
  plyfs container inspect --format '{{.MountPoint}}' web
  plyfs container inspect --format '{{.State.Status}} {{json .Mounts}}' web db
  plyfs container inspect --format '{{index .Config.Labels "tier"}}' web`;

interface InspectFlags extends ContainerFlags {
  readonly format?: string;
  readonly size?: boolean;
}

export function containerInspectCommand(): Command {
  const command = new Command('inspect')
    .description('show all that is known of containers')
    .argument('<container...>', 'names or ids')
    .option(INSPECT_FORMAT_FLAG, INSPECT_FORMAT_TEXT)
    .option('-s, --size', 'also SizeRw and SizeRootFs, which takes a walk');
  return addContainerOptions(command)
    .addHelpText('after', DETAILS)
    .action((names: string[], flags: InspectFlags) =>
      attempt('container inspect', flags, async () =>
        inspectEach(await openStore(flags), names, {
          command: 'container inspect',
          kind: 'container',
          finders: [findContainerRecord],
          flags,
        }),
      ),
    );
}
