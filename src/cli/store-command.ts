/**
 * What commands about things in the store have in common: `--root`, `--debug`, errors in one line.
 */

import { constants } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Store } from '../store/store.js';
import { DEBUG_FLAG } from './options.js';
import { fail } from './output.js';

export interface StoreFlags {
  readonly root?: string;
  readonly debug?: boolean;
}

export const ROOT_FLAG = '--root <dir>';
export const ROOT_TEXT = 'where the store is (default: /var/lib/plyfs, or ~/.local/share/plyfs)';

export function addStoreOptions(command: Command): Command {
  return command.option(ROOT_FLAG, ROOT_TEXT).option(DEBUG_FLAG, 'stack traces with errors');
}

/** The store that `--root` means. From here on volumes are looked into, whose storage may hang: Ctrl-C has to work. */
export async function openStore({ root }: StoreFlags): Promise<Store> {
  const { Store: Opened } = await import('../store/store.js');
  const { endAtSignal } = await import('../linux/process.js');
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    if (process.listenerCount(signal) === 0) endAtSignal(constants.signals[signal]);
  return root === undefined ? new Opened() : new Opened(resolve(root));
}

/** Runs a command's action; what it throws is printed in one line. */
export async function attempt(
  command: string,
  flags: StoreFlags,
  action: () => Promise<void> | void,
): Promise<void> {
  try {
    await action();
  } catch (error) {
    fail(command, error, flags.debug === true);
  }
}

/** The action for each name, also after one that failed: the exit status then is 1. */
export async function attemptEach(
  command: string,
  flags: StoreFlags,
  names: readonly string[],
  action: (name: string) => Promise<void> | void,
): Promise<void> {
  for (const name of names) await attempt(command, flags, () => action(name));
}
