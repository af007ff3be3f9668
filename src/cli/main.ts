#!/usr/bin/env -S node --
/**
 * Entry of the `plyfs` command.
 *
 * Commander and the commands are loaded here and nowhere else; what a command needs beyond its options it loads when it
 * runs, since a mount is to stand 300 ms after the prompt.
 *
 * `--` in the first line keeps Node from taking an `--env-file` among our arguments for its own.
 */

import { isExpected } from './output.js';

try {
  // In here, so that a failure to load it (no descriptors left) is told in a line too.
  const { buildProgram } = await import('./program.js');
  const { commandName } = await import('./global-options.js');
  const argv = await withoutHelper(process.argv.slice(2));
  if (argv !== undefined) await (await buildProgram(commandName(argv))).parseAsync(argv, { from: 'user' });
} catch (error) {
  // Commands report what a user can cause; this is a mistake in plyfs, or there was no loading it.
  const what = isExpected(error) || isOutOfFiles(error) ? '' : 'internal error: ';
  process.stderr.write(
    `plyfs: ${what}${String(error)}${isOutOfFiles(error) ? '; try ulimit -n 1024' : ''}\n`,
  );
  if (process.argv.includes('--debug') && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
}

/** What is left to be done by a command when mount(8) or umount(8) may have called. */
async function withoutHelper(argv: readonly string[]): Promise<readonly string[] | undefined> {
  const { asCommand, mountCall, runUmountHelper, UMOUNT_HELPER } = await import('./mount-helper.js');
  if (argv[0] === UMOUNT_HELPER) {
    await runUmountHelper(argv.slice(1));
    return undefined;
  }
  const { isCommand } = await import('./program.js');
  const call = mountCall(argv, isCommand);
  return call === undefined ? argv : asCommand(call);
}

function isOutOfFiles(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'EMFILE';
}
