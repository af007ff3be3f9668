/**
 * /dev of a container: a tmpfs with the devices that every program may use, terminals and shared memory of its own. A
 * device is a node of our own where we may make one, else the host's, mounted over an empty file.
 *
 * All goes by the descriptor of that tmpfs: what the image or another process makes of the name `/dev` meanwhile does not
 * matter.
 */

import { existsSync } from 'node:fs';
import { check } from '../../../errno/fs-error.js';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  O_CREAT,
  O_NOFOLLOW,
  O_PATH,
  O_WRONLY,
  OPEN_TREE_CLONE,
  RESOLVE_BENEATH,
  RESOLVE_NO_SYMLINKS,
  S_IFCHR,
} from '../../../linux/constants.js';
import { mkdirat, mknodat, symlinkat } from '../../../linux/files/directory.js';
import { fchmodat } from '../../../linux/files/inode.js';
import { close, openat, openat2 } from '../../../linux/files/open.js';
import { detachedMount, mountSetattr, openTree, privateTmpfs } from '../../../linux/mounts/mount.js';
import type { Name } from '../../../vfs/name.js';
import { attachTo, fileSystemOf, type RootTree, typeOf } from './root-tree.js';

/** Devices of `mem` (1) and `tty` (5): Documentation/admin-guide/devices.txt. */
const DEVICES: ReadonlyMap<string, readonly [major: number, minor: number]> = new Map([
  ['null', [1, 3]],
  ['zero', [1, 5]],
  ['full', [1, 7]],
  ['random', [1, 8]],
  ['urandom', [1, 9]],
  ['tty', [5, 0]],
]);
const DEVICE_MODE = 0o666;

/** Not every kernel has it. */
const KCORE = '/proc/kcore';

const LINKS = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['core', KCORE],
  ['ptmx', 'pts/ptmx'],
] as const;

const SIZE_BYTES = 64 << 20;
const FLAGS = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

/** A device of the host as a detached mount. */
export interface Device {
  readonly name: string;
  readonly fd: number;
}

/** To be called while /dev is the host's; what the host lacks is left out. */
export function cloneDevices(): Device[] {
  return [...DEVICES.keys()]
    .map((name) => ({ name, fd: openTree(AT_FDCWD, `/dev/${name}`, OPEN_TREE_CLONE) }))
    .filter(({ fd }) => fd >= 0);
}

/**
 * Makes /dev.
 * @param taken places in it where the user has a mount of his own.
 * @param shmBytes the size of /dev/shm.
 * @throws FsError
 */
export function makeDev(
  tree: RootTree,
  devices: readonly Device[],
  taken: ReadonlySet<Name>,
  shmBytes = SIZE_BYTES,
): void {
  const options = { source: 'tmpfs', sizeBytes: SIZE_BYTES, mode: 0o755 };
  const fd = check(privateTmpfs(options, MOUNT_ATTR_NOSUID), 'mount', '/dev');
  tree.attach(fd, '/dev');
  const isFree = (name: string) => !taken.has(`/dev/${name}`);
  for (const device of devices.filter(({ name }) => isFree(name))) makeDevice(fd, device);
  for (const [link, target] of LINKS) {
    if (target === KCORE && !existsSync(KCORE)) continue;
    if (isFree(link)) check(symlinkat(target, fd, link), 'symlink', `/dev/${link}`);
  }
  for (const [name, make] of FILE_SYSTEMS) {
    if (!isFree(name)) continue;
    const mountFd = make(shmBytes);
    // A kernel may be built without message queues.
    if (mountFd === undefined) continue;
    check(mkdirat(fd, name, 0o755), 'mkdir', `/dev/${name}`);
    attachIn(fd, name, mountFd);
  }
  close(fd);
}

const FILE_SYSTEMS: readonly (readonly [string, (shmBytes: number) => number | undefined])[] = [
  ['pts', makeTerminals],
  ['mqueue', makeQueues],
  ['shm', makeShared],
];

/** include/uapi/linux/magic.h */
const DEVPTS_SUPER_MAGIC = 0x1cd1;

/** Lets the harmless devices and terminals work in a /dev of the user's, in which none does (nodev). @throws FsError */
export function showDevices(tree: RootTree, devices: readonly Device[]): void {
  for (const { name, fd } of devices) {
    const place = `/dev/${name}`;
    const found = tree.openPlain(place);
    if (found < 0) continue;
    if (typeOf(found) === S_IFCHR) attachTo(fd, found, place);
    close(found);
  }
  const terminals = tree.openPlain('/dev/pts');
  if (terminals < 0) return;
  if (fileSystemOf(terminals) === DEVPTS_SUPER_MAGIC) {
    check(mountSetattr(terminals, '', AT_EMPTY_PATH, 0, MOUNT_ATTR_NODEV), 'allow devices', '/dev/pts');
  }
  close(terminals);
}

function makeDevice(devFd: number, { name, fd }: Device): void {
  const [major, minor] = DEVICES.get(name) ?? [0, 0];
  // A user namespace may make none.
  if (mknodat(devFd, name, S_IFCHR, major, minor) >= 0) {
    // Whatever the umask says.
    check(fchmodat(devFd, name, DEVICE_MODE), 'chmod', `/dev/${name}`);
    return;
  }
  close(check(openat(devFd, name, O_WRONLY | O_CREAT, DEVICE_MODE), 'create', `/dev/${name}`));
  attachIn(devFd, name, fd);
}

function attachIn(devFd: number, name: string, mountFd: number): void {
  const flags = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  const target = check(openat2(devFd, name, O_PATH | O_NOFOLLOW, 0, flags), 'open', `/dev/${name}`);
  attachTo(mountFd, target, `/dev/${name}`);
  close(target);
}

/** Group 5 is `tty` everywhere; a user namespace of one id has no such group. */
function makeTerminals(): number {
  const flags = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
  const options = [['ptmxmode', '0666'] as const, ['mode', '0620'] as const];
  const fd = detachedMount('devpts', flags, [...options, ['gid', '5']]);
  return fd >= 0 ? fd : check(detachedMount('devpts', flags, options), 'mount', '/dev/pts');
}

function makeQueues(): number | undefined {
  const fd = detachedMount('mqueue', FLAGS);
  return fd < 0 ? undefined : fd;
}

function makeShared(sizeBytes: number): number {
  const options = { source: 'shm', sizeBytes, mode: 0o1777 };
  return check(privateTmpfs(options, FLAGS), 'mount', '/dev/shm');
}
