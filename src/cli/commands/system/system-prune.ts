/**
 * `plyfs system prune`: all that nobody uses, in an order in which what goes frees what it used.
 */

import { Command } from 'commander';
import { collectValues } from '../../frame/common-options.js';
import { confirm } from '../../frame/confirm.js';
import { type Filters, matchesLabels, parseFilters } from '../../frame/list-options.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../frame/store-command.js';
import { print } from '../../print/output.js';
import { humanSize } from '../../print/progress.js';
import type { Wanted } from '../../system/prune-system.js';
import { volumeFilter } from '../volume/volume-list.js';

const FILTERS = ['label', 'label!', 'until'];

const DETAILS = `
Removes containers that do not run, images without a name with the layers and blobs that nothing else has, and with
--volumes the anonymous volumes that nobody uses. -a: also images with a name that no container has.

Filters, for all of them: label=KEY[=VALUE], label!=KEY[=VALUE], until=AGE (10m, 24h, 7d) or a date.

Examples:
  plyfs system prune
  plyfs system prune --all --volumes --force`;

interface PruneFlags extends StoreFlags {
  readonly all?: boolean;
  readonly volumes?: boolean;
  readonly force?: boolean;
  readonly filter?: readonly string[];
}

export function systemPruneCommand(): Command {
  const command = new Command('prune')
    .description('remove what nobody uses')
    .option('-a, --all', 'also images with a name that no container has')
    .option('--volumes', 'also anonymous volumes')
    .option('--filter <filter>', `KEY=VALUE; may be repeated; keys: ${FILTERS.join(', ')}`, collectValues)
    .option('-f, --force', 'do not ask');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((flags: PruneFlags) => attempt('system prune', flags, () => runPrune(flags)));
}

async function runPrune(flags: PruneFlags): Promise<void> {
  const { prunableContainers, pruneSystem } = await import('../../system/prune-system.js');
  const { parseUntil } = await import('../../../container/record/until.js');
  const filters = parseFilters(flags.filter, FILTERS);
  const until = (filters.get('until') ?? []).map((text) => parseUntil(text));
  const wanted: Wanted = (labels, createdAt) =>
    isWanted(labels, filters) && until.every((limit) => Date.parse(createdAt) < limit);
  const store = await openStore(flags);
  const idle = prunableContainers(store, wanted).length;
  await confirm({ warning: warningOf(flags, idle), force: flags.force });
  const pruned = await pruneSystem(store, {
    all: flags.all === true,
    volumes: flags.volumes === true ? { ...volumeFilter(filters), until } : undefined,
    wanted,
  });
  section('Deleted Containers', pruned.containers);
  section('Deleted Volumes', pruned.volumes);
  section('Deleted Images', [
    ...pruned.untagged.map((name) => `untagged: ${name}`),
    ...pruned.images.map((id) => `deleted: ${id}`),
  ]);
  print(`Total reclaimed space: ${humanSize(pruned.bytes)}`);
}

/** What stopped containers have written is lost with them: so it says how many. */
function warningOf({ all, volumes }: PruneFlags, idle: number): string {
  const what = [
    `${idle} stopped container${idle === 1 ? '' : 's'}`,
    all ? 'all images that no container has' : 'all images without a name',
    ...(volumes ? ['all anonymous volumes that nobody uses'] : []),
  ];
  return `This will remove ${what.join(', ')}.`;
}

function isWanted(labels: Readonly<Record<string, string>>, filters: Filters): boolean {
  const unwanted = filters.get('label!') ?? [];
  return (
    matchesLabels(labels, filters.get('label')) && !unwanted.some((text) => matchesLabels(labels, [text]))
  );
}

function section(title: string, lines: readonly string[]): void {
  if (lines.length > 0) print(`${title}:\n${lines.join('\n')}\n\n`);
}
