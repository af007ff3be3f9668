/**
 * `commit`: what a container has changed becomes a layer, and its options the configuration, of a new image.
 *
 * Volumes and other mounts are not in upper, so not in the image.
 */

import { UserError } from '../errno/user-error.js';
import { applyChanges } from '../image/changes.js';
import { commitLayer } from '../image/commit.js';
import { findImage, type Image } from '../image/image-index.js';
import type { Digest, RunConfig } from '../image/oci.js';
import { formatReference, parseImageName } from '../image/reference.js';
import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { nameFromText } from '../vfs/name.js';
import { flushContainer } from './flush-container.js';
import { lockContainer } from './lock.js';
import { processesIn } from './processes.js';
import { realRoot } from './real-root.js';
import { send } from './signal.js';
import { mountPointOf } from './status.js';

export interface CommitWish {
  /** `NAME[:TAG]` */
  readonly name?: string | undefined;
  /** Instructions of a Dockerfile. */
  readonly changes?: readonly string[] | undefined;
  readonly author?: string | undefined;
  readonly comment?: string | undefined;
  /** Stop its processes meanwhile. */
  readonly pause: boolean;
}

export interface CommittedContainer {
  readonly id: Digest;
  /** What is not in the image, with how many entries it was. */
  readonly notices: ReadonlyMap<string, number>;
}

/** @throws UserError; then there is no new image. */
export async function commitContainer(
  store: Store,
  record: ContainerRecord,
  wish: CommitWish,
): Promise<CommittedContainer> {
  const names = wish.name === undefined ? [] : [formatReference(parseImageName(wish.name))];
  const image = imageOf(store, record);
  const config = applyChanges(configOf(record, image.config.config ?? {}), wish.changes ?? []);
  const home = nameFromText(`${realRoot(store)}/containers/${record.id}`);
  using _lock = lockContainer(store, record);
  using _pause = wish.pause ? pauseProcesses(mountPointOf(store, record)) : undefined;
  flushContainer(store, record);
  return await commitLayer(store, {
    image,
    upper: `${home}/upper`,
    work: `${home}/work`,
    config,
    names,
    author: wish.author,
    comment: wish.comment,
    createdBy: [...record.process.entrypoint, ...record.process.command].join(' '),
  });
}

function imageOf(store: Store, record: ContainerRecord): Image {
  const image = findImage(store, record.image.id);
  if (image !== undefined) return image;
  throw new UserError(`cannot commit container '${record.name}': its image '${record.image.name}' is gone`, {
    hint: `'plyfs container export ${record.name}' and 'plyfs image import' make an image of one layer`,
  });
}

/** As the container was made; what only an image has is the image's. */
function configOf({ process, labels }: ContainerRecord, image: RunConfig): RunConfig {
  return {
    ...image,
    Env: process.environment,
    Entrypoint: process.entrypoint.length > 0 ? process.entrypoint : null,
    Cmd: process.command.length > 0 ? process.command : null,
    WorkingDir: process.workingDirectory,
    User: process.user,
    Labels: labels,
    StopSignal: process.stopSignal,
  };
}

function pauseProcesses(mountpoint: string): Disposable {
  const pids = processesIn(mountpoint);
  for (const pid of pids) send(pid, 'SIGSTOP');
  return {
    [Symbol.dispose]: () => {
      for (const pid of pids) send(pid, 'SIGCONT');
    },
  };
}
