/**
 * `plyfs container run`, also `plyfs run`: a new container and its command.
 */

import { Command } from 'commander';
import { UserError } from '../../../../errno/user-error.js';
import { collectValues } from '../../../frame/common-options.js';
import { fail, print } from '../../../print/output.js';
import { addContainerOptions, openStore, tellLoss } from '../each-container.js';
import { DETACH_KEYS_TEXT, NoTerminal, refuseWithoutTerminal } from './attach-options.js';
import { addCreateOptions, type CreateFlags, createFor, optionsOf } from './create-options.js';

const DETAILS = `
The command has the container as its root directory, in mount, pid, uts and ipc namespaces of its own; it shares the
users of the host and, unless --network none, its network. That keeps programs apart, and is no jail for hostile ones;
--privileged lifts all of it. /proc, /dev and /sys are there, /etc/hosts, /etc/hostname and /etc/resolv.conf as on
the host; none of it shows in 'plyfs diff'. Root in it has the capabilities that Docker leaves it, without CAP_MKNOD.

Signals go to the command; where a process ends of one by default, the command does too, though it is process 1. The
exit status is the command's own, 128+N when signal N ended it; 125: plyfs failed, 126: the command cannot be executed,
127: it was not found.

When the command has ended the container is unmounted and kept, unless --rm. 'plyfs start NAME' runs the command again,
'plyfs container mount NAME' only mounts it. What is printed is kept for 'plyfs logs NAME' too.

On a terminal (-it) Ctrl-P Ctrl-Q leaves the command, which goes on; so does a terminal that is closed. 'plyfs attach
NAME' comes back to it.

Without privileges there is one user, root of the container, and -u takes no other.

Examples:
  plyfs run --rm -it debian bash
  plyfs run -d --name db -v data:/var/lib/db app
  plyfs run --rm -e LANG=C -w /srv -u www-data debian ls -l`;

interface RunFlags extends CreateFlags {
  readonly detach?: boolean;
  readonly attach?: string[];
  readonly detachKeys?: string;
  readonly sigProxy?: boolean;
}

export function runCommand(name: 'run' | 'container run'): Command {
  const command = new Command('run')
    .description('make a container and run its command')
    .argument('<image>', 'NAME[:TAG] or id')
    .argument('[command...]', "instead of the image's CMD")
    .passThroughOptions()
    .option('-d, --detach', 'in the background; prints the id')
    .option('-a, --attach <stream>', 'only to stdin, stdout or stderr (repeatable)', collectValues)
    .option('--detach-keys <keys>', DETACH_KEYS_TEXT)
    .option(
      '--sig-proxy',
      'pass signals on to the command (the default); with -t the keys of the terminal do that',
      true,
    )
    .option('--no-sig-proxy', 'signals end this plyfs alone, the command goes on');
  return addContainerOptions(addCreateOptions(command))
    .addHelpText('after', DETAILS)
    .action((image: string, args: readonly string[], flags: RunFlags) => runRun(name, image, args, flags));
}

async function runRun(name: string, image: string, args: readonly string[], flags: RunFlags): Promise<void> {
  const { runDetached, runAttached, startSupervisor } = await import(
    '../../../../container/command/start-supervisor.js'
  );
  const { parseDetachKeys, DEFAULT_DETACH_KEYS } = await import(
    '../../../../container/command/attach/detach-keys.js'
  );
  let supervisor: import('../../../../container/command/start-supervisor.js').Supervisor | undefined;
  try {
    const detachKeys = parseDetachKeys(flags.detachKeys ?? DEFAULT_DETACH_KEYS);
    const streams = streamsOf(flags);
    if (flags.detach !== true) await refuseWithoutTerminal({ tty: flags.tty, interactive: streams.stdin });
    supervisor = startSupervisor();
    const store = await openStore(flags);
    const options = { ...optionsOf(image, args, flags), isDetached: flags.detach };
    const { record, intent } = await createFor(name, store, { options, flags });
    // With --rm it stays only when its command is about to run.
    if (flags.rm !== true) intent.end();
    const onOrder = () => intent.end();
    if (flags.detach) {
      await runDetached(store, record, { supervisor, onOrder });
      print(record.id);
    } else {
      const forwardsSignals = flags.sigProxy !== false;
      const options = { ...streams, detachKeys, forwardsSignals, atBrokenOutput: 'tell' as const };
      process.exitCode = (await runAttached(store, record, options, { supervisor, onOrder })) ?? 0;
      await tellLoss(name, store, record);
    }
  } catch (error) {
    await failToRun(name, error, flags);
    if (error instanceof NoTerminal) process.exitCode = 1;
  } finally {
    supervisor?.forget();
  }
}

/** Which streams are ours. @throws UserError */
function streamsOf({ attach, detach, interactive }: RunFlags) {
  if (attach === undefined) return { stdin: interactive === true, stdout: true, stderr: true };
  if (detach) throw new UserError('conflicting options: -a and -d');
  const wanted = attach.map((text) => text.toLowerCase());
  const unknown = attach.find((_, index) => !['stdin', 'stdout', 'stderr'].includes(wanted[index] ?? ''));
  if (unknown !== undefined) {
    throw new UserError(`invalid stream '${unknown}'`, { hint: 'attach to stdin, stdout or stderr' });
  }
  return {
    stdin: wanted.includes('stdin') && interactive === true,
    stdout: wanted.includes('stdout'),
    stderr: wanted.includes('stderr'),
  };
}

/** 126 and 127 for a command that cannot be run, 125 for all else. */
export async function failToRun(
  name: string,
  error: unknown,
  flags: { readonly debug?: boolean },
): Promise<void> {
  const { StartFailure } = await import('../../../../container/command/start-failure.js');
  fail(name, error, { debug: flags.debug === true });
  process.exitCode = error instanceof StartFailure ? error.status : 125;
}
