/**
 * The options that `container create` and `container run` share.
 */

import type { Command } from 'commander';
import type { ContainerWish } from '../../../container/create.js';
import { collect } from '../../options.js';
import type { ContainerFlags } from './shared.js';

export interface CreateFlags extends ContainerFlags {
  readonly name?: string;
  readonly volume?: string[];
  readonly mount?: string[];
  readonly tmpfs?: string[];
  readonly volumesFrom?: string[];
  readonly readOnly?: boolean;
  /** False with `--no-image-volumes`. */
  readonly imageVolumes?: boolean;
  readonly env?: string[];
  readonly envFile?: string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly entrypoint?: string;
  readonly hostname?: string;
  readonly label?: string[];
  readonly tty?: boolean;
  readonly interactive?: boolean;
  readonly stopSignal?: string;
  readonly rm?: boolean;
  readonly privileged?: boolean;
}

export function addCreateOptions(command: Command): Command {
  return command
    .option('--name <name>', 'the name (default: two words by chance)')
    .option('-v, --volume <spec>', '[SOURCE:]TARGET[:MODES], a bind mount or a volume (repeatable)', collect)
    .option('--mount <spec>', 'type=...,src=...,dst=...: the same in long form (repeatable)', collect)
    .option('--tmpfs <spec>', 'TARGET[:size=...,mode=...], an empty tree in memory (repeatable)', collect)
    .option('--volumes-from <container>', 'ID[:ro|rw], all mounts of that container (repeatable)', collect)
    .option('--no-image-volumes', "make no volumes for the image's VOLUME")
    .option('--read-only', 'refuse all changes to the root; mounts over it keep their own mode')
    .option('-e, --env <variable>', 'NAME=VALUE, or NAME for the value it has here (repeatable)', collect)
    .option('--env-file <file>', 'a file of such lines (repeatable)', collect)
    .option('-w, --workdir <dir>', 'where the command starts; made when it is missing')
    .option('-u, --user <user>', "USER[:GROUP], names of the container's passwd and group, or numbers")
    .option('--entrypoint <program>', "instead of the image's; '' for none")
    .option('--hostname <name>', 'the host name inside (default: the first 12 digits of the id)')
    .option('-l, --label <label>', 'KEY[=VALUE] (repeatable)', collect)
    .option('-t, --tty', 'a terminal of its own for the command')
    .option('-i, --interactive', 'keep standard input open')
    .option('--stop-signal <signal>', "the signal that 'stop' sends first (default: the image's, or SIGTERM)")
    .option('--rm', 'remove the container and its unnamed volumes when it ends')
    .option('--privileged', 'leave root all capabilities, hide nothing of /proc and /sys');
}

export function wishOf(image: string, command: readonly string[], flags: CreateFlags): ContainerWish {
  return {
    image,
    command,
    name: flags.name,
    volumes: flags.volume,
    mounts: flags.mount,
    tmpfs: flags.tmpfs,
    volumesFrom: flags.volumesFrom,
    imageVolumes: flags.imageVolumes,
    readOnly: flags.readOnly,
    environment: flags.env,
    environmentFiles: flags.envFile,
    workingDirectory: flags.workdir,
    user: flags.user,
    entrypoint: flags.entrypoint,
    hostname: flags.hostname,
    labels: flags.label,
    tty: flags.tty,
    interactive: flags.interactive,
    stopSignal: flags.stopSignal,
    autoRemove: flags.rm,
    privileged: flags.privileged,
  };
}

/** Makes it; what the user should know goes to standard error, a line each. */
export async function createFor(
  command: string,
  store: import('../../../store/store.js').Store,
  wish: ContainerWish,
): Promise<import('../../../store/container-record.js').ContainerRecord> {
  const { createContainer } = await import('../../../container/create.js');
  const { record, warnings } = await createContainer(store, wish);
  for (const warning of warnings) process.stderr.write(`plyfs ${command}: ${warning}\n`);
  return record;
}
