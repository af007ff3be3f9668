/**
 * `plyfs container start` and `mount`.
 */

import { Command } from 'commander';
import { print } from '../../output.js';
import { failToRun } from './run.js';
import {
  addContainerOptions,
  attempt,
  type ContainerFlags,
  forEachContainer,
  openContainer,
} from './shared.js';

const START_DETAILS = `
The container's tree is mounted, and 'plyfs container inspect' gives the place as MountPoint. Its command is not run:
--run does that, in the background as 'run -d'; with --attach here. A container that runs already is left as it is.
After a restart of the host, or when the daemon was killed, 'start' mounts it again with all its changes.

Examples:
  plyfs container start web db
  plyfs container start --run web
  ls "$(plyfs container mount web)"/etc`;

interface StartFlags extends ContainerFlags {
  readonly run?: boolean;
  readonly attach?: boolean;
}

export function startCommand(name: 'start' | 'container start'): Command {
  const command = new Command('start')
    .description('mount containers')
    .argument('<container...>', 'names or ids')
    .option('--run', 'run their commands too, in the background')
    .option('-a, --attach', 'run the command of one container, with its output here');
  return addContainerOptions(command)
    .addHelpText('after', START_DETAILS)
    .action((texts: readonly string[], flags: StartFlags) => runStart(name, texts, flags));
}

async function runStart(name: string, texts: readonly string[], flags: StartFlags): Promise<void> {
  if (flags.attach) return runAttached(name, texts, flags);
  const { startContainer } = await import('../../../container/mount.js');
  const { runDetached } = await import('../../../container/run.js');
  await forEachContainer(
    texts,
    flags,
    async (store, record) => {
      if (flags.run) await runDetached(store, record);
      else await startContainer(store, record);
    },
    { command: name },
  );
}

async function runAttached(name: string, texts: readonly string[], flags: StartFlags): Promise<void> {
  const [text = '', ...more] = texts;
  try {
    const { UserError } = await import('../../../errno/user-error.js');
    if (more.length > 0) throw new UserError('cannot start and attach multiple containers at once');
    const { store, record } = await openContainer(text, flags);
    const { runForeground } = await import('../../../container/run.js');
    process.exitCode = await runForeground(store, record);
  } catch (error) {
    await failToRun(name, error, flags);
  }
}

const MOUNT_DETAILS = `
Mounts the container unless it is mounted, and prints where. 'plyfs container stop' takes the mount away.

Examples:
  plyfs container mount web
  cp app.conf "$(plyfs container mount web)"/etc/`;

export function mountCommand(): Command {
  const command = new Command('mount')
    .description('mount a container and print its path')
    .argument('<container>', 'name or id');
  return addContainerOptions(command)
    .addHelpText('after', MOUNT_DETAILS)
    .action((text: string, flags: ContainerFlags) =>
      attempt('container mount', flags, async () => {
        const { startContainer } = await import('../../../container/mount.js');
        const { store, record } = await openContainer(text, flags);
        print(await startContainer(store, record));
      }),
    );
}
