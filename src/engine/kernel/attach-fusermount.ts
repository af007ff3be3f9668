/**
 * fusermount3: mounting and unmounting for users without CAP_SYS_ADMIN.
 *
 * It opens /dev/fuse, mounts, and sends the descriptor over the socket whose number stands in _FUSE_COMMFD, all before
 * it exits. Its complaints go to stderr, a line each, after `fusermount3: `.
 */

import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { EBUSY, EINVAL, EIO, errnoText } from '../../errno/errno.js';
import { hasCode } from '../../errno/error-code.js';
import { check, FsError } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import { O_NONBLOCK, O_RDWR } from '../../linux/constants.js';
import { receiveDescriptor } from '../../linux/io/socket.js';
import { socketpair } from '../../linux/io/socket-message.js';
import { bind, settle } from '../../linux/library.js';
import { displayName, type Name } from '../../vfs/name.js';
import type { AttachMountOptions } from './attach-mount.js';

const F_SETFL = 4;

const sysFcntl = bind<(fd: number, command: number, flags: number) => number>('fcntl', 'int', [
  'int',
  'int',
  'long',
]);

const MISSING_HINT = "install the package 'fuse3' (apt-get install fuse3, dnf install fuse3)";

/**
 * Mounts, and gives the non-blocking descriptor of the session.
 * @throws UserError with fusermount3's own reason.
 */
export async function attachWithFusermount(options: AttachMountOptions): Promise<number> {
  const mountpoint = displayName(options.mountpoint);
  const pair = socketpair();
  if (typeof pair === 'number') throw new FsError(-pair, { op: 'socketpair' });
  const [ours, theirs] = pair;
  try {
    const flags = [
      'subtype=plyfs',
      `fsname=${displayName(options.fsname).replace(/[\\,]/g, '\\$&')}`,
      'default_permissions',
      options.readOnly ? 'ro' : 'rw',
      // fusermount3 does not know it; a user who may not mount cannot have it either.
      ...options.vfsOptions.filter((word) => word !== 'strictatime'),
      ...(options.allowOther ? ['allow_other'] : []),
    ];
    const { status, complaint } = await runFusermount(['-o', flags.join(','), '--', mountpoint], theirs);
    if (status !== 0)
      throw new UserError(`cannot mount on '${mountpoint}': ${complaint}`, hintFor(complaint));
    const fuseFd = receiveDescriptor(ours);
    if (fuseFd < 0) {
      throw new UserError(
        `cannot mount on '${mountpoint}': fusermount3 sent no descriptor: ${errnoText(-fuseFd)}`,
      );
    }
    check(settle(sysFcntl(fuseFd, F_SETFL, O_RDWR | O_NONBLOCK)), 'fcntl', '/dev/fuse');
    return fuseFd;
  } finally {
    closeSync(ours);
    closeSync(theirs);
  }
}

/** @throws FsError EBUSY, EINVAL (not mounted) or EIO; UserError when fusermount3 is missing. */
export async function detachWithFusermount(
  mountpoint: Name,
  { lazy }: { readonly lazy: boolean },
): Promise<void> {
  const path = displayName(mountpoint);
  const { status, complaint } = await runFusermount(['-u', ...(lazy ? ['-z'] : []), '--', path], undefined);
  if (status === 0) return;
  const cause = new Error(complaint);
  if (/busy/i.test(complaint)) throw new FsError(EBUSY, { op: 'umount', path, cause });
  if (/not found|not mounted|Invalid argument/i.test(complaint)) {
    throw new FsError(EINVAL, { op: 'umount', path, cause });
  }
  throw new FsError(EIO, { op: 'umount', path, cause });
}

function hintFor(complaint: string): { hint?: string } {
  if (/user_allow_other/.test(complaint))
    return { hint: "add the line 'user_allow_other' to /etc/fuse.conf" };
  if (/no write access|not owner/i.test(complaint)) return { hint: 'the mount point must be yours' };
  if (/device not found|modprobe|\/dev\/fuse/.test(complaint)) {
    return { hint: "'plyfs doctor' says what this host lacks" };
  }
  return {};
}

interface Outcome {
  readonly status: number;
  /** The last line of stderr, without the program's name. */
  readonly complaint: string;
}

async function runFusermount(args: readonly string[], commFd: number | undefined): Promise<Outcome> {
  // Hosts with fuse 2 alone have no fusermount3; both take the same arguments.
  for (const program of ['fusermount3', 'fusermount']) {
    const outcome = await runProgram(program, args, commFd);
    if (outcome !== undefined) return outcome;
  }
  throw new UserError('cannot mount or unmount without privilege: fusermount3 is missing', {
    hint: MISSING_HINT,
  });
}

/** @returns undefined when there is no such program. */
function runProgram(
  program: string,
  args: readonly string[],
  commFd: number | undefined,
): Promise<Outcome | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'pipe', commFd ?? 'ignore'],
      env: { ...process.env, LC_ALL: 'C', ...(commFd === undefined ? {} : { _FUSE_COMMFD: '3' }) },
    });
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', (error) => {
      if (hasCode(error, 'ENOENT')) resolve(undefined);
      else reject(error);
    });
    child.on('close', (code, signal) => {
      const last = stderr.trimEnd().split('\n').at(-1) ?? '';
      const complaint =
        last.replace(/^fusermount3?: /, '') || `${program} ended with ${signal ?? `status ${code}`}`;
      resolve({ status: code ?? -1, complaint });
    });
  });
}
