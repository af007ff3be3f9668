/**
 * `plyfs image build`: an image from a Dockerfile.
 */

import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Dockerfile } from '../../../dockerfile/dockerfile.js';
import { UserError } from '../../../errno/user-error.js';
import type { BuildOptions } from '../../../image-build/build-image.js';
import type { BuildOutput } from '../../../image-build/build-output.js';
import type { Store } from '../../../store/store.js';
import { cleanWhenInterrupted } from '../../frame/interrupt.js';
import { parseKeyValues } from '../../frame/key-values.js';
import { attempt, openStore } from '../../frame/store-command.js';
import { print, say } from '../../print/output.js';
import { type BuildFlags, buildCommand, refuseFlags } from './build-flags.js';

export function imageBuildCommand(name: 'build' | 'image build'): Command {
  return buildCommand().action((context: string, flags: BuildFlags) =>
    attempt(name, flags, () => runBuild(context, flags)),
  );
}

async function runBuild(contextName: string, flags: BuildFlags): Promise<void> {
  refuseFlags(flags);
  const { BuildContext } = await import('../../../image-build/context/context.js');
  const { parseDockerfile } = await import('../../../dockerfile/dockerfile.js');
  const { findDockerfile, openContext } = await import('../../../image-build/open-context.js');
  const { openNamedContexts } = await import('../../../image-build/named-contexts.js');
  if (contextName === '-' && flags.file === '-') {
    throw new UserError("only one of context and Dockerfile can be '-'");
  }
  const store = await openStore(flags);
  cleanWhenInterrupted(store);
  using intent = store.intend();
  const staging = { store, intent, input: process.stdin };
  const opened = await openContext(staging, contextName);
  const { text, path } = findDockerfile(opened, flags.file);
  const file = parseDockerfile(text, path);
  const isFine = await check(file, flags);
  if (flags.check) {
    if (!isFine) process.exitCode = 1;
    return;
  }
  using context = new BuildContext(opened.directory, path === '-' ? undefined : resolve(path));
  using contexts = await openNamedContexts(staging, contextEntries(flags.buildContext ?? []));
  // What COPY and WORKDIR make has the modes that the image says, whoever builds it.
  process.umask(0o022);
  await buildAndDeliver(store, file, flags, { context, contexts: contexts.byName });
}

/** Says what the checks find. @returns whether the build may go on. */
async function check(file: Dockerfile, flags: BuildFlags): Promise<boolean> {
  const { checkDockerfile } = await import('../../../image-build/stage/dockerfile-checks.js');
  const { found, isError } = checkDockerfile(file);
  const isQuiet = isQuietBuild(flags) && !flags.check && !isError;
  for (const { rule, line, message } of isQuiet ? [] : found) {
    say(`warning: line ${line}: ${rule}: ${message}`);
  }
  if (isError && found.length > 0)
    throw new UserError(`the build checks found ${found.length} things, which are errors`);
  if (flags.check) {
    const count = found.length === 1 ? '1 warning has' : `${found.length} warnings have`;
    print(found.length === 0 ? 'Check complete, no warnings found.' : `Check complete, ${count} been found!`);
  }
  return found.length === 0;
}

function isQuietBuild({ quiet, progress }: BuildFlags): boolean {
  return quiet === true || progress === 'quiet';
}

async function buildAndDeliver(
  store: Store,
  file: Dockerfile,
  flags: BuildFlags,
  sources: Pick<BuildOptions, 'context' | 'contexts'>,
): Promise<void> {
  const { buildImage } = await import('../../../image-build/build-image.js');
  const { buildEventLine } = await import('../../../image-build/stage/build-event.js');
  const { buildPlatform } = await import('../../../image-build/stage/build-platform.js');
  const { parseOutput, writeBuildOutput } = await import('../../../image-build/build-output.js');
  const { openAgents } = await import('../../../image-build/steps/run/agents.js');
  const { parseAnnotations } = await import('../../../image-build/stage/annotations.js');
  const { hostLine } = await import('../../../image-build/steps/run/run-network.js');
  const { parseEntitlements } = await import('../../../image-build/steps/run/entitlements.js');
  const { parseSecrets } = await import('../../../image-build/steps/run/secrets.js');
  const { parseSize } = await import('../../../mounts/request/size.js');
  const { hostPlatform } = await import('../../../image/oci/platform.js');
  const outputs = (flags.output ?? []).map(parseOutput);
  const keepsImage =
    outputs.length === 0 || outputs.some(({ type }) => !/^(?:local|tar|cacheonly)$/.test(type));
  const names = await namesOf(flags, outputs);
  const isSilent = isQuietBuild(flags);
  const platform = flags.platform === undefined ? undefined : buildPlatform(flags.platform);
  using agents = await openAgents(flags.ssh ?? []);
  const built = await buildImage(store, file, {
    ...sources,
    names: keepsImage ? names : [],
    report: isSilent ? () => undefined : (event) => void say(buildEventLine(event)),
    buildArgs: buildArgs(flags.buildArg ?? []),
    labels: parseKeyValues('label', flags.label),
    annotations: parseAnnotations(flags.annotation ?? [], platform ?? hostPlatform()),
    target: flags.target === '' ? undefined : flags.target,
    platform,
    noCache: flags.cache === false,
    insecure: flags.insecure === true,
    pull: flags.pull === true,
    secrets: parseSecrets(flags.secret ?? []),
    agents: agents.sockets,
    network: networkOf(flags.network),
    allowed: parseEntitlements(flags.allow ?? []),
    around: {
      hosts: (flags.addHost ?? []).map(hostLine),
      shmBytes: flags.shmSize === undefined ? undefined : parseSize(flags.shmSize),
    },
  });
  const kept = keepsImage ? names : [];
  for (const output of outputs) await writeBuildOutput(store, kept[0] ?? built.id, output);
  if (pushes(flags, outputs)) await pushAll(store, names, flags);
  if (flags.iidfile !== undefined) writeFileSync(flags.iidfile, built.id);
  if (flags.metadataFile !== undefined) writeMetadata(flags.metadataFile, built, names);
  // What goes to standard output is an archive then.
  if (!outputs.some((output) => 'destination' in output && output.destination === '-')) print(built.id);
}

/** Full names of the image, by -t and by outputs. @throws UserError when there is none, and it is to be pushed. */
async function namesOf(flags: BuildFlags, outputs: readonly BuildOutput[]): Promise<readonly string[]> {
  const { formatReference, parseImageName } = await import('../../../image/oci/reference.js');
  const asked = [
    ...(flags.tag ?? []),
    ...outputs.flatMap((output) => (output.type === 'image' ? output.names : [])),
  ];
  const names = [...new Set(asked.map((name) => formatReference(parseImageName(name))))];
  if (names.length === 0 && pushes(flags, outputs))
    throw new UserError('an image to push needs a name', { hint: 'give -t' });
  return names;
}

function pushes(flags: BuildFlags, outputs: readonly BuildOutput[]): boolean {
  return flags.push === true || outputs.some((output) => output.type === 'image' && output.pushes);
}

async function pushAll(store: Store, names: readonly string[], flags: BuildFlags): Promise<void> {
  const { parseReference } = await import('../../../image/oci/reference.js');
  const { pushImage } = await import('../../../image/registry/push.js');
  for (const name of names) {
    const { digest } = await pushImage(store, parseReference(name), { insecure: flags.insecure === true });
    if (!isQuietBuild(flags)) say(` ---> Pushed ${name}@${digest}`);
  }
}

interface BuiltImage {
  readonly id: string;
  readonly manifestDigest: string;
}

function writeMetadata(path: string, { id, manifestDigest }: BuiltImage, names: readonly string[]): void {
  const metadata = {
    'containerimage.config.digest': id,
    'containerimage.digest': manifestDigest,
    ...(names.length === 0 ? {} : { 'image.name': names.join(',') }),
  };
  writeFileSync(path, `${JSON.stringify(metadata, undefined, 2)}\n`);
}

/** `NAME=VALUE` each. @throws UserError */
function contextEntries(texts: readonly string[]): (readonly [name: string, value: string])[] {
  return texts.map((text) => {
    const equals = text.indexOf('=');
    if (equals < 1) throw new UserError(`invalid build context '${text}'`, { hint: 'write NAME=DIRECTORY' });
    return [text.slice(0, equals), text.slice(equals + 1)];
  });
}

function networkOf(text: string | undefined): 'none' | 'host' | undefined {
  if (text === undefined || text === 'default') return undefined;
  if (text === 'none' || text === 'host') return text;
  throw new UserError(`the network '${text}' cannot be had`, { hint: 'there are default, host and none' });
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
