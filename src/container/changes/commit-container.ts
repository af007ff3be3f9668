/**
 * `commit`: what a container has changed becomes a layer, and its options the configuration, of a new image.
 *
 * Volumes and other mounts are not in upper, so not in the image.
 */

import { UserError } from '../../errno/user-error.js';
import { applyChanges } from '../../image/add/changes.js';
import { commitLayer } from '../../image/add/commit-layer.js';
import { findImage, type Image, layerTreePath } from '../../image/catalog/image-index.js';
import type { Digest, RunConfig } from '../../image/oci/oci.js';
import { formatReference, parseImageName } from '../../image/oci/reference.js';
import { type ContainerRecord, ownLayersOf } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { nameFromText } from '../../vfs/name.js';
import { pauseProcesses } from '../end/pause-processes.js';
import { lockContainer } from '../record/container-lock.js';
import { noteContainer } from '../record/note-container.js';
import { realHome } from '../record/real-root.js';
import { mountPointOf } from '../record/status.js';
import { flushContainer } from '../tree/flush-container.js';
import { readyOwnDisk } from '../tree/own-disk.js';

interface CommitContainerOptions {
  /** `NAME[:TAG]` */
  readonly name?: string | undefined;
  /** Instructions of a Dockerfile. */
  readonly changes?: readonly string[] | undefined;
  readonly author?: string | undefined;
  readonly comment?: string | undefined;
  /** Stop its processes meanwhile. */
  readonly pause: boolean;
}

interface CommittedContainer {
  readonly id: Digest;
  /** What is not in the image, with how many entries it was. */
  readonly notices: ReadonlyMap<string, number>;
}

/** @throws UserError; then there is no new image. */
export async function commitContainer(
  store: Store,
  record: ContainerRecord,
  options: CommitContainerOptions,
): Promise<CommittedContainer> {
  const names = options.name === undefined ? [] : [formatReference(parseImageName(options.name))];
  const image = imageOf(store, record);
  const config = applyChanges(configOf(record, image.config.config ?? {}), options.changes ?? []);
  const home = nameFromText(realHome(store, record.id));
  using _lock = await lockContainer(store, record);
  readyOwnDisk(store, record);
  using _pause = options.pause ? pauseProcesses(mountPointOf(store, record)) : undefined;
  flushContainer(store, record);
  const committed = await commitLayer(store, {
    image,
    upper: `${home}/upper`,
    work: `${home}/work`,
    earlier: ownLayersOf(record).map((hex) => nameFromText(layerTreePath(store, hex))),
    config,
    names,
    author: options.author,
    comment: options.comment,
    createdBy: [...record.process.entrypoint, ...record.process.command].join(' '),
  });
  const imageRef = names.length === 0 ? {} : { imageRef: names[0]! };
  noteContainer(store, record, 'commit', {
    comment: options.comment ?? '',
    imageID: committed.id,
    ...imageRef,
  });
  return committed;
}

function imageOf(store: Store, record: ContainerRecord): Image {
  const image = findImage(store, record.image.id);
  if (image !== undefined) return image;
  throw new UserError(`cannot commit container '${record.name}': its image '${record.image.name}' is gone`, {
    hint: `'plyfs container export ${record.name}' and 'plyfs image import' make an image of one layer`,
  });
}

/** As the container was made; what only an image has is the image's. */
function configOf({ process, labels, exposedPorts = [] }: ContainerRecord, image: RunConfig): RunConfig {
  const ports = Object.fromEntries(exposedPorts.map((port) => [port, {}]));
  return {
    ...image,
    ...(exposedPorts.length === 0 ? {} : { ExposedPorts: ports }),
    Env: process.environment,
    Entrypoint: process.entrypoint.length > 0 ? process.entrypoint : null,
    Cmd: process.command.length > 0 ? process.command : null,
    WorkingDir: process.workingDirectory,
    User: process.user,
    Labels: labels,
    // The default is not written down, as Docker does not.
    ...(process.stopSignal === 'SIGTERM' && image.StopSignal === undefined
      ? {}
      : { StopSignal: process.stopSignal }),
  };
}
