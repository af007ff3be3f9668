/**
 * The disk of a volume with `size=`: a sparse file with ext4 in it, mounted through a loop device.
 *
 * The limit is that of a real disk: it holds for whoever writes, by whatever way, and statfs shows it.
 */

import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { hasCode } from '../../errno/error-code.js';
import { UserError } from '../../errno/user-error.js';
import { crashPoint } from '../../store/crash-point.js';

/** Beside `_data`. */
export const IMAGE_FILE = 'disk.ext4';

/** @throws UserError without privilege, or with what mke2fs says. */
export function makeImage(path: string, sizeBytes: number): void {
  if (process.geteuid?.() !== 0) {
    throw new UserError('cannot make a volume with size=: it needs root, for a disk of its own', {
      hint: 'leave size= out, or use --tmpfs TARGET:size=',
    });
  }
  try {
    // In whole KiB; no blocks are kept back for root, all of them are the volume's.
    run('mke2fs', ['-q', '-F', '-t', 'ext4', '-m', '0', path, `${Math.floor(sizeBytes / 1024)}k`]);
    // A new volume is empty: programs refuse to start in a directory that is not.
    run('debugfs', ['-w', '-R', 'rmdir /lost+found', path]);
    crashPoint();
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}

function run(program: string, args: readonly string[]): void {
  const { error, status, stderr } = spawnSync(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    env: { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' },
  });
  if (error === undefined && status === 0) return;
  const why = error?.message ?? stderr.trim().replace(/\s*\n\s*/g, ' ');
  throw new UserError(`cannot make the disk of the volume: ${program}: ${why}`, {
    hint: hasCode(error, 'ENOENT') ? 'install the package e2fsprogs' : undefined,
  });
}
