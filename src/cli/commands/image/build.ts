/**
 * `plyfs image build`: an image from a Dockerfile.
 */

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, posix, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { reasonOf } from '../../../errno/reason.js';
import { UserError } from '../../../errno/user-error.js';
import type { Intent } from '../../../store/intent.js';
import type { Store } from '../../../store/store.js';
import { cleanWhenInterrupted } from '../../interrupt.js';
import { parseKeyValues } from '../../key-values.js';
import { collect } from '../../options.js';
import { print } from '../../output.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../store-command.js';

const DETAILS = `
The id of the image is printed; what the steps say goes to standard error. A step that was done before on the same
layers, with the same words and files, is taken from the cache ('plyfs image prune' empties it).

Instructions: all of Dockerfiles. COPY and ADD know --from, --chown, --chmod, --exclude, --parents, --link, --checksum,
here-documents, tars and web addresses (no git); RUN knows --mount of the types bind (read-only), cache (a volume, see
'plyfs volume ls'), tmpfs and secret. What is changed below a VOLUME after it is kept. HEALTHCHECK is recorded, and not
carried out. What .dockerignore, or DOCKERFILE.dockerignore, names is left out. A base image that is not there is pulled
when its name says from which registry. With SOURCE_DATE_EPOCH, of the environment or as --build-arg, no time in the
image is later than that.

Examples:
  plyfs image build -t app:1 .
  plyfs image build -f app.Dockerfile --build-arg VERSION=2 --target test -t app:test src
  plyfs image build -t app -f - . <Dockerfile
  tar -C src -cz . | plyfs image build -t app -`;

interface BuildFlags extends StoreFlags {
  readonly file?: string;
  readonly tag?: readonly string[];
  readonly buildArg?: readonly string[];
  readonly label?: readonly string[];
  readonly target?: string;
  readonly cache: boolean;
  readonly insecure?: boolean;
  readonly quiet?: boolean;
  readonly pull?: boolean;
  readonly platform?: string;
  readonly progress?: string;
  readonly iidfile?: string;
  readonly secret?: readonly string[];
}

export function imageBuildCommand(name: 'build' | 'image build'): Command {
  const command = new Command('build')
    .description('make an image of a Dockerfile')
    .argument(
      '<context>',
      "the directory that COPY and ADD take files from; '-': a tar, or a Dockerfile, on standard input",
    )
    .option('-f, --file <file>', "the Dockerfile; '-' is standard input (default: CONTEXT/Dockerfile)")
    .option('-t, --tag <name>', 'NAME[:TAG] of the image (repeatable)', collect)
    .option(
      '--build-arg <name=value>',
      'a value for an ARG; NAME alone: from the environment (repeatable)',
      collect,
    )
    .option('--label <key=value>', 'a label of the image (repeatable)', collect)
    .option('--target <stage>', 'stop after this stage')
    .option('--no-cache', 'do all steps anew')
    .option('--pull', 'get base images anew from the registries that their names say')
    .option('--platform <platform>', 'only that of this host can be built')
    .option(
      '--secret <spec>',
      'id=ID,src=FILE or id=ID,env=NAME, for RUN --mount=type=secret (repeatable)',
      collect,
    )
    .option('--iidfile <file>', "write the image's id there")
    .addOption(
      new Option('--progress <type>', "'quiet' is -q; the others are one").choices([
        'auto',
        'plain',
        'tty',
        'quiet',
      ]),
    )
    .option('--insecure', 'plain http, or a certificate that cannot be verified, will do for base images')
    .option('-q, --quiet', 'say nothing of the steps; what RUN prints is still shown');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((context: string, flags: BuildFlags) => attempt(name, flags, () => runBuild(context, flags)));
}

async function runBuild(contextName: string, flags: BuildFlags): Promise<void> {
  const { buildImage } = await import('../../../build/build-image.js');
  const { BuildContext } = await import('../../../build/context.js');
  const { parseDockerfile } = await import('../../../build/dockerfile.js');
  const { formatReference, parseImageName } = await import('../../../image/reference.js');
  const { parseSecrets } = await import('../../../build/secrets.js');
  checkPlatform(flags.platform, await import('../../../image/platform.js'));
  const names = (flags.tag ?? []).map((name) => formatReference(parseImageName(name)));
  const isQuiet = flags.quiet === true || flags.progress === 'quiet';
  const store = await openStore(flags);
  cleanWhenInterrupted(store);
  using intent = store.intend();
  const { directory, text, path } = await openContext(store, intent, contextName, flags.file);
  const file = parseDockerfile(text, path);
  const context = new BuildContext(directory, path === '-' ? undefined : resolve(path));
  // What COPY and WORKDIR make has the modes that the image says, whoever builds it.
  process.umask(0o022);
  const id = await buildImage(store, file, {
    context,
    names,
    say: isQuiet ? () => undefined : (line) => void process.stderr.write(`${line}\n`),
    buildArgs: buildArgs(flags.buildArg ?? []),
    labels: parseKeyValues('label', flags.label),
    target: flags.target,
    noCache: !flags.cache,
    insecure: flags.insecure === true,
    pull: flags.pull === true,
    secrets: parseSecrets(flags.secret ?? []),
  });
  if (flags.iidfile !== undefined) writeFileSync(flags.iidfile, id);
  print(id);
}

interface OpenedContext {
  readonly directory: string;
  /** The Dockerfile, and where it is; `-`: nowhere. */
  readonly text: string;
  readonly path: string;
}

async function openContext(
  store: Store,
  intent: Intent,
  name: string,
  file: string | undefined,
): Promise<OpenedContext> {
  if (name !== '-') {
    if (/^(?:https?|git|ssh):\/\/|^git@/.test(name)) {
      throw new UserError(`the build context '${name}' is an address, which is not supported`, {
        hint: 'fetch it, and give the directory',
      });
    }
    if (statSync(name, { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new UserError(`the build context '${name}' is no directory`);
    }
    const path = file ?? dockerfileIn(name);
    return { directory: name, text: readText(path), path };
  }
  if (file === '-') throw new UserError("only one of context and Dockerfile can be '-'");
  const { readContext } = await import('../../../build/tar-context.js');
  const { directory, dockerfile } = await readContext(store, intent, process.stdin);
  if (dockerfile !== undefined && file === undefined) return { directory, text: dockerfile, path: '-' };
  if (dockerfile !== undefined) throw new UserError('standard input is no tar', { hint: 'leave out -f' });
  const path = file === undefined ? dockerfileIn(directory) : join(directory, posix.join('/', file));
  return { directory, text: readText(path, `${file ?? 'Dockerfile'} of the context`), path };
}

/** `Dockerfile`; `dockerfile` where only that is there. */
function dockerfileIn(directory: string): string {
  const [path, other] = ['Dockerfile', 'dockerfile'].map((name) => join(directory, name)) as [string, string];
  return !existsSync(path) && existsSync(other) ? other : path;
}

type Platforms = typeof import('../../../image/platform.js');

function checkPlatform(wanted: string | undefined, { formatPlatform, hostPlatform, ...of }: Platforms): void {
  if (wanted === undefined || of.servesPlatform(hostPlatform(), of.parsePlatform(wanted))) return;
  throw new UserError(`the platform '${wanted}' cannot be built here`, {
    hint: `this host is ${formatPlatform(hostPlatform())}`,
  });
}

function readText(path: string, shown = path): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    const why =
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : reasonOf(error);
    throw new UserError(`cannot read '${shown}': ${why}`, { cause: error });
  }
}

function buildArgs(texts: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const text of texts) {
    const equals = text.indexOf('=');
    const name = equals < 0 ? text : text.slice(0, equals);
    const value = equals < 0 ? process.env[name] : text.slice(equals + 1);
    if (name === '') throw new UserError(`invalid build argument '${text}'`, { hint: 'write NAME=VALUE' });
    if (value !== undefined) found.set(name, value);
  }
  return found;
}
