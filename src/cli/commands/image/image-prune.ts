/**
 * `plyfs image prune`: images that nobody needs go.
 */

import { Command } from 'commander';
import { collectValues } from '../../frame/common-options.js';
import { confirm } from '../../frame/confirm.js';
import { matchesLabels, parseFilters } from '../../frame/list-options.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../frame/store-command.js';
import { print } from '../../print/output.js';
import { humanSize } from '../../print/progress.js';

const FILTERS = ['label', 'label!', 'until'];

const DETAILS = `
Removed are images that have lost their name to a newer one, the steps that builds keep for their cache, and what broken pulls
have left. With -a also every image of which there is no container, named or not. Nothing that a container needs goes.
Filters: label=KEY[=VALUE], label!=KEY[=VALUE], until=AGE (10m, 24h, 7d) or a date: images made before.

Examples:
  plyfs image prune -f
  plyfs image prune -a --filter until=24h`;

interface PruneFlags extends StoreFlags {
  readonly all?: boolean;
  readonly force?: boolean;
  readonly filter?: readonly string[];
}

export function imagePruneCommand(): Command {
  const command = new Command('prune')
    .description('remove images that have no name; with -a all that no container uses')
    .option('-a, --all', 'also named images that no container uses')
    .option('-f, --force', 'do not ask')
    .option('--filter <filter>', `KEY=VALUE (repeatable); keys: ${FILTERS.join(', ')}`, collectValues);
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((flags: PruneFlags) => attempt('image prune', flags, () => runPrune(flags)));
}

async function runPrune(flags: PruneFlags): Promise<void> {
  const { pruneImages } = await import('../../../image/catalog/remove-image.js');
  const { parseUntil } = await import('../../../container/record/until.js');
  const filters = parseFilters(flags.filter, FILTERS);
  const until = (filters.get('until') ?? []).map((text) => parseUntil(text));
  const what = flags.all ? 'all images that no container uses' : 'all images without a name';
  await confirm({ warning: `This will remove ${what}.`, force: flags.force });
  const removal = pruneImages(await openStore(flags), {
    all: flags.all === true,
    keep: ({ config }) => {
      const labels = config.config?.Labels ?? {};
      if (!matchesLabels(labels, filters.get('label'))) return true;
      if (filters.get('label!')?.some((label) => matchesLabels(labels, [label]))) return true;
      return until.some((limit) => !(Date.parse(config.created ?? '') < limit));
    },
  });
  for (const name of removal.untagged) print(`Untagged: ${name}`);
  for (const id of removal.deleted) print(`Deleted: ${id}`);
  print(`Total reclaimed space: ${humanSize(removal.freedBytes)}`);
}
