/**
 * What commands about things in the store have in common: `--root`, `--debug`, errors in one line.
 */

import { constants } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Store } from '../../store/store.js';
import type { StoreView } from '../../store/store-view.js';
import { fail } from '../print/output.js';
import { DEBUG_FLAG } from './common-options.js';

export interface StoreFlags {
  readonly root?: string;
  readonly debug?: boolean;
}

export const ROOT_FLAG = '--root <dir>';
export const ROOT_TEXT =
  'where the store is (default: PLYFS_ROOT, else /var/lib/plyfs or ~/.local/share/plyfs)';

export function addStoreOptions(command: Command): Command {
  return command.option(ROOT_FLAG, ROOT_TEXT).option(DEBUG_FLAG, 'stack traces with errors');
}

/** The store that `--root` means, less what dead commands left in it. */
export async function openStore(flags: StoreFlags): Promise<Store> {
  const store = await openStoreAsItIs(flags);
  store.mend();
  return store;
}

/** As openStore(), for commands that only read records: they load nothing that changes a store, unless a dead command left something. */
export async function openStoreView({ root }: StoreFlags): Promise<StoreView> {
  const { StoreView: Opened } = await import('../../store/store-view.js');
  const view = root === undefined ? new Opened() : new Opened(resolve(root));
  await checkRoot(view.root);
  if (view.pending().length > 0) {
    const { Store: Mended } = await import('../../store/store.js');
    new Mended(view.root).mend();
  }
  return view;
}

/** The store for commands that look for what is wrong with it. From here on volumes are looked into, whose storage may hang: Ctrl-C has to work. */
export async function openStoreAsItIs({ root }: StoreFlags): Promise<Store> {
  const { Store: Opened } = await import('../../store/store.js');
  const { endAtSignal } = await import('../../linux/process/process.js');
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    if (process.listenerCount(signal) === 0) endAtSignal(constants.signals[signal]);
  const store = root === undefined ? new Opened() : new Opened(resolve(root));
  await checkRoot(store.root);
  return store;
}

/** A list of a store that is a file would be empty. @throws UserError */
async function checkRoot(root: string): Promise<void> {
  const { statSync } = await import('node:fs');
  const { UserError } = await import('../../errno/user-error.js');
  if (statSync(root, { throwIfNoEntry: false })?.isDirectory() === false)
    throw new UserError(`cannot use the store '${root}': it is no directory`, {
      hint: 'choose another with --root DIR',
    });
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
    fail(command, error, { debug: flags.debug === true });
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
