/**
 * Whether extended attributes can be set where plyfs keeps its state: tried with setfattr(1) on a temporary file that
 * is removed again. Without setfattr the file system's type decides, for the types that are known.
 */

import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hasCode, isSystemError } from '../../errno/error-code.js';
import type { XattrSupport } from './facts.js';

/** f_type of statfs(2), for file systems with trusted.* and user.*: ext2-4, xfs, btrfs, f2fs, bcachefs, zfs. */
const withXattr: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0xca451a4e, 0x2fc12fc1,
]);

/** msdos, exfat, iso9660: none at all. */
const withoutXattr: ReadonlySet<number> = new Set([0x4d44, 0x2011bab0, 0x9660]);

/**
 * Tries in the nearest directory at or above `stateDirectory` that exists and can be written, else in `cwd`.
 * @param sysAdmin without it trusted.* is refused by the kernel everywhere.
 */
export function probeXattr(
  stateDirectory: string,
  cwd: string,
  { sysAdmin }: { readonly sysAdmin: boolean },
): XattrSupport {
  const directory = nearestWritable(stateDirectory) ?? cwd;
  try {
    const temporary = mkdtempSync(join(directory, '.plyfs-doctor-'));
    try {
      const file = join(temporary, 'file');
      writeFileSync(file, '');
      return {
        directory,
        trusted: sysAdmin && trySet(file, 'trusted.plyfs'),
        user: trySet(file, 'user.plyfs'),
      };
    } finally {
      rmSync(temporary, { recursive: true, force: true });
    }
  } catch (error) {
    // A directory that cannot be written (read-only, full) answers nothing about xattrs.
    if (!isSystemError(error)) throw error;
    return { directory, trusted: undefined, user: undefined };
  }
}

function trySet(file: string, name: string): boolean | undefined {
  try {
    execFileSync('setfattr', ['-n', name, '-v', '1', file], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) return false;
    const type = statfsSync(file).type;
    if (withXattr.has(type)) return true;
    return withoutXattr.has(type) ? false : undefined;
  }
}

function nearestWritable(start: string): string | undefined {
  let directory = start;
  while (!existsSync(directory) && dirname(directory) !== directory) directory = dirname(directory);
  try {
    accessSync(directory, constants.W_OK);
    return directory;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return undefined;
  }
}
