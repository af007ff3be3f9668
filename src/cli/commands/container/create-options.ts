/**
 * The options that `container create` and `container run` share.
 */

import { type Command, Option } from 'commander';
import type { ContainerWish } from '../../../container/create.js';
import { collect } from '../../options.js';
import { addRefusedOptions, refuseOptions } from './refused-options.js';
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
  readonly domainname?: string;
  readonly cidfile?: string;
  readonly pull?: string;
  readonly platform?: string;
  readonly shmSize?: string;
  readonly init?: boolean;
  readonly groupAdd?: string[];
  readonly addHost?: string[];
  readonly stopTimeout?: string;
  readonly capAdd?: string[];
  readonly capDrop?: string[];
  readonly device?: string[];
  readonly labelFile?: string[];
  readonly ulimit?: string[];
  readonly securityOpt?: string[];
  readonly logDriver?: string;
  readonly dns?: string[];
  readonly dnsSearch?: string[];
  readonly dnsOption?: string[];
  readonly sysctl?: string[];
  readonly network?: string;
  readonly net?: string;
}

export function addCreateOptions(command: Command): Command {
  return addRefusedOptions(addRuntimeOptions(command))
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
    .option('-h, --hostname <name>', 'the host name inside (default: the first 12 digits of the id)')
    .option('-l, --label <label>', 'KEY[=VALUE] (repeatable)', collect)
    .option('--label-file <file>', 'a file of such lines (repeatable)', collect)
    .option('-t, --tty', 'a terminal of its own for the command')
    .option('-i, --interactive', 'keep standard input open')
    .option('--stop-signal <signal>', "the signal that 'stop' sends first (default: the image's, or SIGTERM)")
    .option('--stop-timeout <seconds>', "how long 'stop' then waits before SIGKILL (default: 10)")
    .option('--cidfile <file>', 'write the id to a new file')
    .option('--log-driver <driver>', "'none': keep nothing for 'logs'")
    .option('--pull <when>', "pull the image: 'always', 'missing', 'never'", 'missing')
    .option('--platform <platform>', 'OS/ARCH that the image must be for')
    .option('--rm', 'remove the container and its unnamed volumes when it ends')
    .option('--privileged', 'leave root all capabilities, hide nothing of /proc and /sys');
}

function addRuntimeOptions(command: Command): Command {
  return command
    .option('--domainname <name>', 'the NIS domain name inside')
    .option('--init', 'a first process that reaps what is left behind and passes signals on')
    .option('--network <mode>', "'host', the default, or 'none': only lo")
    .addOption(new Option('--net <mode>', 'the same').hideHelp())
    .option('--add-host <host>', 'NAME:ADDRESS, a line more in /etc/hosts (repeatable)', collect)
    .option('--dns <address>', "a name server instead of the host's (repeatable)", collect)
    .option('--dns-search <domain>', "a search domain instead of the host's (repeatable)", collect)
    .option('--dns-option <option>', "an option of resolv.conf instead of the host's (repeatable)", collect)
    .option('--group-add <group>', 'a supplementary group, name or number (repeatable)', collect)
    .option('--cap-add <capability>', "as NET_ADMIN, or 'ALL' (repeatable)", collect)
    .option('--cap-drop <capability>', "as CHOWN, or 'ALL' (repeatable)", collect)
    .option('--security-opt <option>', "'no-new-privileges'; what asks for less is so (repeatable)", collect)
    .option('--device <device>', 'SOURCE[:TARGET], a device of the host (repeatable)', collect)
    .option('--ulimit <limit>', 'NAME=SOFT[:HARD], as nofile=1024:4096 (repeatable)', collect)
    .option('--sysctl <setting>', "NAME=VALUE, of the container's own namespaces (repeatable)", collect)
    .option('--shm-size <bytes>', 'of /dev/shm (default: 64m)');
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
    labelFiles: flags.labelFile,
    logDriver: flags.logDriver,
    stopTimeout: flags.stopTimeout,
    init: flags.init,
    network: flags.network ?? flags.net,
    domainName: flags.domainname,
    groupAdd: flags.groupAdd,
    addHost: flags.addHost,
    capAdd: flags.capAdd,
    capDrop: flags.capDrop,
    device: flags.device,
    ulimit: flags.ulimit,
    sysctl: flags.sysctl,
    securityOpt: flags.securityOpt,
    shmSize: flags.shmSize,
    dns: flags.dns,
    dnsSearch: flags.dnsSearch,
    dnsOption: flags.dnsOption,
  };
}

/** Makes it; what the user should know goes to standard error, a line each. @throws UserError */
export async function createFor(
  command: string,
  store: import('../../../store/store.js').Store,
  { wish, flags }: { readonly wish: ContainerWish; readonly flags: CreateFlags },
): Promise<import('../../../store/container-record.js').ContainerRecord> {
  refuseOptions(flags as Readonly<Record<string, unknown>>);
  const { createContainer } = await import('../../../container/create.js');
  const { ensureImage } = await import('./ensure-image.js');
  const { reserveIdFile } = await import('./id-file.js');
  using idFile = flags.cidfile === undefined ? undefined : reserveIdFile(flags.cidfile);
  await ensureImage(store, wish.image, flags);
  const { record, warnings } = await createContainer(store, wish);
  idFile?.write(record.id);
  for (const warning of warnings) process.stderr.write(`plyfs ${command}: ${warning}\n`);
  return record;
}
