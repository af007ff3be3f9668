/**
 * Makes a mounted container the root directory, with /proc, /dev and /sys of its own, and lets go of the host's tree.
 *
 * Devices are cloned from the host before the root changes and attached after it, so every target is resolved inside
 * the container: a symlink planted there leads nowhere else. What the image lacks a mount point for is left out; plyfs
 * offers them as virtual directories (run-mounts.ts).
 */

import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { check } from '../../errno/fs-error.js';
import {
  AT_FDCWD,
  AT_RECURSIVE,
  MNT_DETACH,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_SYMLINKS,
  MS_BIND,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  MS_REC,
  MS_REMOUNT,
  OPEN_TREE_CLONE,
} from '../../linux/constants.js';
import { mount, moveMount, openTree, umount2 } from '../../linux/mount.js';
import { pivotRoot } from '../../linux/namespace.js';
import { close } from '../../linux/open.js';
import { nameFromText } from '../../vfs/name.js';
import type { EnterOrder } from './order.js';

const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];

/** The target may be a symlink, which leads within the container. */
const FOLLOWING = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS;

/** As Docker hides them: what tells of the host or changes it. */
const READ_ONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];
const MASKED = ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/proc/sched_debug', '/proc/latency_stats'];

export function makeRoot({ root = '/', files, privileged, rootless }: EnterOrder): void {
  const name = nameFromText(root);
  const devices = DEVICES.map((device) => ({
    device,
    fd: openTree(AT_FDCWD, `/dev/${device}`, OPEN_TREE_CLONE),
  }));
  const clones = files.map(({ source, target }) => ({
    target,
    fd: check(openTree(AT_FDCWD, nameFromText(source), OPEN_TREE_CLONE), 'open', source),
  }));
  // Without privilege only a view of the host's network may be shown, so it is that of the host.
  const sysFd = rootless ? openTree(AT_FDCWD, '/sys', OPEN_TREE_CLONE | AT_RECURSIVE) : -1;
  check(mount(name, name, '', MS_BIND | MS_REC, ''), 'bind', root);
  process.chdir(root);
  check(pivotRoot('.', '.'), 'pivot_root', root);
  // Within a user namespace the kernel shows a new /proc only to who still sees a whole one.
  makeProc();
  check(umount2('.', MNT_DETACH), 'umount', 'the old root');
  process.chdir('/');
  makeDev(devices);
  makeSys(sysFd, privileged);
  for (const { target, fd } of clones) {
    if (exists(target)) check(moveMount(fd, '', AT_FDCWD, target, FOLLOWING), 'attach', target);
    close(fd);
  }
  if (!privileged) hideHost();
}

function makeProc(): void {
  if (isDirectory('/proc')) {
    check(mount('proc', '/proc', 'proc', MS_NOSUID | MS_NODEV | MS_NOEXEC, ''), 'mount', '/proc');
  }
}

function makeDev(devices: readonly { readonly device: string; readonly fd: number }[]): void {
  const hasDev = isDirectory('/dev');
  if (hasDev) check(mount('tmpfs', '/dev', 'tmpfs', MS_NOSUID, 'mode=755,size=65536k'), 'mount', '/dev');
  for (const { device, fd } of devices) {
    if (fd < 0) continue;
    const path = `/dev/${device}`;
    if (hasDev) {
      writeFileSync(path, '');
      check(moveMount(fd, '', AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH), 'attach', path);
    }
    close(fd);
  }
  if (!hasDev) return;
  for (const [link, target] of [
    ['fd', '/proc/self/fd'],
    ['stdin', '/proc/self/fd/0'],
    ['stdout', '/proc/self/fd/1'],
    ['stderr', '/proc/self/fd/2'],
    ['ptmx', 'pts/ptmx'],
  ] as const) {
    symlinkSync(target, `/dev/${link}`);
  }
  mkdirSync('/dev/pts');
  mkdirSync('/dev/shm');
  mountTerminals();
  const shm = 'mode=1777,size=65536k';
  check(mount('shm', '/dev/shm', 'tmpfs', MS_NOSUID | MS_NODEV | MS_NOEXEC, shm), 'mount', '/dev/shm');
}

/** Group 5 is `tty` everywhere; a user namespace of one id has no such group. */
function mountTerminals(): void {
  const options = 'newinstance,ptmxmode=0666,mode=0620';
  const flags = MS_NOSUID | MS_NOEXEC;
  if (mount('devpts', '/dev/pts', 'devpts', flags, `${options},gid=5`) >= 0) return;
  check(mount('devpts', '/dev/pts', 'devpts', flags, options), 'mount', '/dev/pts');
}

function makeSys(clone: number, privileged: boolean): void {
  if (isDirectory('/sys')) {
    const flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | (privileged ? 0 : MS_RDONLY);
    if (clone < 0) check(mount('sysfs', '/sys', 'sysfs', flags, ''), 'mount', '/sys');
    else {
      check(moveMount(clone, '', AT_FDCWD, '/sys', FOLLOWING), 'attach', '/sys');
    }
  }
  if (clone >= 0) close(clone);
}

function hideHost(): void {
  for (const path of READ_ONLY) {
    if (!exists(path)) continue;
    check(mount(path, path, '', MS_BIND | MS_REC, ''), 'bind', path);
    const flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    check(mount('', path, '', flags, ''), 'remount', path);
  }
  if (!exists('/dev/null')) return;
  for (const path of MASKED) {
    if (exists(path)) check(mount('/dev/null', path, '', MS_BIND, ''), 'mask', path);
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
