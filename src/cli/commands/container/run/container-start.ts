/**
 * `plyfs container start`, `mount` and `umount`.
 */

import { Command } from 'commander';
import { printShown, say, shown } from '../../../print/output.js';
import {
  addContainerOptions,
  attempt,
  type ContainerFlags,
  forEachContainer,
  openContainer,
  tellLoss,
} from '../each-container.js';
import { DETACH_KEYS_TEXT, NoTerminal, refuseWithoutTerminal } from './attach-options.js';
import { failToRun } from './container-run.js';

const START_DETAILS = `
Mounts the container and runs its command, in the background; with -a here. A container that runs already is left as it
is, or attached to. After a restart of the host, or when the daemon was killed, 'start' finds all its changes again.
'plyfs container mount' mounts it without running anything.

Examples:
  plyfs start web db
  plyfs start -ai shell`;

interface StartFlags extends ContainerFlags {
  readonly attach?: boolean;
  readonly interactive?: boolean;
  readonly detachKeys?: string;
  readonly sigProxy?: boolean;
}

export function startCommand(name: 'start' | 'container start'): Command {
  const command = new Command('start')
    .description('run the commands of containers')
    .argument('<container...>', 'names or ids')
    .option('-a, --attach', 'of one container, with its output here')
    .option('-i, --interactive', 'with our standard input as well')
    .option('--detach-keys <keys>', DETACH_KEYS_TEXT)
    .option('--sig-proxy', 'pass signals on to the command; the default, without a terminal', true)
    .option('--no-sig-proxy', 'keep signals to this command');
  return addContainerOptions(command)
    .addHelpText('after', START_DETAILS)
    .action((texts: readonly string[], flags: StartFlags) => runStart(name, texts, flags));
}

async function runStart(name: string, texts: readonly string[], flags: StartFlags): Promise<void> {
  if (flags.attach || flags.interactive) return runAttachedStart(name, texts, flags);
  const { runDetached } = await import('../../../../container/command/start-supervisor.js');
  const { containerStatus } = await import('../../../../container/record/status.js');
  await forEachContainer(
    texts,
    flags,
    async (store, record) => {
      if (containerStatus(store, record).pid === undefined) await runDetached(store, record);
    },
    { command: name },
  );
}

async function runAttachedStart(name: string, texts: readonly string[], flags: StartFlags): Promise<void> {
  const [text = '', ...more] = texts;
  const { UserError } = await import('../../../../errno/user-error.js');
  const { runAttached } = await import('../../../../container/command/start-supervisor.js');
  const { attachToRunning } = await import('../../../../container/command/attach/attach-to-running.js');
  const { parseDetachKeys, DEFAULT_DETACH_KEYS } = await import(
    '../../../../container/command/attach/detach-keys.js'
  );
  const { containerStatus } = await import('../../../../container/record/status.js');
  const { StartFailure } = await import('../../../../container/command/start-failure.js');
  try {
    if (more.length > 0) throw new UserError('cannot start and attach multiple containers at once');
    const { store, record } = await openContainer(text, flags);
    const { tty, interactive } = record.process;
    const stdin = flags.interactive === true && interactive;
    await refuseWithoutTerminal({ tty, interactive: stdin });
    const detachKeys = parseDetachKeys(flags.detachKeys ?? DEFAULT_DETACH_KEYS);
    const forwardsSignals = flags.sigProxy !== false;
    const options = {
      stdin,
      stdout: true,
      stderr: true,
      detachKeys,
      forwardsSignals,
      atBrokenOutput: 'leave' as const,
    };
    const isRunning = containerStatus(store, record).pid !== undefined;
    const status = await (isRunning ? attachToRunning : runAttached)(store, record, options);
    process.exitCode = status ?? 0;
    await tellLoss(name, store, record);
  } catch (error) {
    await failToRun(name, error, flags);
    if (!(error instanceof StartFailure) || error instanceof NoTerminal) process.exitCode = 1;
  }
}

const MOUNT_DETAILS = `
Mounts the container unless it is mounted, runs nothing, and prints where. 'plyfs container umount' takes that back.

Examples:
  plyfs container mount web
  cp app.conf "$(plyfs container mount web)"/etc/`;

export function containerMountCommand(): Command {
  const command = new Command('mount')
    .description('mount a container and print its path')
    .argument('<container...>', 'names or ids');
  return addContainerOptions(command)
    .addHelpText('after', MOUNT_DETAILS)
    .action((texts: readonly string[], flags: ContainerFlags) =>
      attempt('container mount', flags, async () => {
        const { mountWithoutCommand } = await import('../../../../container/tree/mount-container.js');
        for (const text of texts) {
          const { store, record } = await openContainer(text, flags);
          printShown(shown(await mountWithoutCommand(store, record)));
        }
      }),
    );
}

const UMOUNT_DETAILS = `
Takes back what 'plyfs container mount' did. One whose command runs is refused, unless -f, which ends the command first.

Example:
  plyfs container umount web`;

interface UmountFlags extends ContainerFlags {
  readonly force?: boolean;
  readonly lazy?: boolean;
}

export function containerUmountCommand(): Command {
  const command = new Command('umount')
    .alias('unmount')
    .description('unmount containers that do not run')
    .argument('<container...>', 'names or ids')
    .option('-f, --force', 'also running ones, which are stopped')
    .option('--lazy', 'also when programs on the host use it; it is served until they are done');
  return addContainerOptions(command)
    .addHelpText('after', UMOUNT_DETAILS)
    .action(async (texts: readonly string[], flags: UmountFlags) => {
      const { stopContainer } = await import('../../../../container/end/stop-container.js');
      const { containerStatus } = await import('../../../../container/record/status.js');
      const { UserError } = await import('../../../../errno/user-error.js');
      await forEachContainer(
        texts,
        flags,
        async (store, record) => {
          if (containerStatus(store, record).pid !== undefined && flags.force !== true) {
            throw new UserError(`cannot unmount container '${record.name}': it is running`, {
              hint: `'plyfs stop ${record.name}' ends it first, or -f`,
            });
          }
          const servedOnBy = await stopContainer(store, record, { lazily: flags.lazy });
          if (servedOnBy !== undefined && flags.lazy !== true)
            say(
              `plyfs container umount: '${record.name}' is unmounted here, but another mount namespace still has it; process ${servedOnBy} serves it on`,
            );
        },
        { command: 'container umount' },
      );
    });
}
