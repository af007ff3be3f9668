/**
 * `plyfs container mount-add` and `mount-rm`: the mounts of a container, changed after it was made.
 */

import { Command } from 'commander';
import { say } from '../../print/output.js';
import { addContainerOptions, attempt, type ContainerFlags, openContainer } from './each-container.js';

const ADD_DETAILS = `
SPEC is what -v takes, [SOURCE:]TARGET[:MODES], or what --mount takes, type=...,src=...,dst=... A running container shows
it at once, to its command too; one that does not run gets it with the next start. It stays until 'mount-rm' or 'rm'.
An empty volume gets what the image has in its place, unless it is 'nocopy'.

Examples:
  plyfs container mount-add web site:/srv
  plyfs container mount-add web ./app.conf:/etc/app.conf:ro
  plyfs container mount-add web type=tmpfs,dst=/tmp,tmpfs-size=64m`;

export function mountAddCommand(): Command {
  const command = new Command('mount-add')
    .description('mount something more over a container, also while it runs')
    .argument('<container>', 'name or id')
    .argument('<spec>', 'as for -v or for --mount');
  return addContainerOptions(command)
    .addHelpText('after', ADD_DETAILS)
    .action((text: string, spec: string, flags: ContainerFlags) =>
      attempt('container mount-add', flags, async () => {
        const { totalmem } = await import('node:os');
        const { addContainerMount } = await import('../../../container/make/change-container-mounts.js');
        const { store, record } = await openContainer(text, flags);
        const context = { cwd: process.cwd(), memoryBytes: totalmem() };
        for (const warning of await addContainerMount(store, record, spec, context))
          say(`plyfs container mount-add: ${warning}`);
      }),
    );
}

const REMOVE_DETAILS = `
What lay below the mount shows again. Files that are open in it stay open, and a volume keeps its content; an unnamed one
that nobody else has goes with 'plyfs volume prune'. Also for mounts that the container was made with.

Examples:
  plyfs container mount-rm web /srv
  plyfs container mount-rm web /tmp`;

export function mountRemoveCommand(): Command {
  const command = new Command('mount-rm')
    .description('take mounts of a container away, also while it runs')
    .argument('<container>', 'name or id')
    .argument('<target...>', 'where in the container');
  return addContainerOptions(command)
    .addHelpText('after', REMOVE_DETAILS)
    .action(async (text: string, targets: readonly string[], flags: ContainerFlags) => {
      for (const target of targets) {
        await attempt('container mount-rm', flags, async () => {
          const { removeContainerMount } = await import('../../../container/make/change-container-mounts.js');
          const { store, record } = await openContainer(text, flags);
          await removeContainerMount(store, record, target);
        });
      }
    });
}
