/**
 * The process that becomes a command in a draft: in a mount namespace of its own it puts the tree together (the draft's mounts,
 * the host's /dev, /proc, /run, /sys), makes it the root and ends in execve(2). Without privileges it is started below util-linux's
 * `unshare`, in a user namespace. Until it has its request it shares the mounts of who started it, where the draft appears meanwhile;
 * its other threads stay there until execve(2) ends them.
 *
 * INVARIANT: whatever comes from the host is cloned before the root changes; afterwards only paths of the new root are used.
 */

import { readdirSync } from 'node:fs';
import { CommandError, findProgram } from '../../container/enter/execute.js';
import { restrict } from '../../container/enter/namespace/restrict.js';
import { hearStarter, tellStarter } from '../../container/enter/starter-channel.js';
import { EACCES, ENOENT, ENOTCONN, errnoText } from '../../errno/errno.js';
import { check, isErrno } from '../../errno/fs-error.js';
import { messageOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import {
  AT_FDCWD,
  AT_RECURSIVE,
  MNT_DETACH,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_REC,
  MS_SLAVE,
  O_DIRECTORY,
  O_PATH,
  OPEN_TREE_CLONE,
} from '../../linux/constants.js';
import { makeDirectories } from '../../linux/files/make-directories.js';
import { keepOnExec, openat } from '../../linux/files/open.js';
import { mount, moveMount, openTree, privateTmpfs, umount2 } from '../../linux/mounts/mount.js';
import {
  closeOnExec,
  dropAmbientCapabilities,
  execve,
  fchdir,
  pivotRoot,
  resetSignals,
} from '../../linux/process/namespace.js';
import { unshareMounts } from '../../linux/process/process.js';
import { displayName, type Name, nameFromText } from '../../vfs/name.js';
import { coverCache } from './cover-cache.js';
import type { DraftEnterReport, DraftEnterRequest, EnterMount } from './draft-enter-request.js';

function report(record: DraftEnterReport): void {
  tellStarter(record);
}

function main(): void {
  resetSignals();
  const request = JSON.parse(hearStarter()) as DraftEnterRequest;
  check(unshareMounts(), 'unshare');
  check(mount('', '/', '', MS_REC | MS_SLAVE, ''), 'make slave', '/');
  for (const fd of readdirSync('/proc/self/fd')) if (Number(fd) > 2) closeOnExec(Number(fd));
  makeTree(request);
  for (const path of request.caches) coverCache(path, request.isUserNamespace ? 'user' : 'trusted');
  enterDirectory(request.workingDirectory);
  if (request.isUserNamespace) check(dropAmbientCapabilities(), 'prctl', 'ambient capabilities');
  const [command = ''] = request.args;
  const environment = new Map(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const program = findProgram(command, environment);
  report({ at: 'ready' });
  hearStarter();
  for (const fd of [0, 1, 2]) keepOnExec(fd);
  const variables = [...environment].map(([name, value]) => nameFromText(`${name}=${value}`));
  const result = execve(nameFromText(program), request.args.map(nameFromText), variables);
  const reason = result === -ENOENT ? 'its interpreter does not exist' : errnoText(-result);
  throw new CommandError(result === -ENOENT ? 127 : 126, `exec: "${command}": ${reason}`);
}

function makeTree({ mounts, emptied, assembly }: DraftEnterRequest): void {
  const whole = mounts.find(({ path }) => path === '/');
  const rootFd =
    whole === undefined ? cloneOf({ path: '/', source: '/', access: 'read-only' }) : cloneOf(whole);
  const clones = mounts
    .filter(({ path }) => path !== '/')
    .map((one) => ({ path: one.path, fd: one.access === 'read-only' ? tryToClone(one) : cloneOf(one) }))
    .filter(({ fd }) => fd >= 0);
  const empty = emptied.map(({ path, mode }) => ({
    path,
    fd: check(privateTmpfs({ mode }, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV), 'mount', displayName(path)),
  }));
  check(moveMount(rootFd, '', AT_FDCWD, assembly, MOVE_MOUNT_F_EMPTY_PATH), 'attach', displayName(assembly));
  enterDirectory(assembly);
  check(pivotRoot('.', '.'), 'pivot_root', displayName(assembly));
  check(umount2('.', MNT_DETACH), 'umount', 'the old root');
  process.chdir('/');
  const all = [...clones, ...empty].sort((a, b) => a.path.split('/').length - b.path.split('/').length);
  const made = new Set(emptied.map(({ path }) => path));
  for (const { path, fd } of all)
    attach(fd, path, { isInEmpty: [...made].some((top) => path.startsWith(`${top}/`)) });
}

/** @returns -1 for a mount that is gone by now, or that this user does not get into: he could not write there either. */
function tryToClone(one: EnterMount): number {
  try {
    return cloneOf(one);
  } catch (error) {
    if ([EACCES, ENOENT, ENOTCONN].some((errno) => isErrno(error, errno))) return -1;
    throw error;
  }
}

function cloneOf({ source, access, path }: EnterMount): number {
  const recursive = access === 'area' ? 0 : AT_RECURSIVE;
  const fd = check(openTree(AT_FDCWD, source, OPEN_TREE_CLONE | recursive), 'clone', displayName(source));
  if (access === 'read-only') restrict(fd, MOUNT_ATTR_RDONLY, displayName(path));
  return fd;
}

/** @param isInEmpty the place lies in a tmpfs of ours: its mount point is made. */
function attach(fd: number, path: Name, { isInEmpty }: { readonly isInEmpty: boolean }): void {
  if (isInEmpty) makeDirectories(Buffer.from(path, 'latin1'));
  const result = moveMount(fd, '', AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
  // The draft has taken the name away, or put a file there.
  if (result === -ENOENT) return;
  check(result, 'attach', displayName(path));
}

function enterDirectory(path: Name): void {
  const fd = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY);
  const result = fd < 0 ? fd : fchdir(fd);
  if (result < 0) throw new UserError(`cannot enter '${displayName(path)}': ${errnoText(-result)}`);
}

try {
  main();
} catch (error) {
  const code = error instanceof CommandError ? error.status : 125;
  const hint = error instanceof UserError && error.hint !== undefined ? `; ${error.hint}` : '';
  report({ at: 'failed', code, message: `${messageOf(error)}${hint}` });
  process.exit(code);
}
