/**
 * A directory shown at a mount point as a disk is: by our engine and mirror in this process, of which a test sees or changes each
 * call (faulty-disk.ts, recorded-disk.ts). Once it serves it says so in a line.
 */

import { attach } from '../../src/engine/kernel/attach-mount.js';
import { ServingLoop } from '../../src/engine/kernel/serving-loop.js';
import { SessionLoop } from '../../src/engine/kernel/session-loop.js';
import { check } from '../../src/errno/fs-error.js';
import {
  AT_FDCWD,
  EFD_NONBLOCK,
  O_DIRECTORY,
  O_PATH,
  RENAME_EXCHANGE,
  S_IFCHR,
} from '../../src/linux/constants.js';
import { openat } from '../../src/linux/files/open.js';
import { eventfd } from '../../src/linux/io/poll.js';
import { keepCapabilities, unshareFs } from '../../src/linux/process/process.js';
import { MirrorFileSystem } from '../../src/mounts/mirror/mirror-file-system.js';
import { CallerIds } from '../../src/realfs/caller-ids.js';
import { DescriptorCache } from '../../src/realfs/descriptor-cache.js';
import { Entry } from '../../src/vfs/attr.js';
import { Creation, type FileSystem, NewEntry, type RenameTarget } from '../../src/vfs/file-system.js';
import { InodeNumbers } from '../../src/vfs/inode-numbers.js';
import type { Name } from '../../src/vfs/name.js';
import type { NodeId } from '../../src/vfs/node-id.js';

const RENAME_WHITEOUT = 4;
/** What the kernel wants no answer to, or what is no request. */
const NEVER = new Set(['attach', 'detach', 'forget', 'release']);

/** What kernel overlayfs wants of an upper beside what a mirror has. */
class Disk extends MirrorFileSystem {
  override rename(parent: NodeId, name: Name, target: RenameTarget): void {
    const leavesWhiteout = (target.flags & RENAME_WHITEOUT) !== 0;
    super.rename(parent, name, { ...target, flags: target.flags & ~RENAME_WHITEOUT });
    if (!leavesWhiteout || (target.flags & RENAME_EXCHANGE) !== 0) return;
    const made = Object.assign(new Creation(), { mode: S_IFCHR });
    const entry = new Entry();
    this.mknod(parent, name, made, new NewEntry(entry, { uid: 0, gid: 0, pid: 0 }));
    this.forget(entry.nodeId, 1);
  }
}

/** The file system with `before` called ahead of each operation, which fails with what that throws. */
function withHook(
  disk: FileSystem,
  before: (operation: string, args: readonly unknown[]) => void,
): FileSystem {
  return new Proxy(disk, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function' || typeof key !== 'string') return value;
      return (...args: unknown[]) => {
        if (!NEVER.has(key)) before(key, args);
        return value.apply(target, args);
      };
    },
  });
}

/** Serves until it is unmounted. */
export async function serveDisk(
  source: string,
  mountpoint: string,
  before: (operation: string, args: readonly unknown[]) => void,
): Promise<void> {
  unshareFs();
  keepCapabilities();
  const disk = new Disk({
    rootFd: check(openat(AT_FDCWD, source, O_PATH | O_DIRECTORY), 'open', source),
    readOnly: false,
    owners: undefined,
    // Nobody but the kernel above changes it; but it must ask each time to hear of the fault.
    ttlMs: 0,
    quota: undefined,
    onDetach: () => undefined,
    callerIds: new CallerIds({ enabled: false }),
    inodeNumbers: new InodeNumbers(),
    descriptors: new DescriptorCache(256),
  });
  const { fuseFd } = await attach({
    mountpoint,
    readOnly: false,
    vfsOptions: [],
    fsname: 'plyfs-test',
    allowOther: true,
  });
  const wakeFd = check(eventfd(0, EFD_NONBLOCK), 'eventfd');
  const serving = new ServingLoop({ wakeFd, onWake: () => false, onEnd: () => process.exit(0) });
  const loop = new SessionLoop({
    fs: withHook(disk, before),
    fuseFd,
    wakeFd,
    passthrough: false,
    debug: false,
    log: (line) => process.stderr.write(`${line}\n`),
    onInit: () => process.stdout.write('serves\n'),
  });
  serving.add(loop);
  serving.run();
}
