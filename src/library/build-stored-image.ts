/** Builds for programs: what `plyfs build` does with its flags, done with options; progress comes as events. */

import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { parseDockerfile } from '../dockerfile/dockerfile.js';
import { formatReference, parseImageName } from '../image/oci/reference.js';
import { buildImage } from '../image-build/build-image.js';
import { BuildContext } from '../image-build/context/context.js';
import { openNamedContexts } from '../image-build/named-contexts.js';
import { findDockerfile, openContext, type Staging } from '../image-build/open-context.js';
import type { BuildEvent } from '../image-build/stage/build-event.js';
import { buildPlatform } from '../image-build/stage/build-platform.js';
import { checkDockerfile } from '../image-build/stage/dockerfile-checks.js';
import { openAgents } from '../image-build/steps/run/agents.js';
import { parseEntitlements } from '../image-build/steps/run/entitlements.js';
import { hostLine } from '../image-build/steps/run/run-network.js';
import { parseSecrets } from '../image-build/steps/run/secrets.js';
import { umask } from '../linux/files/inode.js';
import type { Store } from '../store/store.js';
import { checkedOptions, checkedText } from './checked-options.js';

/** How an image is built. */
export interface BuildRequest {
  /** `NAME[:TAG]` each. */
  readonly names?: readonly string[] | undefined;
  /** By default `Dockerfile` in the context. */
  readonly file?: string | undefined;
  readonly buildArgs?: Readonly<Record<string, string>> | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** The stage to stop after, by default the last. */
  readonly target?: string | undefined;
  /** As `--platform`: `linux/arm64`; by default the host's. */
  readonly platform?: string | undefined;
  /** True: no step is taken from the cache. */
  readonly noCache?: boolean | undefined;
  /** True: base images come anew from their registry. */
  readonly pull?: boolean | undefined;
  /** Registries by plain HTTP, or with certificates that nobody vouches for. */
  readonly insecure?: boolean | undefined;
  /** As `--secret`: `id=ID,src=FILE`. */
  readonly secrets?: readonly string[] | undefined;
  /** As `--ssh`: `default`, `ID=SOCKET`, `ID=KEYFILE`. */
  readonly ssh?: readonly string[] | undefined;
  /** As `--build-context`: a directory, or `docker-image://NAME`, by name. */
  readonly contexts?: Readonly<Record<string, string>> | undefined;
  /** As `--add-host`: `NAME:ADDRESS`. */
  readonly addHost?: readonly string[] | undefined;
  /** The network of RUNs, by default the host's. */
  readonly network?: 'none' | 'host' | undefined;
  /** Entitlements: `security.insecure`, `network.host`. */
  readonly allow?: readonly string[] | undefined;
  /** Takes what the build does, as it does it. */
  readonly onEvent?: ((event: BuildEvent) => void) | undefined;
  /** The descriptor that RUNs print to; by default standard error. */
  readonly outputFd?: number | undefined;
}

const KINDS = {
  names: 'strings',
  file: 'string',
  buildArgs: 'texts by name',
  labels: 'texts by name',
  target: 'string',
  platform: 'string',
  noCache: 'boolean',
  pull: 'boolean',
  insecure: 'boolean',
  secrets: 'strings',
  ssh: 'strings',
  contexts: 'texts by name',
  addHost: 'strings',
  network: ['none', 'host'],
  allow: 'strings',
  onEvent: 'function',
  outputFd: 'number',
} as const;

/** The umask of this process is 022 meanwhile. @returns the image's id. @throws UserError; then only the cache has grown. */
export async function buildStoredImage(
  store: Store,
  context: string,
  options: BuildRequest,
): Promise<string> {
  checkedText('images.build()', 'context', context);
  const checked = checkedOptions('images.build()', options, KINDS);
  const { file, secrets = [], ssh = [], addHost = [], names = [], onEvent = () => undefined } = checked;
  // What COPY and WORKDIR make has the modes that the image says, whoever builds it.
  using _umask = withImageUmask();
  using intent = store.intend();
  const staging: Staging = { store, intent, input: Readable.from([]) };
  const opened = await openContext(staging, context);
  const { text, path } = findDockerfile(opened, file);
  const dockerfile = parseDockerfile(text, path);
  for (const { rule, line, message } of checkDockerfile(dockerfile).found)
    onEvent({ kind: 'warning', message: `line ${line}: ${rule}: ${message}` });
  using own = new BuildContext(opened.directory, path === '-' ? undefined : resolve(path));
  using contexts = await openNamedContexts(staging, Object.entries(checked.contexts ?? {}));
  using agents = await openAgents(ssh);
  const { id } = await buildImage(store, dockerfile, {
    context: own,
    contexts: contexts.byName,
    names: [...new Set(names.map((name) => formatReference(parseImageName(name))))],
    report: onEvent,
    buildArgs: new Map(Object.entries(checked.buildArgs ?? {})),
    labels: checked.labels ?? {},
    target: checked.target,
    platform: checked.platform === undefined ? undefined : buildPlatform(checked.platform),
    noCache: checked.noCache === true,
    insecure: checked.insecure === true,
    pull: checked.pull === true,
    secrets: parseSecrets(secrets),
    agents: agents.sockets,
    network: checked.network,
    allowed: parseEntitlements(checked.allow ?? []),
    around: { hosts: addHost.map(hostLine), shmBytes: undefined },
    outputFd: checked.outputFd,
  });
  return id;
}

let builds = 0;
let ownUmask = 0;

/** The umask of images, until the last build of this process has ended. */
function withImageUmask(): Disposable {
  if (builds === 0) ownUmask = umask(0o022);
  builds += 1;
  return {
    [Symbol.dispose]: () => {
      builds -= 1;
      if (builds === 0) umask(ownUmask);
    },
  };
}
