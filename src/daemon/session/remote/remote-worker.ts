/**
 * The thread that serves one remote storage: opens the sources of its mounts, tries what they can do, and answers the
 * requests on them. Whatever hangs here, hangs nothing else (engine/remote).
 */

import { randomBytes } from 'node:crypto';
import { workerData } from 'node:worker_threads';
import { RemoteServer } from '../../../engine/remote/remote-server.js';
import { FsError } from '../../../errno/fs-error.js';
import { UserError } from '../../../errno/user-error.js';
import { O_DIRECTORY, O_RDONLY } from '../../../linux/constants.js';
import { close, openat } from '../../../linux/files/open.js';
import {
  CAP_CHOWN,
  CAP_SYS_ADMIN,
  hasCapability,
  keepCapabilities,
  unshareFs,
} from '../../../linux/process/process.js';
import {
  type OpenedSource,
  openBind,
  openVolume,
  type SourceContext,
} from '../../../mounts/kinds/open-source.js';
import { type Trial, tryStorage } from '../../../mounts/kinds/trial.js';
import { MirrorFileSystem } from '../../../mounts/mirror/mirror-file-system.js';
import { MountedFileSystem } from '../../../mounts/points/mounted-file-system.js';
import { CallerIds } from '../../../realfs/caller-ids.js';
import { DescriptorCache } from '../../../realfs/descriptor-cache.js';
import { HeldDescriptors } from '../../../realfs/held-descriptors.js';
import { Attr } from '../../../vfs/attr.js';
import { InodeNumbers } from '../../../vfs/inode-numbers.js';
import { ROOT_NODE } from '../../../vfs/node-id.js';
import { type ResolvedMount, requireHostPath } from '../../config/mount-config.js';
import { prepareBind, removeMade } from '../../config/prepare-sources.js';
import { cachedDescriptors } from '../../messages/descriptor-shares.js';
import type { RemoteCommand, RemoteEvent, RemoteThreadData } from '../../messages/remote-messages.js';

const data = workerData as RemoteThreadData;
const privileged = hasCapability(CAP_SYS_ADMIN);
// A umask of this thread's own, and capabilities that a change of fsuid leaves alone: see realfs/caller-ids.ts.
unshareFs();
if (privileged) keepCapabilities();

const callerIds = new CallerIds({ enabled: privileged });
const mounted = new MountedFileSystem(undefined, (owner) => tell({ kind: 'unused', owner }), callerIds);
const made: string[] = [];
const context: SourceContext = {
  privileged,
  mountpoint: data.mountpoint,
  isRemote: true,
  clones: new Map(),
  privateRoot: '',
  callerIds,
  inodeNumbers: new InodeNumbers(data.firstStride),
  descriptors: new DescriptorCache(cachedDescriptors(data.fileLimit), new HeldDescriptors(data.fileLimit)),
};

const server = new RemoteServer({
  fs: mounted,
  port: data.port,
  words: new Int32Array(data.words),
  wakeFd: data.wakeFd,
  onOrder: (order) => obey(order as RemoteCommand),
  onEntered: (root) => mounted.entered(root),
});
server.run();

function tell(event: RemoteEvent): void {
  server.post({ kind: 'event', event });
}

function obey(order: RemoteCommand): void {
  callerIds.restore();
  switch (order.kind) {
    case 'open':
      open(order.owner, order.mount);
      break;
    case 'point': {
      const { directory, name, point } = order.change;
      if (point === undefined) mounted.table.delete(directory, name);
      else mounted.table.set(directory, name, point);
      break;
    }
    case 'remove':
      mounted.remove(order.owner);
      break;
    case 'undo':
      removeMade(made);
  }
}

/** Only types of mount that have a path of the host can lie on remote storage. */
function openStorage(mount: ResolvedMount): OpenedSource {
  const { request } = mount;
  const path = requireHostPath(mount);
  switch (request.type) {
    case 'bind':
      prepareBind(request, { path, mountpoint: data.mountpoint }, made);
      return openBind(request, path, context);
    case 'volume':
      return openVolume(request, path, context);
    default:
      throw new UserError(`cannot mount '${request.spec}': ${request.type} is not remote storage`);
  }
}

function open(owner: number, mount: ResolvedMount): void {
  try {
    const source = openStorage(mount);
    const root = new Attr();
    source.system.getattr(ROOT_NODE, undefined, root);
    const trial = tryOut(source, mount);
    mounted.addAt(owner, source.system);
    tell({ kind: 'opened', owner, opened: { fileName: source.fileName, root, trial } });
  } catch (error) {
    if (!(error instanceof UserError) && !(error instanceof FsError)) throw error;
    const hint = error instanceof UserError ? error.hint : undefined;
    tell({ kind: 'refused', owner, message: error.message, hint });
  }
}

function tryOut({ system, fileName }: OpenedSource, { request }: ResolvedMount): Trial {
  if (request.readOnly) return { lacks: [], untried: 'the mount is read-only' };
  // The directory of a single file is no business of ours.
  if (fileName !== undefined || !(system instanceof MirrorFileSystem))
    return { lacks: [], untried: 'the mount is a single file' };
  const fd = openat(system.rootDescriptor, '.', O_RDONLY | O_DIRECTORY);
  if (fd < 0) return { lacks: [], untried: `cannot open it: errno ${-fd}` };
  const trial = tryStorage(fd, randomBytes(6).toString('hex'), { mayGiveAway: hasCapability(CAP_CHOWN) });
  close(fd);
  return trial;
}
