/** A command that serves the store at a socket until a signal ends it. */

import { resolve } from 'node:path';
import { Command } from 'commander';
import type { ServeOptions } from '../../../serve/socket/serve-at-socket.js';
import type { Store } from '../../../store/store.js';
import { serviceManager } from '../../frame/serve-here.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../frame/store-command.js';
import { say } from '../../print/output.js';

interface ServedCommand {
  readonly name: string;
  readonly description: string;
  /** The program that looks for the socket, and where it is by default. */
  readonly client: string;
  readonly socket: string;
  readonly details: string;
  /** Loads the server, which no other command does. */
  readonly load: () => Promise<(store: Store, options: ServeOptions) => Promise<void>>;
}

interface ServeFlags extends StoreFlags {
  readonly socket: string;
}

export function servedCommand(served: ServedCommand): Command {
  const command = new Command(served.name)
    .description(served.description)
    .option('--socket <path>', `where ${served.client} finds it`, served.socket);
  const name = `serve ${served.name}`;
  return addStoreOptions(command)
    .addHelpText('after', served.details)
    .action((flags: ServeFlags) => attempt(name, flags, () => runServe(name, served, flags)));
}

async function runServe(name: string, { load }: ServedCommand, flags: ServeFlags): Promise<void> {
  // Before the store is opened, which else leaves signals to the kernel.
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ending.abort());
  const serve = await load();
  const tell = await serviceManager(`plyfs ${name}`);
  const socket = resolve(flags.socket);
  const log = (line: string): void => say(`plyfs ${name}: ${line}`);
  const onReady = (): void => {
    log(`listening at ${socket}`);
    tell('READY=1');
  };
  await serve(await openStore(flags), { socket, signal: ending.signal, log, onReady });
  tell('STOPPING=1');
}
