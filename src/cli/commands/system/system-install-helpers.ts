/**
 * `plyfs system install-helpers`: lets mount(8) and umount(8) call plyfs.
 */

import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { UserError } from '../../../errno/user-error.js';
import { DEBUG_FLAG } from '../../frame/common-options.js';
import { MOUNT_HELPER, UMOUNT_HELPER } from '../../frame/mount-helper.js';
import { attempt } from '../../frame/store-command.js';
import { print } from '../../print/output.js';

const DETAILS = `
With them 'umount /mnt' returns when the daemon has let go of upper and its disk, as with any file system, 'mount -o
remount,ro /mnt' works, and so does a line in /etc/fstab:
  none /mnt fuse.plyfs lowerdir=/top:/bottom,upperdir=/up,workdir=/work 0 0
Files: mount.fuse.plyfs, mount.plyfs, umount.fuse.plyfs, which start this installation of plyfs; and umount.fuse, which umount(8)
calls for an absolute path: it hands mounts of plyfs to the other, and all else back to umount(8).

Examples:
  plyfs system install-helpers
  plyfs system install-helpers --remove`;

const HELPERS = {
  'mount.fuse.plyfs': MOUNT_HELPER,
  'mount.plyfs': MOUNT_HELPER,
  'umount.fuse.plyfs': UMOUNT_HELPER,
  'umount.fuse': undefined,
} as const;

/** Tells ours from what somebody else has put there. */
const MARK = '# Written by plyfs system install-helpers.';

interface HelperFlags {
  readonly directory: string;
  readonly remove?: boolean;
  readonly debug?: boolean;
}

export function systemInstallHelpersCommand(): Command {
  return new Command('install-helpers')
    .description('let mount(8) and umount(8) call plyfs')
    .option('--directory <dir>', 'where they look for helpers', '/sbin')
    .option('--remove', 'take them away again')
    .option(DEBUG_FLAG, 'stack traces with errors')
    .addHelpText('after', DETAILS)
    .action((flags: HelperFlags) => attempt('system install-helpers', flags, () => installHelpers(flags)));
}

function installHelpers({ directory, remove }: HelperFlags): void {
  const paths = Object.entries(HELPERS).map(([name, helper]) => [join(directory, name), helper] as const);
  for (const [path] of paths) assertOurs(path);
  for (const [path, helper] of paths) {
    if (remove) rmSync(path, { force: true });
    else {
      writeFileSync(path, helper === undefined ? dispatchScript(directory) : scriptOf(helper));
      chmodSync(path, 0o755);
    }
    print(path);
  }
}

function assertOurs(path: string): void {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return;
  if (readFileSync(path, 'utf8').includes(MARK)) return;
  throw new UserError(`cannot replace '${path}': it is not one of plyfs's helpers`, {
    hint: 'move it away, or choose another --directory',
  });
}

/**
 * The type that umount(8) of util-linux takes from statfs(2) where it is given an absolute path: `fuse`, of whatever subtype.
 * In sh, so that mounts of others cost no more, and do not need plyfs.
 */
function dispatchScript(directory: string): string {
  return `#!/bin/sh
${MARK}
for point; do case $point in /*) break ;; esac; done
if [ "$(/usr/bin/findmnt -nro FSTYPE -M "$point" | tail -n 1)" = fuse.plyfs ]; then
  exec '${join(directory, 'umount.fuse.plyfs').replaceAll("'", "'\\''")}' "$@"
fi
exec /bin/umount -i "$@"
`;
}

/** mount(8) calls helpers without PATH, so everything is named in full. */
function scriptOf(helper: string): string {
  const words = [process.execPath, fileURLToPath(new URL('../../main.js', import.meta.url)), helper];
  const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  return `#!/bin/sh\n${MARK}\nexec ${quoted.join(' ')} "$@"\n`;
}
