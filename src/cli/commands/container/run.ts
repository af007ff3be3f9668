/**
 * `plyfs container run`, also `plyfs run`: a new container and its command.
 */

import { Command } from 'commander';
import { fail, print } from '../../output.js';
import { addCreateOptions, type CreateFlags, createFor, wishOf } from './create-options.js';
import { addContainerOptions, openStore } from './shared.js';

const DETAILS = `
The command has the container as its root directory, in mount, pid, uts and ipc namespaces of its own; it shares the
network and the users of the host. /proc, /dev and /sys are there, /etc/hosts, /etc/hostname and /etc/resolv.conf as on
the host; none of it shows in 'plyfs diff'. Root in it has the capabilities that Docker leaves it, without CAP_MKNOD.

Signals go to the command; where a process ends of one by default, the command does too, though it is process 1. The
exit status is the command's own, 128+N when signal N ended it; 125: plyfs failed, 126: the command cannot be executed,
127: it was not found.

When the command has ended the container is unmounted and kept, unless --rm. 'plyfs container start NAME' mounts it
again, 'start --run NAME' runs the command again. With -d the output goes to a log: 'plyfs container logs NAME'.

Without privileges there is one user, root of the container, and -u takes no other.

Examples:
  plyfs run --rm -it debian bash
  plyfs run -d --name db -v data:/var/lib/db app
  plyfs run --rm -e LANG=C -w /srv -u www-data debian ls -l`;

interface RunFlags extends CreateFlags {
  readonly detach?: boolean;
}

export function runCommand(name: 'run' | 'container run'): Command {
  const command = new Command('run')
    .description('make a container and run its command')
    .argument('<image>', 'NAME[:TAG] or id')
    .argument('[command...]', "instead of the image's CMD")
    .passThroughOptions()
    .option('-d, --detach', 'in the background; prints the id');
  return addContainerOptions(addCreateOptions(command))
    .addHelpText('after', DETAILS)
    .action((image: string, args: readonly string[], flags: RunFlags) => runRun(name, image, args, flags));
}

async function runRun(name: string, image: string, args: readonly string[], flags: RunFlags): Promise<void> {
  const { runDetached, runForeground } = await import('../../../container/run.js');
  try {
    const store = await openStore(flags);
    const record = await createFor(name, store, { ...wishOf(image, args, flags), isRun: true });
    if (flags.detach) {
      await runDetached(store, record);
      print(record.id);
    } else {
      process.exitCode = await runForeground(store, record);
    }
  } catch (error) {
    await failToRun(name, error, flags);
  }
}

/** 126 and 127 for a command that cannot be run, 125 for all else. */
export async function failToRun(
  name: string,
  error: unknown,
  flags: { readonly debug?: boolean },
): Promise<void> {
  const { StartFailure } = await import('../../../container/start-process.js');
  fail(name, error, flags.debug === true);
  process.exitCode = error instanceof StartFailure ? error.status : 125;
}
