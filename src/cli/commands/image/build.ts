/**
 * `plyfs image build`: an image from a Dockerfile.
 */

import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { UserError } from '../../../errno/user-error.js';
import { cleanWhenInterrupted } from '../../interrupt.js';
import { parseKeyValues } from '../../key-values.js';
import { collect } from '../../options.js';
import { print } from '../../output.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../store-command.js';

const DETAILS = `
The id of the image is printed; what the steps say goes to standard error. A step that was done before on the same
layers, with the same words and files, is taken from the cache ('plyfs image prune' empties it).

Instructions: FROM (also scratch and stages), ARG, ENV, COPY and ADD (--from, --chown, --chmod, here-documents), RUN,
WORKDIR, USER, VOLUME, CMD, ENTRYPOINT, SHELL, LABEL, EXPOSE, STOPSIGNAL, MAINTAINER. HEALTHCHECK has no effect; ONBUILD
and 'RUN --mount' are refused. What .dockerignore names is left out. A base image that is not there is pulled when its
name says from which registry.

Examples:
  plyfs image build -t app:1 .
  plyfs image build -f app.Dockerfile --build-arg VERSION=2 --target test -t app:test src
  plyfs image build -t app -f - . <Dockerfile`;

interface BuildFlags extends StoreFlags {
  readonly file?: string;
  readonly tag?: readonly string[];
  readonly buildArg?: readonly string[];
  readonly label?: readonly string[];
  readonly target?: string;
  readonly cache: boolean;
  readonly insecure?: boolean;
  readonly quiet?: boolean;
}

export function imageBuildCommand(): Command {
  const command = new Command('build')
    .description('make an image of a Dockerfile')
    .argument('<context>', 'the directory that COPY and ADD take files from')
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
    .option('--insecure', 'plain http, or a certificate that cannot be verified, will do for base images')
    .option('-q, --quiet', 'say nothing of the steps; what RUN prints is still shown');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((context: string, flags: BuildFlags) =>
      attempt('image build', flags, () => runBuild(context, flags)),
    );
}

async function runBuild(directory: string, flags: BuildFlags): Promise<void> {
  const { buildImage } = await import('../../../build/build-image.js');
  const { BuildContext } = await import('../../../build/context.js');
  const { parseDockerfile } = await import('../../../build/dockerfile.js');
  const { formatReference, parseImageName } = await import('../../../image/reference.js');
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new UserError(`the build context '${directory}' is no directory`);
  }
  const names = (flags.tag ?? []).map((name) => formatReference(parseImageName(name)));
  const path = flags.file ?? join(directory, 'Dockerfile');
  const shown = path === '-' ? 'standard input' : path;
  const file = parseDockerfile(readText(path), shown);
  const context = new BuildContext(directory, path === '-' ? undefined : resolve(path));
  const store = await openStore(flags);
  cleanWhenInterrupted(store);
  // What COPY and WORKDIR make has the modes that the image says, whoever builds it.
  process.umask(0o022);
  const say = flags.quiet ? () => undefined : (line: string) => void process.stderr.write(`${line}\n`);
  const id = await buildImage(store, file, {
    context,
    names,
    say,
    buildArgs: buildArgs(flags.buildArg ?? []),
    labels: parseKeyValues('label', flags.label),
    target: flags.target,
    noCache: !flags.cache,
    insecure: flags.insecure === true,
  });
  print(id);
}

function readText(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw new UserError(`cannot read '${path}': ${(error as Error).message}`, { cause: error });
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
