/**
 * The Unix socket of a server, and the right to serve a store by it: one server of a kind for a store at a time.
 *
 * The right is a flock(2), which goes with the process however that ends; so what lies at the socket's path then is left by a
 * dead one, unless another program listens there.
 */

import { lstatSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { codeOf } from '../../errno/error-code.js';
import { reasonOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import { makeDirectories } from '../../linux/files/make-directories.js';
import { type FileLock, tryLockFile } from '../../store/lock.js';
import type { Store } from '../../store/store.js';

/** `sun_path` of unix(7) holds 108 bytes, the last of them NUL. */
const MAX_PATH_BYTES = 107;

interface ClaimOptions {
  /** Absolute. */
  readonly path: string;
  /** What is served, as in the command: `docker-volumes`. */
  readonly what: string;
}

/**
 * Makes way for a socket at `path`, in a directory that is made where it is missing. Hold the lock while it is served.
 * @throws UserError when the store or the path is another server's, or something else lies there.
 */
export async function claimSocket(store: Store, { path, what }: ClaimOptions): Promise<FileLock> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new UserError(`cannot listen at '${path}': it is longer than ${MAX_PATH_BYTES} bytes`, {
      hint: 'choose a shorter path with --socket',
    });
  }
  const lock = tryLockFile(store.path(`serve-${what}.lock`));
  if (lock === undefined) {
    throw new UserError(`the store '${store.root}' is served by another 'plyfs serve ${what}'`, {
      hint: 'end that one, or choose another store with --root',
    });
  }
  try {
    makeDirectories(dirname(path), 0o755);
    await makeWay(path);
    return lock;
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

export function cannotListen(path: string, cause: Error): UserError {
  return new UserError(`cannot listen at '${path}': ${reasonOf(cause)}`, {
    hint: 'choose another path with --socket',
    cause,
  });
}

/** Removes a socket that nobody answers. @throws UserError when another program listens there, or something else lies there. */
export async function makeWay(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) throw new UserError(`cannot listen at '${path}': it exists and is no socket`);
  if (await isServed(path)) throw new UserError(`cannot listen at '${path}': another program does`);
  rmSync(path, { force: true });
}

function isServed(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', (error) => {
      const code = codeOf(error);
      if (code === 'ECONNREFUSED' || code === 'ENOENT') resolve(false);
      else reject(cannotListen(path, error));
    });
  });
}
