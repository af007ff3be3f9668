/**
 * What the commands about containers have in common.
 */

import type { ContainerRecord } from '../../../store/container-record.js';
import type { Store } from '../../../store/store.js';
import { print } from '../../output.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../store-command.js';

export type ContainerFlags = StoreFlags;
export { addStoreOptions as addContainerOptions, attempt, openStore };

/** The store, and the container in it that `text` means. */
export async function openContainer(
  text: string,
  flags: ContainerFlags,
): Promise<{ readonly store: Store; readonly record: ContainerRecord }> {
  const { resolveContainer } = await import('../../../container/find.js');
  const store = await openStore(flags);
  return { store, record: resolveContainer(store, text) };
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
