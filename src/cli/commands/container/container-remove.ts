/**
 * `plyfs container rm`, `prune` and `rename`.
 */

import { Command } from 'commander';
import { collectValues } from '../../frame/common-options.js';
import { confirm } from '../../frame/confirm.js';
import { refuseDockerOptions } from '../../frame/docker-options.js';
import { matchesLabels, parseFilters } from '../../frame/list-options.js';
import { print } from '../../print/output.js';
import { humanSize } from '../../print/progress.js';
import {
  addContainerOptions,
  attempt,
  type ContainerFlags,
  forEachContainer,
  openContainer,
  openStore,
} from './each-container.js';

const REMOVE_DETAILS = `
All that was changed in the container is deleted with it; named volumes stay, and so do unnamed ones unless -v is given.

Examples:
  plyfs container rm web
  plyfs container rm -fv $(plyfs container ls -aq)`;

interface RemoveFlags extends ContainerFlags {
  readonly force?: boolean;
  readonly volumes?: boolean;
}

export function removeCommand(name: 'rm' | 'container rm'): Command {
  const command = new Command('rm')
    .description('remove containers')
    .argument('<container...>', 'names or ids')
    .option('-f, --force', 'also running ones, with SIGKILL; unknown ones are passed over')
    .option('-v, --volumes', 'remove their unnamed volumes too, where no other container has them');
  refuseDockerOptions(command, { '-l, --link': "containers have no links: they share the host's network" });
  return addContainerOptions(command)
    .addHelpText('after', REMOVE_DETAILS)
    .action(async (texts: readonly string[], flags: RemoveFlags) => {
      const { removeContainer } = await import('../../../container/end/remove-container.js');
      await forEachContainer(texts, flags, (store, record) => removeContainer(store, record, flags), {
        command: name,
        ignoreUnknown: flags.force === true,
        atOnce: true,
      });
    });
}

const RENAME_DETAILS = `
Example:
  plyfs container rename web web-old`;

export function renameCommand(shown: 'rename' | 'container rename'): Command {
  const command = new Command('rename')
    .description('give a container another name')
    .argument('<container>', 'name or id')
    .argument('<name>', 'the new name');
  return addContainerOptions(command)
    .addHelpText('after', RENAME_DETAILS)
    .action((text: string, name: string, flags: ContainerFlags) =>
      attempt(shown, flags, async () => {
        const { renameContainer } = await import('../../../container/make/rename-container.js');
        const { store, record } = await openContainer(text, flags);
        // Docker's: with or without the slash that inspect shows.
        renameContainer(store, record, name.replace(/^\//, ''));
      }),
    );
}

const PRUNE_FILTERS = ['label', 'label!', 'until'];

const PRUNE_DETAILS = `
Removes all containers that do not run, after a question; -f leaves the question out. Volumes stay.
Filters: label=KEY[=VALUE], label!=KEY[=VALUE], until=AGE (10m, 24h, 7d) or a date.

Examples:
  plyfs container prune -f
  plyfs container prune --filter until=24h`;

interface PruneFlags extends ContainerFlags {
  readonly force?: boolean;
  readonly filter?: readonly string[];
}

export function pruneCommand(): Command {
  const command = new Command('prune')
    .description('remove all containers that do not run')
    .option('-f, --force', 'do not ask')
    .option('--filter <filter>', `KEY=VALUE (repeatable); keys: ${PRUNE_FILTERS.join(', ')}`, collectValues);
  return addContainerOptions(command)
    .addHelpText('after', PRUNE_DETAILS)
    .action((flags: PruneFlags) => attempt('container prune', flags, () => runPrune(flags)));
}

async function runPrune(flags: PruneFlags): Promise<void> {
  const { pruneContainers } = await import('../../../container/end/remove-container.js');
  const { parseUntil } = await import('../../../container/record/until.js');
  const filters = parseFilters(flags.filter, PRUNE_FILTERS);
  const until = filters.get('until')?.map((text) => parseUntil(text));
  const unwanted = filters.get('label!') ?? [];
  await confirm({ warning: 'This will remove all containers that do not run.', force: flags.force });
  const { ids, bytes } = await pruneContainers(
    await openStore(flags),
    ({ labels, createdAt }) =>
      matchesLabels(labels, filters.get('label')) &&
      !unwanted.some((text) => matchesLabels(labels, [text])) &&
      (until?.every((time) => Date.parse(createdAt) < time) ?? true),
  );
  if (ids.length > 0) print(`Deleted Containers:\n${ids.join('\n')}\n\n`);
  print(`Total reclaimed space: ${humanSize(bytes)}`);
}
