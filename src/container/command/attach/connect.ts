/** A connection to a supervisor: to give it an order, or to one command of it, from who may write to the container's home. */

import { closeSync, constants, openSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { hasCode } from '../../../errno/error-code.js';
import { isMissing } from '../../../store/atomic-file.js';
import { containerHome } from '../../../store/container-home.js';
import type { Store } from '../../../store/store.js';
import { ORDER_SOCKET } from '../supervise-request.js';
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
  const socket = await connectIn(store.path(containerHome(id)), SOCKET_NAME);
  socket?.write(encodeJson(FRAME.attach, request));
  return socket;
}

/** How long a supervisor that is there may be silent; then there is another for this order. */
const WELCOME_MS = 5_000;

/** A channel for an order to the supervisor of many commands; undefined when there is none, or it is about to end. */
export async function connectForOrder(directory: string): Promise<Socket | undefined> {
  const socket = await connectIn(directory, ORDER_SOCKET);
  if (socket === undefined || (await isWelcome(socket))) return socket;
  socket.destroy();
  return undefined;
}

function isWelcome(socket: Socket): Promise<boolean> {
  return new Promise<boolean>((resolve) => {
    const reader = new FrameReader();
    const lose = () => resolve(false);
    socket.once('data', (chunk: Buffer) => resolve(reader.push(chunk)[0]?.kind === FRAME.welcome));
    socket.once('close', lose).on('error', lose);
    // Not what keeps this process from ending.
    setTimeout(lose, WELCOME_MS).unref();
  });
}

async function connectIn(directory: string, name: string): Promise<Socket | undefined> {
  let directoryFd: number;
  try {
    directoryFd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    // A socket's path has 107 bytes at most, which those of a store may exceed.
    const socket = connect(`/proc/self/fd/${directoryFd}/${name}`);
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return socket;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ECONNREFUSED', 'ENOTDIR')) return undefined;
    throw error;
  } finally {
    closeSync(directoryFd);
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
