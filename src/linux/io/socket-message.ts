/**
 * A pair of Unix sockets, and messages over one that carry at most one descriptor (SCM_RIGHTS, unix(7)).
 *
 * The structures of sendmsg(2) and recvmsg(2) are memory of this module that V8 does not move. INVARIANT: each of them is named in a
 * function that uses it: V8 frees a constant of a module that no function names once the module has run.
 */

import { addressOf, bind, settle } from '../library.js';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
export const SOCK_SEQPACKET = 5;
export const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;

const sysSocketpair = bind<(domain: number, type: number, protocol: number, out: Uint8Array) => number>(
  'socketpair',
  'int',
  ['int', 'int', 'int', 'void *'],
);
const sysSendmsg = bind<(fd: number, header: Uint8Array, flags: number) => number>('sendmsg', 'long', [
  'int',
  'void *',
  'int',
]);
const sysRecvmsg = bind<(fd: number, header: Uint8Array, flags: number) => number>('recvmsg', 'long', [
  'int',
  'void *',
  'int',
]);

/** Longer ones are cut off. */
const TEXT_BYTES = 256;
/** struct cmsghdr (u64 length, int level, int type) and one int: CMSG_LEN(4), so that no second one fits. */
const CONTROL_BYTES = 20;
// Above the 64 bytes up to which V8 may keep a typed array's content on its own, moving heap.
const pair = Buffer.alloc(128);
const text = Buffer.alloc(TEXT_BYTES);
const control = Buffer.alloc(128);
/** struct iovec: base, length. */
const iovec = Buffer.alloc(128);
/** struct msghdr: name 0, namelen 8, iov 16, iovlen 24, control 32, controllen 40, flags 48; 56 bytes. */
const header = Buffer.alloc(128);

/** What a message holds. */
interface SocketMessage {
  /** A byte a character. Empty, and without a descriptor: the other side of a stream has closed. */
  readonly text: string;
  /** Close-on-exec; -1 without one. */
  readonly fd: number;
}

/** Two connected sockets, close-on-exec (a child gets one through spawn's `stdio`), or a negated errno. */
export function socketpair(type = SOCK_STREAM): [number, number] | number {
  const result = settle(sysSocketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair));
  return result < 0 ? result : [pair.readInt32LE(0), pair.readInt32LE(4)];
}

/** Sends a copy of the descriptor, none for -1; does not block. @returns 0 or a negated errno. */
export function sendMessage(socket: number, { text: content, fd }: SocketMessage): number {
  prepare(text.write(content, 'latin1'), fd < 0 ? 0 : CONTROL_BYTES);
  control.writeBigUInt64LE(BigInt(CONTROL_BYTES), 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  control.writeInt32LE(fd, 16);
  return Math.min(0, settle(sysSendmsg(socket, header, MSG_DONTWAIT | MSG_NOSIGNAL)));
}

/** The next message; does not block (-EAGAIN). Further descriptors in it are closed by the kernel. @returns it, or a negated errno. */
export function receiveMessage(socket: number, flags = 0): SocketMessage | number {
  prepare(TEXT_BYTES, CONTROL_BYTES);
  control.fill(0, 0, CONTROL_BYTES);
  const length = settle(sysRecvmsg(socket, header, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
  if (length < 0) return length;
  const isRights =
    control.readUInt32LE(0) === CONTROL_BYTES &&
    control.readInt32LE(8) === SOL_SOCKET &&
    control.readInt32LE(12) === SCM_RIGHTS;
  return { text: text.toString('latin1', 0, length), fd: isRights ? control.readInt32LE(16) : -1 };
}

function prepare(textBytes: number, controlBytes: number): void {
  iovec.writeBigUInt64LE(addressOf(text), 0);
  iovec.writeBigUInt64LE(BigInt(textBytes), 8);
  header.fill(0);
  header.writeBigUInt64LE(addressOf(iovec), 16);
  header.writeBigUInt64LE(1n, 24);
  if (controlBytes === 0) return;
  header.writeBigUInt64LE(addressOf(control), 32);
  header.writeBigUInt64LE(BigInt(controlBytes), 40);
}
