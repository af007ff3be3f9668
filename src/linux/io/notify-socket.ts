/** Datagrams to a service manager: sd_notify(3), whose socket `NOTIFY_SOCKET` names; one that begins with `@` is abstract (unix(7)). */

import { closeSync } from 'node:fs';
import { bind, settle } from '../library.js';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
/** struct sockaddr_un: a family of two bytes, and the path. */
const PATH_OFFSET = 2;
const PATH_BYTES = 108;

const sysSocket = bind<(domain: number, type: number, protocol: number) => number>('socket', 'int', [
  'int',
  'int',
  'int',
]);
const sysSendto = bind<
  (fd: number, text: Uint8Array, length: number, flags: number, to: Uint8Array, toLength: number) => number
>('sendto', 'long', ['int', 'void *', 'ulong', 'int', 'void *', 'uint']);

/** @returns 0 or a negated errno; nothing is sent to an address that is neither absolute nor abstract (-22, EINVAL). */
export function sendNotification(socketPath: string, text: string): number {
  const path = Buffer.from(socketPath);
  if (path.length >= PATH_BYTES || !/^[/@]./.test(socketPath)) return -22;
  const isAbstract = socketPath.startsWith('@');
  const address = Buffer.alloc(PATH_OFFSET + PATH_BYTES);
  address.writeUInt16LE(AF_UNIX, 0);
  path.copy(address, PATH_OFFSET);
  if (isAbstract) address[PATH_OFFSET] = 0;
  const fd = settle(sysSocket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (fd < 0) return fd;
  const message = Buffer.from(text);
  // A name in the file system ends with a NUL, an abstract one where the address does.
  const length = PATH_OFFSET + path.length + (isAbstract ? 0 : 1);
  const sent = settle(sysSendto(fd, message, message.length, MSG_NOSIGNAL, address, length));
  closeSync(fd);
  return sent < 0 ? sent : 0;
}
