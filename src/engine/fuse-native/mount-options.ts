/**
 * What is refused before the package is asked to mount, and the options it is given.
 *
 * The addon copies the mount point and the options into 1,024 bytes each and cuts off the rest (fuse-native.c), which
 * would mount elsewhere or with other options: so both are measured here.
 */

import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../../errno/error-code.js';
import { UserError } from '../../errno/user-error.js';
import { displayName, type Name, nameFromText } from '../../vfs/name.js';

/** 1,024 with the NUL. */
const LONGEST_ARGUMENT_BYTES = 1023;

export interface NativeOptions {
  /** Absolute, free of symlinks. */
  readonly mountpoint: Name;
  readonly readOnly: boolean;
  /** Words of mount(8), as `nosuid`. */
  readonly vfsOptions: readonly string[];
  /** The source as mountinfo shows it. */
  readonly fsname: Name;
  readonly allowOther: boolean;
  /** Mounted by mount(2) and not by fusermount. */
  readonly privileged: boolean;
  /** Names and attributes may change without our doing: there are binds. */
  readonly changesOutside: boolean;
}

const ENGINE = "engine 'fuse-native'";
const KERNEL_HINT = 'use --engine kernel';
/** Longer than any mount is used. */
const DAY_SECONDS = 86_400;

/** @throws UserError for what this engine cannot do. */
export function checkOptions(options: NativeOptions): void {
  const shown = displayName(options.mountpoint);
  if (options.allowOther) {
    throw refusal(shown, `${ENGINE} serves one user, since it does not learn who asks: no allow_other`);
  }
  const unknown = options.vfsOptions.find((word) => word === 'nodiratime' || word === 'strictatime');
  if (unknown !== undefined) {
    throw refusal(shown, `${ENGINE} has no option ${unknown}, which libfuse 2 does not know`);
  }
  if (nameFromText(shown) !== options.mountpoint || shown.includes('\ufffd')) {
    throw refusal(shown, `${ENGINE} takes only mount points that are UTF-8`);
  }
  const length = options.mountpoint.length;
  if (length > LONGEST_ARGUMENT_BYTES) {
    throw refusal(shown, `its path has ${length} bytes, ${ENGINE} takes ${LONGEST_ARGUMENT_BYTES}`);
  }
  const optionBytes = Buffer.byteLength(argumentOf(options));
  if (optionBytes > LONGEST_ARGUMENT_BYTES) {
    throw refusal(
      shown,
      `its options have ${optionBytes} bytes, ${ENGINE} takes ${LONGEST_ARGUMENT_BYTES}`,
      'give fewer options',
    );
  }
  if (!options.privileged && !isInPath('fusermount')) {
    throw refusal(
      shown,
      `${ENGINE} mounts with fusermount when not root, which is missing`,
      "install the package 'fuse3' or 'fuse'",
    );
  }
}

/** The options as the package's addon takes them. */
export function argumentOf(options: NativeOptions): string {
  const words = [
    `fsname=${displayName(options.fsname).replace(/[\\,]/g, '\\$&')}`,
    'subtype=plyfs',
    'default_permissions',
    // st_ino of the union's, not numbers that libfuse counts up.
    'use_ino',
    // 128 KiB a write request, not 4.
    'big_writes',
    // Hard links are separate files to libfuse: what changes through one name must show through the other.
    'attr_timeout=0',
    `entry_timeout=${options.changesOutside ? 0 : DAY_SECONDS}`,
    ...(options.readOnly ? ['ro'] : []),
    // libfuse refuses a directory that is not empty unless told otherwise, and adds nosuid and nodev, on which
    // fusermount insists.
    'nonempty',
    ...(options.privileged ? ['suid', 'dev'] : []),
    ...options.vfsOptions,
  ];
  return `-o${words.join(',')}`;
}

function refusal(mountpoint: string, reason: string, hint = KERNEL_HINT): UserError {
  return new UserError(`cannot mount on '${mountpoint}': ${reason}`, { hint });
}

function isInPath(program: string): boolean {
  const folders = (process.env.PATH ?? '').split(':').filter((folder) => folder !== '');
  return folders.some((folder) => isExecutable(join(folder, program)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    if (codeOf(error) !== undefined) return false;
    throw error;
  }
}
