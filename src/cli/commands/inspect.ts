/**
 * `plyfs inspect`: all that is known of a mount, as JSON.
 */

import { resolve } from 'node:path';
import { Command } from 'commander';
import { nameFromText } from '../../vfs/name.js';
import { formatInspect, INSPECT_FORMAT_FLAG, INSPECT_FORMAT_TEXT } from '../inspect.js';
import { DEBUG_FLAG } from '../options.js';
import { fail, print } from '../output.js';

const DETAILS = `
Asks the daemon; neither the mount nor its storage is touched. Of each mount on far storage (a network or FUSE file
system) it says what that cannot do ('lacks'), and how many requests wait for it ('waiting').

Examples:
  plyfs inspect /mnt
  plyfs inspect --format '{{range .mounts}}{{.target}} {{end}}' /mnt
  plyfs inspect /mnt | jq '.mounts[] | {target, lacks, waiting}'`;

interface InspectFlags {
  readonly format?: string;
  readonly debug?: boolean;
}

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('say all that is known of a mount, as JSON')
    .argument('<mountpoint>')
    .option(INSPECT_FORMAT_FLAG, INSPECT_FORMAT_TEXT)
    .option(DEBUG_FLAG, 'stack traces with errors')
    .addHelpText('after', DETAILS)
    .action(runInspect);
}

async function runInspect(mountpoint: string, flags: InspectFlags): Promise<void> {
  try {
    const { inspectMount } = await import('../../daemon/inspect.js');
    const absolute = mountpoint.startsWith('/') ? mountpoint : `${resolve('.')}/${mountpoint}`;
    const found = await inspectMount(nameFromText(absolute));
    if (flags.format === undefined) print(`${JSON.stringify(found, null, 2)}\n`);
    else print(formatInspect([{ ...found }], flags.format));
  } catch (error) {
    fail('inspect', error, flags.debug === true);
  }
}
