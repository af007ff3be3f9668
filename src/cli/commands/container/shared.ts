/**
 * What the commands about containers have in common.
 */

import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { ContainerRecord } from '../../../store/container-record.js';
import type { Store } from '../../../store/store.js';
import { DEBUG_FLAG } from '../../options.js';
import { fail, print } from '../../output.js';

export interface ContainerFlags {
  readonly root?: string;
  readonly debug?: boolean;
}

export function addContainerOptions(command: Command): Command {
  return command
    .option('--root <dir>', 'the store (default: /var/lib/plyfs, or ~/.local/share/plyfs)')
    .option(DEBUG_FLAG, 'stack traces with errors');
}

/** The store that `--root` means. */
export async function openStore({ root }: ContainerFlags): Promise<Store> {
  const { Store } = await import('../../../store/store.js');
  return root === undefined ? new Store() : new Store(resolve(root));
}

/** The store, and the container in it that `text` means. */
export async function openContainer(
  text: string,
  flags: ContainerFlags,
): Promise<{ readonly store: Store; readonly record: ContainerRecord }> {
  const { resolveContainer } = await import('../../../container/find.js');
  const store = await openStore(flags);
  return { store, record: resolveContainer(store, text) };
}

/** Runs a command's action; what it throws is printed in one line, and `status` is the exit status. */
export async function attempt(
  command: string,
  flags: ContainerFlags,
  action: () => Promise<void> | void,
  status = 1,
): Promise<void> {
  try {
    await action();
  } catch (error) {
    fail(command, error, flags.debug === true);
    process.exitCode = status;
  }
}

export interface EachAction {
  /** The command's name, for messages. */
  readonly command: string;
  /** Prints a line for what went well; without it, the name as typed. */
  readonly line?: (record: ContainerRecord, typed: string) => string;
  /** Names that mean nothing are passed over. */
  readonly ignoreUnknown?: boolean;
}

/** The action for each container named; goes on past one that fails, and prints the names that went well. */
export async function forEachContainer(
  texts: readonly string[],
  flags: ContainerFlags,
  action: (store: Store, record: ContainerRecord) => Promise<void> | void,
  { command, line = (_, typed) => typed, ignoreUnknown = false }: EachAction,
): Promise<void> {
  const { findContainer, resolveContainer } = await import('../../../container/find.js');
  const store = await openStore(flags);
  for (const text of texts) {
    await attempt(command, flags, async () => {
      if (ignoreUnknown && findContainer(store, text) === undefined) return;
      const record = resolveContainer(store, text);
      await action(store, record);
      print(line(record, text));
    });
  }
}
