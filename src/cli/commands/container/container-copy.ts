/**
 * `plyfs container cp`, also `plyfs cp`.
 */

import { Command } from 'commander';
import { takeOptions } from '../../frame/docker-options.js';
import { addContainerOptions, attempt, type ContainerFlags, openStore } from './each-container.js';

const DETAILS = `
One side is CONTAINER:PATH, the other a path of the host or '-', a tar stream. The container need not run.

  SOURCE       TARGET                 result
  file         missing                the file under that name
  file         missing, ends with /   an error
  file         file                   replaced
  file         directory              the file in it
  directory    missing                the directory under that name, with a / behind it too
  directory    file                   an error
  directory    directory              the directory in it; with SOURCE/. what is in it

The directory above the target must exist. CONTAINER: alone is its root. Modes and times are kept; copies
belong to root in the container and to you on the host, unless -a. Symlinks are copied as such, and on the
way to a path are followed within the container only.

Examples:
  plyfs cp web:/var/log/app.log .
  plyfs cp conf/. web:/etc/app
  plyfs cp web:/etc - | tar -t`;

interface CopyFlags extends ContainerFlags {
  readonly archive?: boolean;
  readonly followLink?: boolean;
}

export function copyCommand(name: 'cp' | 'container cp'): Command {
  const command = new Command('cp')
    .description('copy files between a container and the host')
    .argument('<source>', 'CONTAINER:PATH, a path, or -')
    .argument('<target>', 'a path, -, or CONTAINER:PATH')
    .option('-a, --archive', 'keep owners and extended attributes')
    .option('-L, --follow-link', 'copy what a symlink given as source leads to');
  takeOptions(command, ['-q, --quiet']);
  return addContainerOptions(command)
    .addHelpText('after', DETAILS)
    .action((source: string, target: string, flags: CopyFlags) =>
      attempt(name, flags, async () => {
        const { copyBetween } = await import('../../../container/copy/copy-between.js');
        await copyBetween(await openStore(flags), source, target, {
          archive: flags.archive === true,
          followLink: flags.followLink === true,
        });
      }),
    );
}
