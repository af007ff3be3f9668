/**
 * `plyfs ui`: one local page that shows layers, containers and volumes.
 */

import { resolve } from 'node:path';
import { Command } from 'commander';
import { UserError } from '../../errno/user-error.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../frame/store-command.js';
import { print, say } from '../print/output.js';

const DETAILS = `
Serves the page until Ctrl-C, prints its address, and opens it where there is a desktop. The address holds a secret; who does not
have it gets nothing, other users of this host included. Nothing is asked for off this machine.

Nothing is changed without --write. With it the page edits and uploads files of volumes, clones volumes, and applies drafts, which
changes this host; whoever has the address may then do that.

On a remote host: 'ssh -L 8080:127.0.0.1:PORT HOST', or with --socket 'ssh -L 8080:/path/to/socket HOST', and the address printed
with localhost:8080 in place of its host and port.

Examples:
  plyfs ui                          all that is in the store
  plyfs ui app:1                    the layers of an image; also a container or a volume by name
  plyfs ui --mount /mnt             a mount of 'plyfs mount'
  plyfs ui --write                  volumes may be changed, drafts applied
  plyfs ui --no-open --port 8080    print the address alone`;

interface UiFlags extends StoreFlags {
  readonly mount?: string;
  readonly open: boolean;
  readonly port?: string;
  readonly socket?: string;
  readonly write?: boolean;
}

export function uiCommand(): Command {
  const command = new Command('ui')
    .description('show layers, containers and volumes in a local page')
    .argument('[name]', 'an image, a container or a volume to begin with')
    .option('--mount <path>', 'begin with the mount there')
    .option('--write', 'let the page change volumes, and apply drafts')
    .option('--no-open', 'only print the address')
    .option('--port <port>', 'listen at this port of 127.0.0.1 (default: any that is free)')
    .option('--socket <path>', 'listen at a Unix socket instead');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((name: string | undefined, flags: UiFlags) => attempt('ui', flags, () => runUi(name, flags)));
}

async function runUi(name: string | undefined, flags: UiFlags): Promise<void> {
  const { startPageServer } = await import('../../ui/serve/page-server.js');
  const ended = endOfCommand();
  const store = await openStore(flags);
  const options = {
    store,
    start: await startOf(name, flags),
    mayWrite: flags.write === true,
    port: portOf(flags),
    socket: flags.socket === undefined ? undefined : resolve(flags.socket),
  };
  await using server = await startPageServer(options);
  print(`${server.address}\n`);
  say(
    flags.socket === undefined ? 'plyfs ui: until Ctrl-C' : `plyfs ui: at '${options.socket}', until Ctrl-C`,
  );
  if (flags.open && flags.socket === undefined) {
    const { openInBrowser } = await import('../../ui/serve/open-browser.js');
    openInBrowser(server.address);
  }
  await ended;
}

/** Ctrl-C and SIGTERM are how it ends. */
function endOfCommand(): Promise<void> {
  return new Promise((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => done());
  });
}

async function startOf(name: string | undefined, flags: UiFlags): Promise<string | undefined> {
  const { sourceOfMount, sourceOfName } = await import('./explore/named-source.js');
  if (flags.mount !== undefined) {
    if (name !== undefined) throw new UserError('a name and --mount cannot be given both');
    return sourceOfMount(flags.mount);
  }
  return name === undefined ? undefined : await sourceOfName(await openStore(flags), name);
}

const HIGHEST_PORT = 65_535;

function portOf({ port, socket }: UiFlags): number {
  if (port === undefined) return 0;
  if (socket !== undefined) throw new UserError('--port and --socket cannot be given both');
  if (/^\d{1,5}$/.test(port) && Number(port) <= HIGHEST_PORT) return Number(port);
  throw new UserError(`invalid --port '${port}'`, { hint: 'a number up to 65535' });
}
