/**
 * `plyfs umount`: takes mounts away, and waits until their daemons are done.
 */

import { resolve } from 'node:path';
import { Command } from 'commander';
import { nameFromText } from '../../vfs/name.js';
import { DEBUG_FLAG } from '../frame/common-options.js';
import { fail, say } from '../print/output.js';

const DETAILS = `
Works as well for mounts whose daemon was killed ("transport endpoint is not connected"). Returns when the daemon has
cleaned up and what was written is on disk, however slow that is (not with --lazy, nor of a mount with -o volatile);
Ctrl-C ends the wait alone. Several mount points are all tried; the exit status is 1 when one of them failed.

Examples:
  plyfs umount /mnt
  plyfs umount --lazy /mnt      busy: gone from the tree at once, served on until its last user is gone`;

interface UmountFlags {
  readonly lazy?: boolean;
  readonly debug?: boolean;
}

export function umountCommand(): Command {
  return new Command('umount')
    .alias('unmount')
    .description('take mounts away')
    .argument('<mountpoint...>')
    .option('-l, --lazy', 'do not wait for those who still use it')
    .option(DEBUG_FLAG, 'stack traces with errors')
    .addHelpText('after', DETAILS)
    .action(runUmount);
}

async function runUmount(mountpoints: readonly string[], flags: UmountFlags): Promise<void> {
  const { unmountPath } = await import('../../daemon/client/unmount.js');
  const lazy = flags.lazy === true;
  for (const mountpoint of mountpoints) {
    try {
      // resolve() would drop `x/..` where x is a symlink, so only the start is made absolute.
      const absolute = mountpoint.startsWith('/') ? mountpoint : `${resolve('.')}/${mountpoint}`;
      const { servedOnBy } = await unmountPath(nameFromText(absolute), { lazy });
      if (servedOnBy !== undefined && !lazy) {
        say(
          `plyfs umount: '${mountpoint}' is unmounted here, but another mount namespace still has it; process ${servedOnBy} serves it on`,
        );
      }
    } catch (error) {
      fail('umount', error, { debug: flags.debug === true });
    }
  }
}
