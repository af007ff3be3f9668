/**
 * plyfs as mount(8) and umount(8) call it: `mount.fuse.plyfs SOURCE MOUNTPOINT -o OPTIONS`, and the same without the
 * first word from mount.fuse3, which takes the source for the command, and from containerd; people leave the source out
 * (`plyfs -o OPTIONS MOUNTPOINT`). See man 8 mount, "EXTERNAL HELPERS".
 *
 * Scripts that `plyfs system install-helpers` writes say which of the two is meant by the first argument.
 */

import { UserError } from '../../errno/user-error.js';
import { fail } from '../print/output.js';

export const MOUNT_HELPER = 'mount-helper';
export const UMOUNT_HELPER = 'umount-helper';

/** What mount(8) and mount.fuse3 say of a mount that stands, and what the kernel is told anyway. */
const OF_THE_KERNEL = /^(?:remount|user_id=\d+|group_id=\d+|rootmode=\d+|fd=\d+|max_read=\d+|blksize=\d+)$/;

interface MountCall {
  readonly source: string;
  readonly mountpoint: string;
  readonly options: readonly string[];
  /** `mount -f`: all but the mount itself. */
  readonly isFake: boolean;
}

/** The arguments of a call by mount(8), or of one in its form without a command; undefined for any other. */
export function mountCall(
  argv: readonly string[],
  isCommand: (word: string) => boolean,
): MountCall | undefined {
  const isNamed = argv[0] === MOUNT_HELPER;
  const words: string[] = [];
  const options: string[] = [];
  let isFake = false;
  let hasOther = false;
  const given = isNamed ? argv.slice(1) : argv;
  for (let at = 0; at < given.length; at++) {
    const word = given[at] ?? '';
    if (word === '-o') options.push(...(given[++at] ?? '').split(/(?<!\\),/));
    else if (isNamed && (word === '-t' || word === '-N')) at++;
    else if (word.startsWith('-')) {
      isFake ||= /^-[snv]*f/.test(word);
      hasOther = true;
    } else words.push(word);
  }
  const [first = '', second] = words;
  // Without -o it would be a command that nobody knows.
  const isForm =
    options.length > 0 && !hasOther && words.length >= 1 && words.length <= 2 && !isCommand(first);
  if (!isNamed && !isForm) return undefined;
  const [source, mountpoint] = second === undefined && !isNamed ? ['', first] : [first, second ?? ''];
  return { source, mountpoint, options: options.filter((option) => option !== ''), isFake };
}

/** The arguments of `plyfs` that mount as asked; undefined when the call changed a mount that stands. */
export async function asCommand(call: MountCall): Promise<readonly string[] | undefined> {
  const { source, mountpoint, options, isFake } = call;
  if (isFake) return undefined;
  const own = options.filter((option) => !OF_THE_KERNEL.test(option));
  if (options.includes('remount')) {
    await remount(mountpoint, own);
    return undefined;
  }
  const isNamed = own.some((option) => option.startsWith('fsname='));
  // Also of `none`: `mount -a` knows by source and mount point what stands.
  const named = isNamed || source === '' ? [] : [`fsname=${source.replaceAll(',', '\\,')}`];
  return ['mount', '-o', [...own, ...named].join(','), mountpoint];
}

async function remount(mountpoint: string, options: readonly string[]): Promise<void> {
  const { remountFlags } = await import('../../engine/kernel/attach-mount.js');
  const { parseOverlayOptions } = await import('../../mounts/request/overlay-options.js');
  const { errnoText } = await import('../../errno/errno.js');
  const { changeMount } = await import('../../linux/mounts/held-mount-point.js');
  const { nameFromText } = await import('../../vfs/name.js');
  const { flags } = parseOverlayOptions([options.join(',')], '/');
  const words = Object.entries(flags).filter(([, value]) => typeof value === 'boolean');
  const bits = remountFlags(words.map(([name, value]) => (value ? name : `no${name}`)));
  const result = changeMount(nameFromText(mountpoint), bits);
  if (result < 0) throw new UserError(`cannot remount '${mountpoint}': ${errnoText(-result)}`);
}

/** `umount.fuse.plyfs MOUNTPOINT [-flnrv] [-t TYPE] [-N NAMESPACE]`; returns when the daemon has let go of everything. */
export async function runUmountHelper(argv: readonly string[]): Promise<void> {
  const words = argv.filter((word) => word.startsWith('-') && !word.startsWith('--')).join('');
  const mountpoint = argv.find((word) => word.startsWith('/')) ?? '';
  try {
    const { unmountPath } = await import('../../daemon/client/unmount.js');
    const { nameFromText } = await import('../../vfs/name.js');
    if (words.includes('f')) await abortMount(mountpoint);
    await unmountPath(nameFromText(mountpoint), { lazy: words.includes('l') });
  } catch (error) {
    fail('umount', error, { debug: false });
    // EX_FAIL of umount(8).
    process.exitCode = 32;
  }
}

/** Lets go of everybody who waits for the daemon. */
async function abortMount(mountpoint: string): Promise<void> {
  const { MNT_FORCE } = await import('../../linux/constants.js');
  const { unmountAt } = await import('../../linux/mounts/held-mount-point.js');
  const { nameFromText } = await import('../../vfs/name.js');
  // It stays mounted while it is in use; unmountPath() says so.
  unmountAt(nameFromText(mountpoint), MNT_FORCE);
}
