/**
 * Pure readers of what the kernel and files say: /proc/self/status, limits and uid_map (proc(5)), fuse.conf, kernel
 * configuration, and the FUSE_INIT request (include/uapi/linux/fuse.h v6.18).
 */

import type { FuseInit, OpenFilesLimit } from './facts.js';

const CAP_SYS_ADMIN = 21n;
const FUSE_INIT = 26;
const IN_HEADER_BYTES = 40;
/** Up to and with flags2, which kernels before 5.17 do not send. */
const INIT_WITH_FLAGS2_BYTES = IN_HEADER_BYTES + 20;
const FUSE_INIT_EXT = 1 << 30;
/** Bits of flags2, which are those of fuse.h less 32. */
const PASSTHROUGH = 1 << 5;
const RESEND = 1 << 7;
const OVER_IO_URING = 1 << 9;

/** One field of /proc/PID/status. */
export function statusField(status: string, name: string): string | undefined {
  return new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1];
}

/** Whether CAP_SYS_ADMIN is in the effective set. */
export function hasSysAdmin(status: string): boolean {
  const effective = statusField(status, 'CapEff');
  return effective !== undefined && ((BigInt(`0x${effective}`) >> CAP_SYS_ADMIN) & 1n) === 1n;
}

/** Whether /proc/self/uid_map maps all ids to themselves, as only the initial namespace (or its equal) does. */
export function mapsEveryUser(uidMap: string): boolean {
  return /^\s*0\s+0\s+4294967295\s*$/.test(uidMap);
}

/** The `Max open files` line of /proc/PID/limits. */
export function parseOpenFilesLimit(limits: string): OpenFilesLimit | undefined {
  const match = /^Max open files\s+(\S+)\s+(\S+)/m.exec(limits);
  return match ? { soft: readLimit(match[1]!), hard: readLimit(match[2]!) } : undefined;
}

/** Whether fuse.conf allows allow_other to users; the word stands alone on its line. */
export function allowsOther(fuseConf: string): boolean {
  return /^\s*user_allow_other\s*$/m.test(fuseConf);
}

/** The options set in a kernel configuration: CONFIG_X to y, m or a value. */
export function parseKernelConfig(text: string): Map<string, string> {
  return new Map([...text.matchAll(/^(CONFIG_\w+)=(.*)$/gm)].map((match) => [match[1]!, match[2]!]));
}

/** Major and minor of a kernel release; undefined when it does not start with them. */
export function parseKernelRelease(release: string): readonly [major: number, minor: number] | undefined {
  const match = /^(\d+)\.(\d+)/.exec(release);
  return match ? [Number(match[1]), Number(match[2])] : undefined;
}

/** What a FUSE_INIT request offers; undefined when the bytes are none. */
export function decodeFuseInit(request: Buffer): FuseInit | undefined {
  if (request.length < IN_HEADER_BYTES + 16 || request.readUInt32LE(4) !== FUSE_INIT) return undefined;
  const extended = (request.readUInt32LE(IN_HEADER_BYTES + 12) & FUSE_INIT_EXT) !== 0;
  const flags2 =
    extended && request.length >= INIT_WITH_FLAGS2_BYTES ? request.readUInt32LE(IN_HEADER_BYTES + 16) : 0;
  return {
    major: request.readUInt32LE(IN_HEADER_BYTES),
    minor: request.readUInt32LE(IN_HEADER_BYTES + 4),
    passthrough: (flags2 & PASSTHROUGH) !== 0,
    ioUring: (flags2 & OVER_IO_URING) !== 0,
    resend: (flags2 & RESEND) !== 0,
  };
}

function readLimit(text: string): number {
  return text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text);
}
