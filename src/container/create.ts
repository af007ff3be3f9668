/**
 * Making a container: its record, its own upper and mount point, and the volumes that it needs.
 *
 * Everything is built in a hidden directory and appears by one rename; anonymous volumes made for it go again when it
 * does not come about. Volumes are filled after it appears (nobody can remove them then) and before its lock is given
 * back (nobody can start it before).
 */

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../errno/user-error.js';
import { type Image, layerTreePath, resolveImage } from '../image/image-index.js';
import type { RunConfig } from '../image/oci.js';
import { writeJson } from '../store/atomic-file.js';
import {
  type ContainerMount,
  type ContainerRecord,
  listContainers,
  type ProcessConfig,
} from '../store/container-record.js';
import { lockFile } from '../store/lock.js';
import type { Store } from '../store/store.js';
import { withVolume } from './ensure-volume.js';
import { mergeEnvironment, readLabelFile } from './environment.js';
import { fillVolumes } from './fill-volumes.js';
import { shortId } from './find.js';
import { ImageTree } from './image-tree.js';
import { parseLabels } from './labels.js';
import { lockPath } from './lock.js';
import { checkContainerName, newContainerId, randomName } from './name.js';
import { type MountWishes, noticesOf, planContainerMounts } from './plan-mounts.js';
import { parseNetwork, type RuntimeWish, runtimeOptions } from './runtime-options.js';
import { parseSignal } from './signal.js';
import { takeRootAttributes } from './upper-root.js';

/** The options of `container create`; all strings are text. */
export interface ContainerWish extends MountWishes, RuntimeWish {
  readonly image: string;
  readonly command?: readonly string[] | undefined;
  readonly name?: string | undefined;
  readonly readOnly?: boolean | undefined;
  /** `-e` values. */
  readonly environment?: readonly string[] | undefined;
  readonly environmentFiles?: readonly string[] | undefined;
  readonly workingDirectory?: string | undefined;
  readonly user?: string | undefined;
  /** Empty: none, also when the image has one. */
  readonly entrypoint?: string | undefined;
  readonly hostname?: string | undefined;
  readonly labels?: readonly string[] | undefined;
  readonly labelFiles?: readonly string[] | undefined;
  /** `none`: nothing that it prints is kept. */
  readonly logDriver?: string | undefined;
  /** Seconds until SIGKILL follows the stop signal. */
  readonly stopTimeout?: string | undefined;
  readonly tty?: boolean | undefined;
  readonly interactive?: boolean | undefined;
  readonly stopSignal?: string | undefined;
  readonly autoRemove?: boolean | undefined;
  readonly privileged?: boolean | undefined;
  /** Its command will run in the background. */
  readonly isDetached?: boolean | undefined;
}

export interface CreatedContainer {
  readonly record: ContainerRecord;
  /** What was accepted and does nothing here, what a volume's storage refused: a line each. */
  readonly warnings: readonly string[];
}

/** @throws UserError; then nothing is left of it. */
export async function createContainer(store: Store, wish: ContainerWish): Promise<CreatedContainer> {
  if (wish.name !== undefined) checkContainerName(wish.name);
  const image = resolveImage(store, wish.image);
  const process = processOf(wish, image.config.config ?? {});
  if (process.entrypoint.length + process.command.length === 0) {
    throw new UserError('no command specified', { hint: 'give one after the image, or an image with CMD' });
  }
  const labels = {
    ...image.config.config?.Labels,
    ...parseLabels([...(wish.labelFiles ?? []).flatMap(readLabelFile), ...(wish.labels ?? [])]),
  };
  const runtime = runtimeOptions(wish);
  const network = parseNetwork(wish.network);
  const logDriver = parseLogDriver(wish.logDriver);
  using intent = store.intend();
  const staged = store.stage('containers', intent);
  const home = store.path(staged);
  for (const folder of ['upper', 'work', 'merged']) makeFolder(join(home, folder));
  const top = image.layers.at(-1);
  if (top !== undefined) takeRootAttributes(layerTreePath(store, top), join(home, 'upper'));
  const mounts = await planMounts(store, wish, image, home);
  writeFileSync(lockPath(home), '', { mode: 0o600 });
  using _lock = lockFile(lockPath(home));
  const id = newContainerId();
  const record = store.locked(() => {
    const draft: ContainerRecord = {
      id,
      name: freeName(store, wish.name),
      createdAt: new Date().toISOString(),
      image: { id: image.id, name: wish.image },
      layers: image.layers,
      process,
      labels,
      mounts: mounts.map((mount) => withVolume(store, mount, { id, image: wish.image, intent })),
      readOnly: wish.readOnly === true,
      autoRemove: wish.autoRemove === true,
      privileged: wish.privileged === true,
      hostname: wish.hostname ?? shortId(id),
      ...(logDriver === 'none' ? { logDriver } : {}),
      ...(network === 'none' ? { network } : {}),
      ...(Object.keys(runtime).length === 0 ? {} : { runtime }),
      os: image.config.os,
    };
    writeJson(join(home, 'container.json'), draft, 0o600);
    intent.add({ do: 'remove', path: `containers/${id}` });
    store.publish(staged, `containers/${id}`);
    return draft;
  });
  const refused = await fillVolumes(store, record);
  intent.end();
  return { record, warnings: [...noticesOf(mounts.map(({ request }) => request)), ...refused] };
}

const HOME_FOLDER_MODE = 0o755;

function makeFolder(path: string): void {
  mkdirSync(path);
  chmodSync(path, HOME_FOLDER_MODE);
}

async function planMounts(
  store: Store,
  wish: ContainerWish,
  image: Image,
  home: string,
): Promise<ContainerMount[]> {
  const layers = image.layers.map((hex) => layerTreePath(store, hex));
  using tree = new ImageTree(layers.length > 0 ? layers : [join(home, 'merged')]);
  const volumes = Object.keys(image.config.config?.Volumes ?? {}).sort();
  const mounts = await planContainerMounts(store, wish, { tree, volumes, os: image.config.os });
  for (const { request } of mounts) if (request.type === 'image') resolveImage(store, request.source);
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

/** Of the image and of the options: Docker's rules for what is kept when ENTRYPOINT or CMD is replaced. */
function processOf(wish: ContainerWish, image: RunConfig): ProcessConfig {
  const given = wish.command ?? [];
  const entrypoint = wish.entrypoint === undefined ? (image.Entrypoint ?? []) : asEntrypoint(wish.entrypoint);
  // A new entrypoint does not know what to do with the image's CMD.
  const fallback = wish.entrypoint === undefined ? (image.Cmd ?? []) : [];
  const workingDirectory = wish.workingDirectory ?? (image.WorkingDir || '/');
  if (!workingDirectory.startsWith('/')) {
    throw new UserError(
      `the working directory '${workingDirectory}' is invalid, it needs to be an absolute path`,
    );
  }
  const stopSignal = parseSignal(wish.stopSignal ?? (image.StopSignal || 'SIGTERM'));
  checkHostname(wish.hostname);
  return {
    entrypoint,
    command: given.length > 0 ? given : fallback,
    environment: mergeEnvironment(image.Env ?? [], wish.environmentFiles ?? [], wish.environment ?? []),
    workingDirectory,
    user: wish.user ?? image.User ?? '',
    tty: wish.tty === true,
    interactive: wish.interactive === true,
    endsInputWithClient: wish.isDetached !== true,
    stopSignal,
    ...(wish.stopTimeout === undefined ? {} : { stopTimeoutMs: parseStopTimeout(wish.stopTimeout) }),
  };
}

function parseStopTimeout(text: string): number {
  if (/^-?\d{1,9}$/.test(text)) return Number(text) * 1000;
  throw new UserError(`invalid value '${text}' for --stop-timeout`, { hint: 'seconds; -1: for ever' });
}

function parseLogDriver(text: string | undefined): 'none' | 'json-file' {
  if (text === undefined || text === 'json-file' || text === 'local') return 'json-file';
  if (text === 'none') return text;
  throw new UserError(`cannot log with the driver '${text}'`, {
    hint: "'json-file', the default, or 'none'",
  });
}

function asEntrypoint(text: string): string[] {
  return text === '' ? [] : [text];
}

function checkHostname(hostname: string | undefined): void {
  if (hostname === undefined || /^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,62})$/.test(hostname)) return;
  throw new UserError(`invalid hostname: '${hostname}'`, {
    hint: 'letters, digits, dots and dashes, 63 at most',
  });
}
