/** `plyfs explore`: layers, space, search and comparison in the terminal, for who has no browser. */

import { Command } from 'commander';
import { UserError } from '../../../errno/user-error.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../frame/store-command.js';
import { TerminalScreen } from '../../terminal/terminal-screen.js';

const DETAILS = `
What 'plyfs ui' shows of one image, container, volume or mount, by keys alone; nothing is changed.
  1 tree       layers, and the merged tree: which layer wins each name, and why; Enter opens a directory or reads a file
  2 space      what takes the space, directory by directory; 'w' what is wasted, and which command caused it
  3 find       in all layers, what later ones delete too: '/' by name, 'c' by content
  4 compare    with another image, container or volume, to the line
Arrows or hjkl, Page Up and Page Down, Home and End move; '?' shows all keys, 'q' or Ctrl-C ends it.

Examples:
  plyfs explore app:1
  plyfs explore --mount /mnt`;

const TREE_LIMIT_MS = 30_000;
const SEARCH_LIMIT_MS = 600_000;

interface ExploreFlags extends StoreFlags {
  readonly mount?: string;
}

export function exploreCommand(): Command {
  const command = new Command('explore')
    .description('look into layers, containers and volumes in the terminal')
    .argument('[name]', 'an image, a container or a volume')
    .option('--mount <path>', 'the mount there instead');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((name: string | undefined, flags: ExploreFlags) =>
      attempt('explore', flags, () => runExplore(name, flags)),
    );
}

async function runExplore(name: string | undefined, flags: ExploreFlags): Promise<void> {
  const { sourceOfName, sourceOfMount } = await import('./named-source.js');
  const { AnswerLane } = await import('../../../ui/serve/answer-lane.js');
  const { Explorer } = await import('./explorer.js');
  if ((name === undefined) === (flags.mount === undefined))
    throw new UserError('either a name or --mount is needed', {
      hint: "'plyfs images' and 'plyfs ps -a' list names",
    });
  const store = await openStore(flags);
  const source = name === undefined ? sourceOfMount(flags.mount!) : await sourceOfName(store, name);
  using screen = new TerminalScreen(
    "'plyfs image inspect', 'image waste', 'image find' and 'image diff' print the same",
  );
  const lanes = {
    trees: new AnswerLane(store.root, TREE_LIMIT_MS),
    searches: new AnswerLane(store.root, SEARCH_LIMIT_MS),
  };
  await new Promise<void>((quit) => {
    new Explorer({ screen, source, lanes, quit, sourceOf: (other) => sourceOfName(store, other) });
  });
  await Promise.all([lanes.trees.close(), lanes.searches.close()]);
}
