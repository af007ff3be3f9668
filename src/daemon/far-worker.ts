/**
 * The thread that serves one far storage: opens the sources of its mounts, tries what they can do, and answers the
 * requests on them. Whatever hangs here, hangs nothing else (engine/far).
 */

import { randomBytes } from 'node:crypto';
import { workerData } from 'node:worker_threads';
import { FarServer } from '../engine/far/far-server.js';
import { FsError } from '../errno/fs-error.js';
import { UserError } from '../errno/user-error.js';
import { CallerIds } from '../files/caller-ids.js';
import { DescriptorCache } from '../files/descriptor-cache.js';
import { HeldDescriptors } from '../files/held-descriptors.js';
import { O_DIRECTORY, O_RDONLY } from '../linux/constants.js';
import { close, openat } from '../linux/open.js';
import { CAP_CHOWN, CAP_SYS_ADMIN, hasCapability, keepCapabilities, unshareFs } from '../linux/process.js';
import { MirrorFileSystem } from '../mounts/mirror-file-system.js';
import { MountedFileSystem } from '../mounts/mounted-file-system.js';
import { type OpenedSource, openSource, type SourceContext } from '../mounts/open-source.js';
import { type Trial, tryStorage } from '../mounts/trial.js';
import { Attr } from '../vfs/attr.js';
import { InodeNumbers } from '../vfs/inode-numbers.js';
import { ROOT_NODE } from '../vfs/node-id.js';
import { cachedDescriptors } from './descriptor-shares.js';
import type { FarEvent, FarOrder, FarThreadData } from './far-orders.js';
import type { ResolvedMount } from './mount-config.js';
import { prepareBind, removeMade } from './prepare-sources.js';

const data = workerData as FarThreadData;
const privileged = hasCapability(CAP_SYS_ADMIN);
// A umask of this thread's own, and capabilities that a change of fsuid leaves alone: see files/caller-ids.ts.
unshareFs();
if (privileged) keepCapabilities();

const callerIds = new CallerIds(privileged);
const mounted = new MountedFileSystem(undefined, (owner) => tell({ kind: 'unused', owner }), callerIds);
const made: string[] = [];
const context: SourceContext = {
  privileged,
  mountpoint: data.mountpoint,
  isFar: true,
  clones: new Map(),
  privateRoot: '',
  callerIds,
  inodeNumbers: new InodeNumbers(data.firstStride),
  descriptors: new DescriptorCache(cachedDescriptors(data.fileLimit), new HeldDescriptors(data.fileLimit)),
};

const server = new FarServer({
  fs: mounted,
  port: data.port,
  words: new Int32Array(data.words),
  wakeFd: data.wakeFd,
  onOrder: (order) => obey(order as FarOrder),
  onEntered: (root) => mounted.entered(root),
});
server.run();

function tell(event: FarEvent): void {
  server.post({ kind: 'event', event });
}

function obey(order: FarOrder): void {
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

function open(owner: number, mount: ResolvedMount): void {
  try {
    prepareBind(mount, data.mountpoint, made);
    const { request } = mount;
    if (request.type === 'image')
      throw new UserError(`cannot mount '${request.spec}': an image is not far storage`);
    const source = openSource(request, mount.hostPath, context);
    const root = new Attr();
    source.system.getattr(ROOT_NODE, undefined, root);
    const trial = tryOut(source, mount);
    mounted.place(owner, source.system);
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
  const trial = tryStorage(fd, randomBytes(6).toString('hex'), hasCapability(CAP_CHOWN));
  close(fd);
  return trial;
}
