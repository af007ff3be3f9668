/** What is asked of a connected Unix socket: the descriptor by which fusermount3 hands over /dev/fuse (its _FUSE_COMMFD), and who the other side is. */

import { ENOTCONN, EPROTO } from '../../errno/errno.js';
import { bind, settle } from '../library.js';
import { receiveMessage, SOL_SOCKET } from './socket-message.js';

const sysGetsockopt = bind<
  (fd: number, level: number, option: number, value: Uint8Array, length: Uint8Array) => number
>('getsockopt', 'int', ['int', 'int', 'int', 'void *', 'void *']);

const SO_PEERCRED = 17;
/** struct ucred: int pid, uid, gid. */
const credentials = new Uint8Array(12);
const credentialWords = new Uint32Array(credentials.buffer);
const credentialLength = new Uint8Array(new Uint32Array([12]).buffer);

/** The effective uid of who connected to a Unix socket, as it was then, or a negated errno. */
export function peerUid(fd: number): number {
  const result = settle(sysGetsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, credentialLength));
  return result < 0 ? result : credentialWords[1]!;
}

/**
 * The one descriptor of the next message, close-on-exec; does not block (-EAGAIN).
 *
 * -ENOTCONN when the other side has closed, -EPROTO when the message carries no descriptor. Further descriptors in
 * the same message are closed by the kernel.
 */
export function receiveDescriptor(fd: number): number {
  const message = receiveMessage(fd);
  if (typeof message === 'number') return message;
  if (message.fd >= 0) return message.fd;
  return message.text === '' ? -ENOTCONN : -EPROTO;
}
