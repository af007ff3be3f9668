/**
 * The loopback interface of a new network namespace, which begins without it.
 */

import { check } from '../../errno/fs-error.js';
import { close } from '../files/open.js';
import { ioctlBuffer } from '../ioctl.js';
import { bind, settle } from '../library.js';

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 1;
/** struct ifreq: a name of 16 bytes, then a union; of it the flags, a short. */
const FLAGS_OFFSET = 16;
const REQUEST_BYTES = 128;

const sysSocket = bind<(domain: number, type: number, protocol: number) => number>('socket', 'int', [
  'int',
  'int',
  'int',
]);

/** PRECONDITION: CAP_NET_ADMIN in the namespace. @throws FsError */
export function bringLoopbackUp(): void {
  const fd = check(settle(sysSocket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), 'socket');
  try {
    const request = Buffer.alloc(REQUEST_BYTES);
    request.write('lo', 'latin1');
    check(ioctlBuffer(fd, SIOCGIFFLAGS, request), 'ioctl', 'lo');
    request.writeInt16LE(request.readInt16LE(FLAGS_OFFSET) | IFF_UP, FLAGS_OFFSET);
    check(ioctlBuffer(fd, SIOCSIFFLAGS, request), 'ioctl', 'lo');
  } finally {
    close(fd);
  }
}
