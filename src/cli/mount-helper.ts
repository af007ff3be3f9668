/**
 * plyfs as mount(8) and umount(8) call it: `mount.fuse.plyfs SOURCE MOUNTPOINT -o OPTIONS`, and the same without the
 * first word from mount.fuse3, which takes the source for the command. See man 8 mount, "EXTERNAL HELPERS".
 *
 * Scripts that `plyfs system install-helpers` writes say which of the two is meant by the first argument.
 */

import { UserError } from '../errno/user-error.js';
import { fail } from './output.js';

export const MOUNT_HELPER = 'mount-helper';
export const UMOUNT_HELPER = 'umount-helper';

/** What mount(8) and mount.fuse3 say of a mount that stands, and what the kernel is told anyway. */
const OF_THE_KERNEL = /^(?:remount|user_id=\d+|group_id=\d+|rootmode=\d+|fd=\d+|max_read=\d+|blksize=\d+)$/;

interface MountCall {
  readonly source: string;
  readonly mountpoint: string;
  readonly options: readonly string[];
}

/** The arguments of a call by mount(8), or by mount.fuse3 when the first names no command; undefined for any other. */
export function mountCall(
  argv: readonly string[],
  isCommand: (word: string) => boolean,
): MountCall | undefined {
  const isNamed = argv[0] === MOUNT_HELPER;
  const [source = '', mountpoint = '', ...rest] = isNamed ? argv.slice(1) : argv;
  const isOfFuse = mountpoint.startsWith('/') && rest[0] === '-o' && rest.length === 2 && !isCommand(source);
  if (!isNamed && (!isOfFuse || source.startsWith('-'))) return undefined;
  const options: string[] = [];
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at] ?? '';
    if (word === '-o') options.push(...(rest[++at] ?? '').split(/(?<!\\),/));
    else if (word === '-t' || word === '-N') at++;
  }
  return { source, mountpoint, options: options.filter((option) => option !== '') };
}

/** The arguments of `plyfs` that mount as asked; undefined when the call changed a mount that stands. */
export async function asCommand(call: MountCall): Promise<readonly string[] | undefined> {
  const { source, mountpoint, options } = call;
  const own = options.filter((option) => !OF_THE_KERNEL.test(option));
  if (options.includes('remount')) {
    await remount(mountpoint, own);
    return undefined;
  }
  const isNamed = own.some((option) => option.startsWith('fsname='));
  const named =
    isNamed || source === '' || source === 'none' ? [] : [`fsname=${source.replaceAll(',', '\\,')}`];
  return ['mount', '-o', [...own, ...named].join(','), mountpoint];
}

async function remount(mountpoint: string, options: readonly string[]): Promise<void> {
  const { remountFlags } = await import('../engine/kernel/attach.js');
  const { parseOverlayOptions } = await import('../mounts/spec/overlay-options.js');
  const { errnoText } = await import('../errno/errno.js');
  const { mount } = await import('../linux/mount.js');
  const { nameFromText } = await import('../vfs/name.js');
  const { flags } = parseOverlayOptions([options.join(',')], '/');
  const words = Object.entries(flags).filter(([, value]) => typeof value === 'boolean');
  const bits = remountFlags(words.map(([name, value]) => (value ? name : `no${name}`)));
  const result = mount('', nameFromText(mountpoint), '', bits, '');
  if (result < 0) throw new UserError(`cannot remount '${mountpoint}': ${errnoText(-result)}`);
}

/** `umount.fuse.plyfs MOUNTPOINT [-flnrv] [-t TYPE] [-N NAMESPACE]`; returns when the daemon has let go of everything. */
export async function runUmountHelper(argv: readonly string[]): Promise<void> {
  const words = argv.filter((word) => word.startsWith('-') && !word.startsWith('--')).join('');
  const mountpoint = argv.find((word) => word.startsWith('/')) ?? '';
  try {
    const { unmountPath } = await import('../daemon/unmount.js');
    const { nameFromText } = await import('../vfs/name.js');
    if (words.includes('f')) await abortMount(mountpoint);
    await unmountPath(nameFromText(mountpoint), { lazy: words.includes('l') });
  } catch (error) {
    fail('umount', error, false);
    // EX_FAIL of umount(8).
    process.exitCode = 32;
  }
}

/** Lets go of everybody who waits for the daemon. */
async function abortMount(mountpoint: string): Promise<void> {
  const { MNT_FORCE } = await import('../linux/constants.js');
  const { umount2 } = await import('../linux/mount.js');
  const { nameFromText } = await import('../vfs/name.js');
  // It stays mounted while it is in use; unmountPath() says so.
  umount2(nameFromText(mountpoint), MNT_FORCE);
}
