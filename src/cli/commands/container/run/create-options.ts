/**
 * The options that `container create` and `container run` share.
 */

import { type Command, Option } from 'commander';
import type { ContainerOptions } from '../../../../container/make/create-container.js';
import { addMountOptions, collectValues } from '../../../frame/common-options.js';
import { say } from '../../../print/output.js';
import type { ContainerFlags } from '../each-container.js';
import { addRefusedOptions, refuseContainerOptions } from './refused-options.js';

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
  readonly expose?: string[];
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
  readonly logOpt?: string[];
  readonly storageOpt?: string[];
  readonly healthCmd?: string;
  readonly healthInterval?: string;
  readonly healthTimeout?: string;
  readonly healthStartPeriod?: string;
  readonly healthRetries?: string;
  /** False with `--no-healthcheck`. */
  readonly healthcheck?: boolean;
  readonly dns?: string[];
  readonly dnsSearch?: string[];
  readonly dnsOption?: string[];
  readonly dnsOpt?: string[];
  readonly sysctl?: string[];
  readonly network?: string;
  readonly net?: string;
  readonly memory?: string;
  readonly memorySwap?: string;
  readonly memoryReservation?: string;
  readonly memorySwappiness?: string;
  readonly cpus?: string;
  readonly cpuShares?: string;
  readonly cpuPeriod?: string;
  readonly cpuQuota?: string;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  readonly pidsLimit?: string;
  readonly oomScoreAdj?: string;
  readonly deviceCgroupRule?: string[];
}

export function addCreateOptions(command: Command): Command {
  const named = addRefusedOptions(addHealthOptions(addLimitOptions(addRuntimeOptions(command)))).option(
    '--name <name>',
    'the name (default: two words by chance)',
  );
  return addMountOptions(named)
    .option(
      '--volumes-from <container>',
      'ID[:ro|rw], all mounts of that container (repeatable)',
      collectValues,
    )
    .option('--no-image-volumes', "make no volumes for the image's VOLUME")
    .option(
      '--read-only',
      'no changes to the root; -v, --mount and --tmpfs can still be written to, unless :ro',
    )
    .option(
      '-e, --env <variable>',
      'NAME=VALUE, or NAME for the value it has here (repeatable)',
      collectValues,
    )
    .option('--env-file <file>', 'a file of such lines (repeatable)', collectValues)
    .option('-w, --workdir <dir>', 'where the command starts; made when it is missing')
    .option('-u, --user <user>', "USER[:GROUP], names of the container's passwd and group, or numbers")
    .option('--entrypoint <program>', "instead of the image's; '' for none")
    .option('-h, --hostname <name>', 'the host name inside (default: the first 12 digits of the id)')
    .option('-l, --label <label>', 'KEY[=VALUE] (repeatable)', collectValues)
    .option('--label-file <file>', 'a file of such lines (repeatable)', collectValues)
    .option('-t, --tty', 'a terminal of its own for the command')
    .option('-i, --interactive', 'keep standard input open')
    .option('--stop-signal <signal>', "the signal that 'stop' sends first (default: the image's, or SIGTERM)")
    .option('--stop-timeout <seconds>', "how long 'stop' then waits before SIGKILL (default: 10)")
    .option('--cidfile <file>', 'write the id to a new file')
    .option('--log-driver <driver>', "'json-file', the default, 'local', or 'none': nothing for 'logs'")
    .option('--log-opt <option>', 'max-size=10m, max-file=3 of the log (repeatable)', collectValues)
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
    .option('--add-host <host>', 'NAME:ADDRESS, a line more in /etc/hosts (repeatable)', collectValues)
    .option('--dns <address>', "a name server instead of the host's (repeatable)", collectValues)
    .option('--dns-search <domain>', "a search domain instead of the host's (repeatable)", collectValues)
    .option(
      '--dns-option <option>',
      "an option of resolv.conf instead of the host's (repeatable)",
      collectValues,
    )
    .addOption(new Option('--dns-opt <option>', 'the same').argParser(collectValues).hideHelp())
    .option('--group-add <group>', 'a supplementary group, name or number (repeatable)', collectValues)
    .option('--cap-add <capability>', "as NET_ADMIN, or 'ALL' (repeatable)", collectValues)
    .option('--cap-drop <capability>', "as CHOWN, or 'ALL' (repeatable)", collectValues)
    .option(
      '--security-opt <option>',
      "'no-new-privileges'; what asks for less is so (repeatable)",
      collectValues,
    )
    .option('--device <device>', 'SOURCE[:TARGET[:rwm]], a device of the host (repeatable)', collectValues)
    .option('--ulimit <limit>', 'NAME=SOFT[:HARD], as nofile=1024:4096 (repeatable)', collectValues)
    .option('--sysctl <setting>', "NAME=VALUE, of the container's own namespaces (repeatable)", collectValues)
    .option('--expose <port>', 'PORT[-PORT][/PROTOCOL], for who inspects it (repeatable)', collectValues)
    .option('--shm-size <bytes>', 'of /dev/shm (default: 64m)');
}

function addLimitOptions(command: Command): Command {
  return command
    .option('-m, --memory <bytes>', 'of memory at most, as 512m')
    .option('--memory-swap <bytes>', 'of memory and swap together; -1: any swap (default: twice --memory)')
    .option('--memory-reservation <bytes>', 'of memory that it keeps while others need some')
    .addOption(new Option('--memory-swappiness <percent>').hideHelp())
    .option('--cpus <number>', 'of CPUs at most, as 1.5')
    .option('-c, --cpu-shares <weight>', 'beside others when all are busy (usual: 1024)')
    .addOption(new Option('--cpu-period <us>').hideHelp())
    .addOption(new Option('--cpu-quota <us>').hideHelp())
    .option('--cpuset-cpus <cpus>', 'only on these CPUs, as 0-2,5')
    .option('--cpuset-mems <nodes>', 'only memory of these nodes')
    .option('--pids-limit <number>', 'of processes and threads at most')
    .option('--oom-score-adj <number>', 'from -1000 to 1000: the highest is ended first')
    .option('--storage-opt <option>', 'size=BYTES: of what the container changes at most', collectValues)
    .option(
      '--device-cgroup-rule <rule>',
      "TYPE MAJOR:MINOR MODE, as 'c 10:200 rwm' (repeatable)",
      collectValues,
    );
}

function addHealthOptions(command: Command): Command {
  return command
    .option('--health-cmd <command>', 'a line that tells by its status whether the container is well')
    .option('--health-interval <duration>', 'from the end of one check to the next (default: 30s)')
    .option('--health-timeout <duration>', 'a check that takes longer has failed (default: 30s)')
    .option('--health-start-period <duration>', 'how long failures do not count at first (default: 0s)')
    .option('--health-retries <number>', 'failures in a row that make it unhealthy (default: 3)')
    .option('--no-healthcheck', 'no check, also where the image has one');
}

export function optionsOf(image: string, command: readonly string[], flags: CreateFlags): ContainerOptions {
  return {
    image,
    command,
    name: plainName(flags.name),
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
    expose: flags.expose,
    labels: flags.label,
    tty: flags.tty,
    interactive: flags.interactive,
    stopSignal: flags.stopSignal,
    autoRemove: flags.rm,
    idFile: flags.cidfile,
    privileged: flags.privileged,
    labelFiles: flags.labelFile,
    logDriver: flags.logDriver,
    logOptions: flags.logOpt,
    storageOptions: flags.storageOpt,
    healthCommand: flags.healthCmd,
    healthInterval: flags.healthInterval,
    healthTimeout: flags.healthTimeout,
    healthStartPeriod: flags.healthStartPeriod,
    healthRetries: flags.healthRetries,
    noHealthcheck: flags.healthcheck === false,
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
    dnsOption: [...(flags.dnsOption ?? []), ...(flags.dnsOpt ?? [])],
    memory: flags.memory,
    memorySwap: flags.memorySwap,
    memoryReservation: flags.memoryReservation,
    memorySwappiness: flags.memorySwappiness,
    cpus: flags.cpus,
    cpuShares: flags.cpuShares,
    cpuPeriod: flags.cpuPeriod,
    cpuQuota: flags.cpuQuota,
    cpusetCpus: flags.cpusetCpus,
    cpusetMems: flags.cpusetMems,
    pidsLimit: flags.pidsLimit,
    oomScoreAdj: flags.oomScoreAdj,
    deviceCgroupRule: flags.deviceCgroupRule,
  };
}

/** Makes it; what the user should know goes to standard error, a line each. @throws UserError */
export async function createFor(
  command: string,
  store: import('../../../../store/store.js').Store,
  { options, flags }: { readonly options: ContainerOptions; readonly flags: CreateFlags },
): Promise<import('../../../../container/make/create-container.js').PendingContainer> {
  const { asInvalid, parseOptions } = await import('../../../../container/make/parsed-options.js');
  asInvalid(() => refuseContainerOptions(flags as Readonly<Record<string, unknown>>));
  const parsed = parseOptions(options);
  const { createPending } = await import('../../../../container/make/create-container.js');
  const { ensureImage } = await import('./ensure-image.js');
  const { reserveIdFile } = await import('./id-file.js');
  using idFile = flags.cidfile === undefined ? undefined : reserveIdFile(flags.cidfile);
  await ensureImage(store, options.image, flags);
  const pending = await createPending(store, options, parsed);
  idFile?.write(pending.record.id);
  for (const warning of pending.warnings) say(`plyfs ${command}: ${warning}`);
  return pending;
}

/** Docker's: a name may have the slash that inspect shows, and an empty one is none. */
function plainName(name: string | undefined): string | undefined {
  return name?.replace(/^\//, '') || undefined;
}
