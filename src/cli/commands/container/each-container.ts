/**
 * What the commands about containers have in common.
 */

import { UserError } from '../../../errno/user-error.js';
import type { ContainerRecord } from '../../../store/container-record.js';
import type { Store } from '../../../store/store.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../frame/store-command.js';
import { errorLine, print } from '../../print/output.js';

export type ContainerFlags = StoreFlags;
export { addStoreOptions as addContainerOptions, attempt, openStore };

/** The store, and the container in it that `text` means. */
export async function openContainer(
  text: string,
  flags: ContainerFlags,
): Promise<{ readonly store: Store; readonly record: ContainerRecord }> {
  const { resolveContainer } = await import('../../../container/record/find.js');
  const store = await openStore(flags);
  return { store, record: resolveContainer(store, text) };
}

/** Tells when what a command wrote may not be on disk; the command's own status counts all the same. */
export async function tellLoss(command: string, store: Store, { id, name }: ContainerRecord): Promise<void> {
  const { readState } = await import('../../../container/record/command-state.js');
  const lost = readState(store, id)?.lost;
  if (lost === undefined) return;
  const error = new UserError(`container '${name}' has ended, but ${lost}`);
  process.stderr.write(errorLine(command, error, { debug: false }));
}

interface EachAction {
  /** The command's name, for messages. */
  readonly command: string;
  /** Prints a line for what went well; without it, the name as typed. */
  readonly line?: (record: ContainerRecord, typed: string) => string;
  /** Names that mean nothing are passed over. */
  readonly ignoreUnknown?: boolean;
  /** Not one container after the other. */
  readonly atOnce?: boolean;
}

/** How many at once; each may hold a daemon's start or end up. */
const AT_ONCE = 50;

/** The action for each container named; goes on past one that fails, and prints the names that went well, in order. */
export async function forEachContainer(
  texts: readonly string[],
  flags: ContainerFlags,
  action: (store: Store, record: ContainerRecord) => Promise<void> | void,
  { command, line = (_, typed) => typed, ignoreUnknown = false, atOnce = false }: EachAction,
): Promise<void> {
  const { findContainer, resolveContainer } = await import('../../../container/record/find.js');
  const store = await openStore(flags);
  // One that is named twice is not meant to be changed by two at a time.
  const turns = new Map<string, Promise<void>>();
  const work = async (text: string): Promise<() => Promise<void>> => {
    try {
      if (ignoreUnknown && findContainer(store, text) === undefined) {
        // Told, but no failure.
        const error = new UserError(`no such container: '${text}'`);
        return async () => void process.stderr.write(errorLine(command, error, { debug: false }));
      }
      const record = resolveContainer(store, text);
      const turn = (turns.get(record.id) ?? Promise.resolve()).then(() => action(store, record));
      turns.set(
        record.id,
        turn.catch(() => undefined),
      );
      await turn;
      return async () => print(line(record, text));
    } catch (error) {
      return () => attempt(command, flags, () => Promise.reject(error));
    }
  };
  const size = atOnce ? AT_ONCE : 1;
  for (let at = 0; at < texts.length; at += size) {
    const results = await Promise.all(texts.slice(at, at + size).map(work));
    for (const tell of results) await tell();
  }
}
