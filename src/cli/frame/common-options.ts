/**
 * Pieces that several commands build their options from.
 */

import type { Command } from 'commander';

/** For options that may be given more than once. */
export function collectValues(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}

export const DEBUG_FLAG = '--debug';
export const DEBUG_TEXT = 'stack traces with errors, and each request in the log';

/** What is mounted over a tree: of a mount as of a container. */
export function addMountOptions(command: Command): Command {
  return command
    .option(
      '-v, --volume <spec>',
      '[SOURCE:]TARGET[:MODES], a bind mount or a volume (repeatable)',
      collectValues,
    )
    .option('--mount <spec>', 'type=...,src=...,dst=...: the same in long form (repeatable)', collectValues)
    .option(
      '--tmpfs <spec>',
      'TARGET[:size=...,mode=...], an empty tree in memory (repeatable)',
      collectValues,
    );
}
