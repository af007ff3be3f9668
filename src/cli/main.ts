#!/usr/bin/env node

/**
 * Entry of the `plyfs` command.
 *
 * Commander and the commands are loaded here and nowhere else; what a command needs beyond its options it loads when it
 * runs, since a mount is to stand 300 ms after the prompt.
 *
 * scripts/bundle-programs.ts gives the program other first lines.
 */

import { hasCode } from '../errno/error-code.js';
import { missingAddon } from '../errno/missing-addon.js';
import { endWhenOutputEnds } from './frame/output-end.js';
import { restoreEnvironment } from './frame/start-environment.js';
import { isExpected, say } from './print/output.js';

// Here, not always: every module that is loaded would have its map read.
if (process.argv.includes('--debug')) process.setSourceMapsEnabled(true);

restoreEnvironment();
endWhenOutputEnds();

try {
  // In here, so that a failure to load it (no descriptors left) is told in a line too.
  const { buildProgram } = await import('./program.js');
  const { commandName } = await import('./frame/global-options.js');
  const argv = await withoutHelper(process.argv.slice(2));
  if (argv !== undefined) await (await buildProgram(commandName(argv))).parseAsync(argv, { from: 'user' });
} catch (error) {
  // Commands report what a user can cause; this is a mistake in plyfs, or there was no loading it.
  const addon = missingAddon(error);
  const what = isExpected(error) || isOutOfFiles(error) ? '' : 'internal error: ';
  if (addon !== undefined) say(`plyfs: ${addon.message}; ${addon.hint}`);
  else say(`plyfs: ${what}${String(error)}${isOutOfFiles(error) ? '; try ulimit -n 1024' : ''}`);
  if (process.argv.includes('--debug') && error instanceof Error) say(`${error.stack}`);
  process.exitCode = 1;
}

/** What is left to be done by a command when mount(8) or umount(8) may have called. */
async function withoutHelper(argv: readonly string[]): Promise<readonly string[] | undefined> {
  // `plyfs help run` as `plyfs run --help`.
  if (argv[0] === 'help') return [...argv.slice(1), '--help'];
  const { asCommand, mountCall, runUmountHelper, UMOUNT_HELPER } = await import('./frame/mount-helper.js');
  if (argv[0] === UMOUNT_HELPER) {
    await runUmountHelper(argv.slice(1));
    return undefined;
  }
  const { isCommand } = await import('./program.js');
  const call = mountCall(argv, isCommand);
  return call === undefined ? argv : asCommand(call);
}

function isOutOfFiles(error: unknown): boolean {
  return hasCode(error, 'EMFILE');
}
