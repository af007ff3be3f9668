/**
 * The options of `plyfs image build`: Docker's, those that change nothing among them.
 */

import { Command, Option } from 'commander';
import { UserError } from '../../../errno/user-error.js';
import { collectValues } from '../../frame/common-options.js';
import { addStoreOptions, type StoreFlags } from '../../frame/store-command.js';

const DETAILS = `
The id of the image is printed; what the steps say goes to standard error. A step that was done before on the same
layers, with the same words and files, is taken from the cache ('plyfs image prune' empties it).

Instructions: all of Dockerfiles, as BuildKit reads them. ADD takes tars, web addresses and git repositories (by the
program git). RUN --mount of type cache is a volume (see 'plyfs volume ls'). What is changed below a VOLUME after it is
kept. HEALTHCHECK is recorded, and not carried out. What .dockerignore, or DOCKERFILE.dockerignore, names is left out. A
base image that is not there is pulled. With SOURCE_DATE_EPOCH, of the environment or as --build-arg, no time in the image
is later than that.

Examples:
  plyfs image build -t app:1 .
  plyfs image build -f app.Dockerfile --build-arg VERSION=2 --target test -t app:test src
  plyfs image build -t app -f - . <Dockerfile
  plyfs image build -o out https://example.org/app.git#v1
  tar -C src -cz . | plyfs image build -t app -`;

export interface BuildFlags extends StoreFlags {
  readonly file?: string;
  readonly tag?: readonly string[];
  readonly buildArg?: readonly string[];
  readonly buildContext?: readonly string[];
  readonly label?: readonly string[];
  readonly annotation?: readonly string[];
  readonly target?: string;
  readonly cache: boolean;
  readonly check?: boolean;
  readonly insecure?: boolean;
  readonly quiet?: boolean;
  readonly pull?: boolean;
  readonly push?: boolean;
  readonly output?: readonly string[];
  readonly platform?: string;
  readonly progress?: string;
  readonly iidfile?: string;
  readonly metadataFile?: string;
  readonly allow?: readonly string[];
  readonly network?: string;
  readonly addHost?: readonly string[];
  readonly shmSize?: string;
  readonly secret?: readonly string[];
  readonly ssh?: readonly string[];
}

/** Options of Docker that ask for what is so anyway, or for what builds here do not have and images do not show. */
const HARMLESS = [
  '--attest <spec>',
  '--builder <name>',
  '--cache-from <spec>',
  '--cache-to <spec>',
  '--compress',
  '--disable-content-trust',
  '--force-rm',
  '--load',
  '--provenance <spec>',
  '--rm',
  '--sbom <spec>',
];

/** Each with the reason. */
const REFUSED: Readonly<Record<string, string>> = {
  '--squash': 'layers are shared with other images; -o type=tar and an import make one of them',
  '-m, --memory <bytes>': 'RUN has the limits of who builds: systemd-run(1) sets them',
  '--memory-swap <bytes>': 'RUN has the limits of who builds: systemd-run(1) sets them',
  '-c, --cpu-shares <number>': 'RUN has the limits of who builds: systemd-run(1) sets them',
  '--cpu-period <number>': 'RUN has the limits of who builds: systemd-run(1) sets them',
  '--cpu-quota <number>': 'RUN has the limits of who builds: systemd-run(1) sets them',
  '--cpuset-cpus <list>': 'RUN has the limits of who builds: systemd-run(1) sets them',
  '--cpuset-mems <list>': 'RUN has the limits of who builds: systemd-run(1) sets them',
  '--ulimit <limit>': 'RUN has the limits of who builds: ulimit sets them',
  '--cgroup-parent <name>': 'RUN has the cgroup of who builds',
  '--device <device>': 'RUN has the devices of a container alone',
};

/** The command, without its action. */
export function buildCommand(): Command {
  const command = new BuildCommand('build')
    .description('make an image of a Dockerfile')
    .argument(
      '<context>',
      "where COPY and ADD take files from: a directory, a git repository, a tar's address; '-': a tar, or a Dockerfile, on standard input",
    )
    .option('-f, --file <file>', "the Dockerfile; '-' is standard input (default: CONTEXT/Dockerfile)")
    .option('-t, --tag <name>', 'NAME[:TAG] of the image (repeatable)', collectValues)
    .option(
      '--build-arg <name=value>',
      'a value for an ARG; NAME alone: from the environment (repeatable)',
      collectValues,
    )
    .option(
      '--build-context <name=source>',
      'what --from and FROM mean by a name: a directory, docker-image://IMAGE, an address (repeatable)',
      collectValues,
    )
    .option('--label <key=value>', 'a label of the image (repeatable)', collectValues)
    .option(
      '--annotation <key=value>',
      'an annotation of the image: [manifest|manifest-descriptor|index:]KEY=VALUE (repeatable)',
      collectValues,
    )
    .option('--target <stage>', 'stop after this stage')
    .option('--check', 'say what looks wrong in the Dockerfile, and build nothing')
    .option('--no-cache', 'do all steps anew')
    .option('--pull', 'get base images anew from their registries')
    .option('--push', 'send the image to the registry that its names say')
    .option(
      '-o, --output <spec>',
      'a directory for the files, type=local|tar|oci|docker,dest=PATH, type=image|registry (repeatable)',
      collectValues,
    )
    .option('--platform <platform>', 'what the image is for; RUN needs programs that this host can run')
    .option(
      '--allow <entitlement>',
      'security.insecure: RUN --security=insecure may do all (repeatable)',
      collectValues,
    )
    .option('--network <mode>', 'of RUN: default, host or none')
    .option('--add-host <name:address>', 'a line of /etc/hosts for RUN (repeatable)', collectValues)
    .option('--shm-size <bytes>', 'of /dev/shm for RUN');
  return addFileOptions(command).addHelpText('after', DETAILS);
}

function addFileOptions(command: Command): Command {
  command
    .option(
      '--secret <spec>',
      'id=ID,src=FILE or id=ID,env=NAME, for RUN --mount=type=secret (repeatable)',
      collectValues,
    )
    .option(
      '--ssh <spec>',
      'default, ID=SOCKET or ID=KEYFILE, for RUN --mount=type=ssh (repeatable)',
      collectValues,
    )
    .option('--iidfile <file>', "write the image's id there")
    .option('--metadata-file <file>', 'write the digests of what was built there, as JSON')
    .addOption(
      new Option(
        '--progress <type>',
        'how steps are shown: quiet as -q, any other a line for each step',
      ).choices(['auto', 'plain', 'tty', 'rawjson', 'quiet']),
    )
    .option('--insecure', 'plain http, or a certificate that cannot be verified, will do for registries')
    .option('-q, --quiet', 'say nothing of the steps; what RUN prints is still shown');
  for (const flags of HARMLESS) command.addOption(new Option(flags, 'changes nothing').hideHelp());
  for (const flags of Object.keys(REFUSED)) command.addOption(new Option(flags, 'refused').hideHelp());
  return addStoreOptions(command);
}

/** Takes `--rm=true` and `--rm=false`, as Docker does with all switches. */
class BuildCommand extends Command {
  override parseOptions(argv: string[]): ParseOptionsResult {
    const end = argv.indexOf('--');
    const [before, after] = end < 0 ? [argv, []] : [argv.slice(0, end), argv.slice(end)];
    const switches = new Set(this.options.filter((option) => option.isBoolean()).map(({ long }) => long));
    return super.parseOptions([...before.flatMap((word) => plainSwitch(word, switches)), ...after]);
  }
}

type ParseOptionsResult = ReturnType<Command['parseOptions']>;

function plainSwitch(word: string, switches: ReadonlySet<string | undefined>): string[] {
  const [, name, value] = /^(--[a-z-]+)=(true|false|1|0)$/i.exec(word) ?? [];
  if (name === undefined || !switches.has(name)) return [word];
  return /^(?:true|1)$/i.test(value ?? '') ? [name] : [];
}

/** @throws UserError for an option that cannot be had. */
export function refuseFlags(flags: BuildFlags): void {
  const given = new Set(Object.keys(flags));
  for (const [text, why] of Object.entries(REFUSED)) {
    const option = new Option(text);
    if (given.has(option.attributeName())) throw new UserError(`${option.long} cannot be had: ${why}`);
  }
  if (flags.platform?.includes(',') === true) {
    throw new UserError(`--platform '${flags.platform}' names several`, {
      hint: 'build for each of them by itself',
    });
  }
}
