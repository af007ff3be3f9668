/**
 * Making a container: its record, its own upper and mount point, and the volumes that it needs.
 *
 * Everything is built in a hidden directory and appears by one rename; anonymous volumes made for it go again when it
 * does not come about. Volumes are filled after it appears (nobody can remove them then) and before its lock is given
 * back (nobody can start it before).
 */

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../errno/user-error.js';
import { type Image, layerTreePath, resolveImage } from '../../image/catalog/image-index.js';
import type { RunConfig } from '../../image/oci/oci.js';
import { imageNameOf } from '../../mounts/request/named-sources.js';
import { writeJson } from '../../store/atomic-file.js';
import { containerHome } from '../../store/container-home.js';
import {
  type ContainerMount,
  type ContainerRecord,
  listContainers,
  type ProcessConfig,
} from '../../store/container-record.js';
import type { Intent } from '../../store/intent.js';
import { lockFile } from '../../store/lock.js';
import type { Store } from '../../store/store.js';
import { takeRootAttributes } from '../../union/upper-root.js';
import { plannedCgroups } from '../cgroup/own-cgroups.js';
import { lockPath } from '../record/container-lock.js';
import { checkContainerName, newContainerId, randomName } from '../record/container-names.js';
import { shortId } from '../record/find.js';
import { parseLogSettings } from '../record/log-settings.js';
import { noteContainer } from '../record/note-container.js';
import { parseSignal } from '../record/signal.js';
import { makeOwnDisk } from '../tree/own-disk.js';
import { type HealthOptions, healthcheckFor } from './container-healthcheck.js';
import { withVolume } from './ensure-volume.js';
import { newEnvironment } from './environment.js';
import { fillVolumes } from './fill-volumes.js';
import { type ParsedOptions, parseOptions } from './parsed-options.js';
import { asksForMounts, type MountChoices, noticesOf, planContainerMounts } from './plan-mounts.js';
import type { RuntimeRequest } from './runtime-options.js';

/** What a container is to be, as text. */
export interface ContainerChoices extends MountChoices, RuntimeRequest, HealthOptions {
  /** `NAME[:TAG]` or an id. */
  readonly image: string;
  /** Instead of the image's CMD. */
  readonly command?: readonly string[] | undefined;
  /** By default two words that nobody else has. */
  readonly name?: string | undefined;
  /** True: nothing of its root can be changed. */
  readonly readOnly?: boolean | undefined;
  /** `-e` values. */
  readonly environment?: readonly string[] | undefined;
  /** Files with such lines. */
  readonly environmentFiles?: readonly string[] | undefined;
  /** Where the command starts; it is made when it is missing. */
  readonly workingDirectory?: string | undefined;
  /** `USER[:GROUP]`, names of the container's passwd and group, or numbers. */
  readonly user?: string | undefined;
  /** Empty: none, also when the image has one. */
  readonly entrypoint?: string | undefined;
  /** By default the first digits of its id. */
  readonly hostname?: string | undefined;
  /** `--expose` values. */
  readonly expose?: readonly string[] | undefined;
  /** `KEY[=VALUE]`. */
  readonly labels?: readonly string[] | undefined;
  /** Files with such lines. */
  readonly labelFiles?: readonly string[] | undefined;
  /** `none`: nothing that it prints is kept. */
  readonly logDriver?: string | undefined;
  /** `max-size=10m`, `max-file=3`. */
  readonly logOptions?: readonly string[] | undefined;
  /** Seconds until SIGKILL follows the stop signal. */
  readonly stopTimeout?: string | undefined;
  /** True: its command has a terminal. */
  readonly tty?: boolean | undefined;
  /** True: its command has a standard input. */
  readonly interactive?: boolean | undefined;
  /** What `stop` sends first; by default the image's, or SIGTERM. */
  readonly stopSignal?: string | undefined;
  /** True: it goes, with its anonymous volumes, when its command ends. */
  readonly autoRemove?: boolean | undefined;
  /** True: root keeps all capabilities, and sees all of /proc and /sys. */
  readonly privileged?: boolean | undefined;
}

/** The options of `container create`. */
export interface ContainerOptions extends ContainerChoices {
  /** Where its id is written, for who inspects it. */
  readonly idFile?: string | undefined;
  /** Its command will run in the background. */
  readonly isDetached?: boolean | undefined;
}

interface CreatedContainer {
  readonly record: ContainerRecord;
  /** What was accepted and does nothing here, what a volume's storage refused: a line each. */
  readonly warnings: readonly string[];
}

/** A container that goes when this process dies before `intent.end()`: for one with --rm that is started at once. */
export interface PendingContainer extends CreatedContainer {
  readonly intent: Intent;
}

/**
 * @param parsed of `options`, for who had them parsed already.
 * @throws UserError; then nothing is left of it.
 */
export async function createContainer(
  store: Store,
  options: ContainerOptions,
  parsed?: ParsedOptions,
): Promise<CreatedContainer> {
  const { intent, ...created } = await createPending(store, options, parsed);
  intent.end();
  return created;
}

/** As createContainer(), with the intent that takes it back. */
export async function createPending(
  store: Store,
  options: ContainerOptions,
  parsed: ParsedOptions = parseOptions(options),
): Promise<PendingContainer> {
  if (options.name !== undefined) checkContainerName(options.name);
  const image = resolveImage(store, options.image);
  const imageConfig = image.config.config ?? {};
  const process = processOf(options, parsed, imageConfig);
  if (process.entrypoint.length + process.command.length === 0) {
    throw new UserError('no command specified', { hint: 'give one after the image, or an image with CMD' });
  }
  const settings = settingsOf(options, parsed, imageConfig);
  using intent = store.intend();
  const staged = store.stage('containers', intent);
  const home = store.path(staged);
  fillHome(store, home, { top: image.layers.at(-1), storageBytes: parsed.runtime.storageBytes });
  const mounts = await planMounts(store, options, image, home);
  writeFileSync(lockPath(home), '', { mode: 0o600 });
  using _lock = lockFile(lockPath(home));
  const id = newContainerId();
  const record = store.locked(() => {
    const draft: ContainerRecord = {
      id,
      name: freeName(store, options.name),
      createdAt: new Date().toISOString(),
      image: { id: image.id, name: options.image },
      layers: image.layers,
      process,
      mounts: mounts.map((mount) => withVolume(store, mount, { id, image: options.image, intent })),
      ...askedFor(options),
      ...settings,
      readOnly: options.readOnly === true,
      autoRemove: options.autoRemove === true,
      privileged: options.privileged === true,
      hostname: options.hostname || shortId(id),
      os: image.config.os,
    };
    writeJson(join(home, 'container.json'), draft, 0o600);
    // A limit that cannot be kept is told now, not at the first start.
    plannedCgroups(draft);
    intent.add({ do: 'remove', path: containerHome(id) });
    store.publish(staged, containerHome(id));
    return draft;
  });
  const refused = await fillVolumes(store, record);
  noteContainer(store, record, 'create');
  const warnings = [...noticesOf(mounts.map(({ request }) => request)), ...refused];
  return { record, warnings, intent: intent.handOn() };
}

interface HomeParts {
  /** The topmost layer. */
  readonly top: string | undefined;
  readonly storageBytes: number | undefined;
}

/** @throws UserError when a disk of that size cannot be made. */
function fillHome(store: Store, home: string, { top, storageBytes }: HomeParts): void {
  makeFolder(join(home, 'merged'));
  if (storageBytes !== undefined) {
    makeOwnDisk(home, storageBytes);
    return;
  }
  for (const folder of ['upper', 'work']) makeFolder(join(home, folder));
  if (top !== undefined) takeRootAttributes(layerTreePath(store, top), join(home, 'upper'));
}

/** What options and image say together. @throws UserError */
function settingsOf(
  options: ContainerOptions,
  { labels, health, exposed, network, runtime }: ParsedOptions,
  config: NonNullable<Image['config']['config']>,
) {
  const healthcheck = healthcheckFor(health, config.Healthcheck);
  const exposedPorts = [...new Set([...Object.keys(config.ExposedPorts ?? {}), ...exposed])].sort();
  return {
    labels: { ...config.Labels, ...labels },
    ...(exposedPorts.length === 0 ? {} : { exposedPorts }),
    ...parseLogSettings(options.logDriver, options.logOptions),
    ...(healthcheck === undefined ? {} : { healthcheck }),
    ...(config.Shell === undefined ? {} : { shell: config.Shell }),
    ...(network === 'none' ? { network } : {}),
    ...(Object.keys(runtime).length === 0 ? {} : { runtime }),
  } satisfies Partial<ContainerRecord>;
}

/** What only inspect shows. */
function askedFor({
  volumesFrom = [],
  idFile,
}: ContainerOptions): Pick<ContainerRecord, 'volumesFrom' | 'idFile'> {
  return {
    ...(volumesFrom.length === 0 ? {} : { volumesFrom }),
    ...(idFile === undefined ? {} : { idFile }),
  };
}

const HOME_FOLDER_MODE = 0o755;

function makeFolder(path: string): void {
  mkdirSync(path);
  chmodSync(path, HOME_FOLDER_MODE);
}

async function planMounts(
  store: Store,
  options: ContainerOptions,
  image: Image,
  home: string,
): Promise<ContainerMount[]> {
  const volumes = Object.keys(image.config.config?.Volumes ?? {}).sort();
  if (volumes.length === 0 && !asksForMounts(options)) return [];
  const layers = image.layers.map((hex) => layerTreePath(store, hex));
  // The union is much code, and most containers have no mount.
  const { ImageTree } = await import('../tree/image-tree.js');
  using tree = new ImageTree(layers.length > 0 ? layers : [join(home, 'merged')]);
  const mounts = await planContainerMounts(store, options, { tree, volumes, os: image.config.os });
  for (const { request } of mounts) {
    const name = imageNameOf(request);
    if (name !== undefined) resolveImage(store, name);
  }
  return mounts;
}

/** PRECONDITION: locked, so that the name is still free when it is taken. */
function freeName(store: Store, wanted: string | undefined): string {
  const holders = new Map(listContainers(store).map(({ name, id }) => [name, id]));
  if (wanted === undefined) return randomName((name) => holders.has(name));
  const holder = holders.get(wanted);
  if (holder === undefined) return wanted;
  throw nameConflict(wanted, holder);
}

export function nameConflict(name: string, holder: string): UserError {
  return new UserError(
    `conflict: the container name '${name}' is already in use by container '${shortId(holder)}'`,
    {
      hint: 'remove or rename that container to be able to reuse the name',
    },
  );
}

/** Merges the image's process and the options, by Docker's rules for what is kept when ENTRYPOINT or CMD is replaced. */
function processOf(options: ContainerOptions, parsed: ParsedOptions, image: RunConfig): ProcessConfig {
  const given = options.command ?? [];
  const entrypoint =
    options.entrypoint === undefined ? (image.Entrypoint ?? []) : asEntrypoint(options.entrypoint);
  // A new entrypoint does not know what to do with the image's CMD.
  const fallback = options.entrypoint === undefined ? (image.Cmd ?? []) : [];
  const workingDirectory = options.workingDirectory || image.WorkingDir || '/';
  if (!workingDirectory.startsWith('/')) {
    throw new UserError(
      `the working directory '${workingDirectory}' is invalid, it needs to be an absolute path`,
    );
  }
  const stopSignal = parseSignal(options.stopSignal ?? (image.StopSignal || 'SIGTERM'));
  checkHostname(options.hostname);
  return {
    entrypoint,
    command: given.length > 0 ? given : fallback,
    environment: newEnvironment(image.Env ?? [], parsed.environment),
    workingDirectory,
    // Docker's: an empty one is none, and not root.
    user: options.user || (image.User ?? ''),
    tty: options.tty === true,
    interactive: options.interactive === true,
    endsInputWithClient: options.isDetached !== true,
    stopSignal,
    ...(parsed.stopTimeoutMs === undefined ? {} : { stopTimeoutMs: parsed.stopTimeoutMs }),
  };
}

function asEntrypoint(text: string): string[] {
  return text === '' ? [] : [text];
}

function checkHostname(hostname: string | undefined): void {
  // What sethostname(2) takes, less what would break a line of /etc/hosts.
  if (hostname === undefined || (Buffer.byteLength(hostname) <= 64 && !/[\s\p{Cc}#]/u.test(hostname))) return;
  throw new UserError(`invalid hostname: '${hostname}'`, { hint: '64 bytes at most, no blanks' });
}
