/**
 * IOCTL: the four requests of lsattr(1) and chattr(1), which the kernel sends on a handle that it opens for them
 * (fs/fuse/ioctl.c:fuse_fileattr_get() v6.18). It has checked who may set what. All others are answered ENOTTY.
 */

import { EINVAL, ENOTTY } from '../../errno/errno.js';
import { encodeIoctl } from '../../fuse/messages/encode-misc.js';
import { flagsRequestBytes, setsFlags } from '../../linux/files/inode-flags.js';
import type { Exchange } from './operation.js';

const NOTHING = new Uint8Array(0);

export function callIoctl({ fs, request, header, records }: Exchange): number {
  const { ioctl: wanted, flags } = records;
  const sizeBytes = flagsRequestBytes(wanted.cmd);
  if (sizeBytes === undefined) return -ENOTTY;
  flags.command = wanted.cmd;
  if (setsFlags(wanted.cmd)) {
    if (wanted.dataLength < sizeBytes) return -EINVAL;
    // A copy: what is set is changed on the way, and the request may be decoded again.
    flags.data.set(request.bytes.subarray(wanted.dataStart, wanted.dataStart + sizeBytes));
  } else {
    if (wanted.outSize < sizeBytes) return -EINVAL;
    flags.data.fill(0);
  }
  fs.inodeFlags(header.nodeId, flags);
  return 0;
}

export function encodeFlags({ reply, records }: Exchange): void {
  const { cmd } = records.ioctl;
  const found = setsFlags(cmd) ? NOTHING : records.flags.data.subarray(0, flagsRequestBytes(cmd));
  encodeIoctl(reply, 0, found);
}
