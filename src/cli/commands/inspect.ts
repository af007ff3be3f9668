/**
 * `plyfs inspect`: all that is known of a mount, as JSON.
 */

import { resolve } from 'node:path';
import { Command } from 'commander';
import { nameFromText } from '../../vfs/name.js';
import { DEBUG_FLAG } from '../options.js';
import { fail, print } from '../output.js';

const DETAILS = `
Asks the daemon; neither the mount nor its storage is touched. Of each mount on far storage (a network or FUSE file
system) it says what that cannot do ('lacks'), and how many requests wait for it ('waiting').

Examples:
  plyfs inspect /mnt
  plyfs inspect /mnt | jq '.mounts[] | {target, lacks, waiting}'`;

interface InspectFlags {
  readonly debug?: boolean;
}

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('say all that is known of a mount, as JSON')
    .argument('<mountpoint>')
    .option(DEBUG_FLAG, 'stack traces with errors')
    .addHelpText('after', DETAILS)
    .action(runInspect);
}

async function runInspect(mountpoint: string, flags: InspectFlags): Promise<void> {
  try {
    const { inspectMount } = await import('../../daemon/inspect.js');
    const absolute = mountpoint.startsWith('/') ? mountpoint : `${resolve('.')}/${mountpoint}`;
    print(`${JSON.stringify(await inspectMount(nameFromText(absolute)), null, 2)}\n`);
  } catch (error) {
    fail('inspect', error, flags.debug === true);
  }
}
