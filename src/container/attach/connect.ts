/** A connection to the supervisor of a container's command, from any process that may write to the container's home. */

import { closeSync, constants, openSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { isMissing } from '../../store/atomic-file.js';
import type { Store } from '../../store/store.js';
import { SOCKET_NAME } from './attach-server.js';
import {
  type AttachRequest,
  decodeJson,
  type EndedNotice,
  encodeJson,
  FRAME,
  FrameReader,
} from './frames.js';

const NOTHING: AttachRequest = { stdin: false, stdout: false, stderr: false };

/** Undefined when nobody waits for a command of it. */
export async function connectSupervisor(
  store: Store,
  { id }: { readonly id: string },
  request: AttachRequest = NOTHING,
): Promise<Socket | undefined> {
  let homeFd: number;
  try {
    homeFd = openSync(store.path('containers', id), constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    // A socket's path has 107 bytes at most, which those of a store may exceed.
    const socket = connect(`/proc/self/fd/${homeFd}/${SOCKET_NAME}`);
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    socket.write(encodeJson(FRAME.attach, request));
    return socket;
  } catch (error) {
    if (['ENOENT', 'ECONNREFUSED', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined;
    throw error;
  } finally {
    closeSync(homeFd);
  }
}

/** The exit status; undefined when the supervisor went away without one. */
export function untilEnded(socket: Socket): Promise<number | undefined> {
  return new Promise((resolve) => {
    const reader = new FrameReader();
    socket.on('error', () => resolve(undefined)).on('close', () => resolve(undefined));
    socket.on('data', (chunk: Buffer) => {
      for (const frame of reader.push(chunk)) {
        if (frame.kind !== FRAME.ended) continue;
        resolve(decodeJson<EndedNotice>(frame).status);
        socket.destroy();
      }
    });
  });
}
