/**
 * /dev of a container: a tmpfs with the devices that every program may use, terminals and shared memory of its own. A
 * device is a node of our own where we may make one, else the host's, mounted over an empty file.
 */

import { chmodSync, mkdirSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { check } from '../../errno/fs-error.js';
import {
  AT_FDCWD,
  MOUNT_ATTR_NOSUID,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  OPEN_TREE_CLONE,
  S_IFCHR,
} from '../../linux/constants.js';
import { mknodat } from '../../linux/directory.js';
import { mount, openTree, privateTmpfs } from '../../linux/mount.js';
import { close } from '../../linux/open.js';
import type { Name } from '../../vfs/name.js';
import { type RootTree, typeOf } from './root-tree.js';

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

const LINKS = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['core', '/proc/kcore'],
  ['ptmx', 'pts/ptmx'],
] as const;

const SIZE_BYTES = 64 << 20;
const SIZE_OPTION = `size=${SIZE_BYTES / 1024}k`;

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
 * @throws FsError
 */
export function makeDev(tree: RootTree, devices: readonly Device[], taken: ReadonlySet<Name>): void {
  const options = { source: 'tmpfs', sizeBytes: SIZE_BYTES, mode: 0o755 };
  const fd = check(privateTmpfs(options, MOUNT_ATTR_NOSUID), 'mount', '/dev');
  tree.attach(fd, '/dev');
  close(fd);
  for (const { name, fd: deviceFd } of devices) {
    const place = `/dev/${name}`;
    if (taken.has(place)) continue;
    if (makeNode(name, place)) continue;
    writeFileSync(place, '');
    tree.attach(deviceFd, place);
  }
  for (const [link, target] of LINKS) if (!taken.has(`/dev/${link}`)) symlinkSync(target, `/dev/${link}`);
  for (const [place, mountIt] of FILE_SYSTEMS) {
    if (taken.has(place)) continue;
    mkdirSync(place);
    mountIt(place);
  }
}

const FILE_SYSTEMS: readonly (readonly [string, (place: string) => void])[] = [
  ['/dev/pts', mountTerminals],
  ['/dev/mqueue', mountQueues],
  ['/dev/shm', mountShared],
];

const FLAGS = MS_NOSUID | MS_NODEV | MS_NOEXEC;

/** A user namespace may make none. */
function makeNode(name: string, place: Name): boolean {
  const [major, minor] = DEVICES.get(name) ?? [0, 0];
  if (mknodat(AT_FDCWD, place, S_IFCHR | DEVICE_MODE, major, minor) < 0) return false;
  chmodSync(place, DEVICE_MODE);
  return true;
}

/** Shows the harmless devices in a /dev of the user's, in which none works (nodev). @throws FsError */
export function showDevices(tree: RootTree, devices: readonly Device[]): void {
  for (const { name, fd } of devices) {
    const place = `/dev/${name}`;
    const found = tree.openPlain(place);
    if (found < 0) continue;
    const isDevice = typeOf(found) === S_IFCHR;
    close(found);
    if (isDevice) tree.attach(fd, place);
  }
}

/** Group 5 is `tty` everywhere; a user namespace of one id has no such group. */
function mountTerminals(place: string): void {
  const options = 'newinstance,ptmxmode=0666,mode=0620';
  const flags = MS_NOSUID | MS_NOEXEC;
  if (mount('devpts', place, 'devpts', flags, `${options},gid=5`) >= 0) return;
  check(mount('devpts', place, 'devpts', flags, options), 'mount', place);
}

/** A kernel may be built without them: then the directory is gone too. */
function mountQueues(place: string): void {
  if (mount('mqueue', place, 'mqueue', FLAGS, '') < 0) rmdirSync(place);
}

function mountShared(place: string): void {
  check(mount('shm', place, 'tmpfs', FLAGS, `mode=1777,${SIZE_OPTION}`), 'mount', place);
}
