/**
 * A socket pair, and a descriptor received over one: how fusermount3 hands over /dev/fuse (its _FUSE_COMMFD).
 *
 * The structures of recvmsg(2) are memory of this module that V8 does not move. INVARIANT: each of them is named in the
 * function that uses them: V8 frees a constant of a module that no function names once the module has run.
 */

import { ENOTCONN, EPROTO } from '../errno/errno.js';
import { addressOf, bind, settle } from './library.js';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x40000000;

const sysSocketpair = bind<(domain: number, type: number, protocol: number, out: Uint8Array) => number>(
  'socketpair',
  'int',
  ['int', 'int', 'int', 'void *'],
);
const sysRecvmsg = bind<(fd: number, header: Uint8Array, flags: number) => number>('recvmsg', 'long', [
  'int',
  'void *',
  'int',
]);

const sysGetsockopt = bind<
  (fd: number, level: number, option: number, value: Uint8Array, length: Uint8Array) => number
>('getsockopt', 'int', ['int', 'int', 'int', 'void *', 'void *']);

const pair = new Uint8Array(8);
const pairInts = new Int32Array(pair.buffer);

/** Two connected stream sockets, close-on-exec (a child gets one through spawn's `stdio`), or a negated errno. */
export function socketpair(): [number, number] | number {
  const result = settle(sysSocketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
  return result < 0 ? result : [pairInts[0]!, pairInts[1]!];
}

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

/** struct cmsghdr (u64 length, int level, int type) and one int: CMSG_LEN(4), so that no second one fits. */
const CONTROL_BYTES = 20;
const PAYLOAD_BYTES = 64;
// Above the 64 bytes up to which V8 may keep a typed array's content on its own, moving heap.
const control = Buffer.alloc(128);
const payload = Buffer.alloc(128);
/** struct iovec: base, length. */
const iovec = Buffer.alloc(128);
/** struct msghdr: name 0, namelen 8, iov 16, iovlen 24, control 32, controllen 40, flags 48; 56 bytes. */
const header = Buffer.alloc(128);

/**
 * The one descriptor of the next message, close-on-exec; does not block (-EAGAIN).
 *
 * -ENOTCONN when the other side has closed, -EPROTO when the message carries no descriptor. Further descriptors in
 * the same message are closed by the kernel.
 */
export function receiveDescriptor(fd: number): number {
  iovec.writeBigUInt64LE(addressOf(payload), 0);
  iovec.writeBigUInt64LE(BigInt(PAYLOAD_BYTES), 8);
  header.writeBigUInt64LE(addressOf(iovec), 16);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(addressOf(control), 32);
  header.writeBigUInt64LE(BigInt(CONTROL_BYTES), 40);
  control.fill(0, 0, CONTROL_BYTES);
  const received = settle(sysRecvmsg(fd, header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
  if (received < 0) return received;
  const isRights = control.readInt32LE(8) === SOL_SOCKET && control.readInt32LE(12) === SCM_RIGHTS;
  if (isRights && control.readUInt32LE(0) === CONTROL_BYTES) return control.readInt32LE(16);
  return received === 0 ? -ENOTCONN : -EPROTO;
}
