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
import { buildProgram } from './program.js';

try {
  await buildProgram().parseAsync();
} catch (error) {
  // Commands report what a user can cause; this is a mistake in plyfs.
  process.stderr.write(`plyfs: ${isExpected(error) ? '' : 'internal error: '}${String(error)}\n`);
  if (process.argv.includes('--debug') && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
}
