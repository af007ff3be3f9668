/**
 * What the commands about images have in common.
 */

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { DEBUG_FLAG } from '../../options.js';
import { fail } from '../../output.js';

export interface ImageFlags {
  readonly root?: string;
  readonly debug?: boolean;
}

export function addImageOptions(command: Command): Command {
  return command
    .option('--root <dir>', 'where images are kept (default: /var/lib/plyfs, or ~/.local/share/plyfs)')
    .option(DEBUG_FLAG, 'stack traces with errors');
}

/** The store that `--root` means. */
export async function openStore({ root }: ImageFlags): Promise<import('../../../store/store.js').Store> {
  const { Store } = await import('../../../store/store.js');
  return root === undefined ? new Store() : new Store(resolve(root));
}

/** Runs a command's action; what it throws is printed in one line. */
export async function attempt(
  command: string,
  flags: ImageFlags,
  action: () => Promise<void> | void,
): Promise<void> {
  try {
    await action();
  } catch (error) {
    fail(command, error, flags.debug === true);
  }
}
