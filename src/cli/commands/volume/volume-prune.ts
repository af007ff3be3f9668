/**
 * `plyfs volume prune`.
 */

import { Command } from 'commander';
import { collectValues } from '../../frame/common-options.js';
import { confirm } from '../../frame/confirm.js';
import { parseFilters } from '../../frame/list-options.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../frame/store-command.js';
import { print } from '../../print/output.js';
import { humanSize } from '../../print/progress.js';
import { volumeFilter } from './volume-list.js';

const DETAILS = `
Removes the anonymous volumes that no container has and no mount uses. Asks first; in a pipe a line 'y' is the answer,
and at the end of the input nothing is removed and the exit status is 1.

Filters: label=KEY[=VALUE], label!=KEY[=VALUE], all=true (as --all), until=AGE (10m, 24h, 7d) or a date: volumes made before.

Examples:
  plyfs volume prune
  plyfs volume prune --all --force --filter label!=keep`;

const FILTERS = ['label', 'label!', 'all', 'until'];

interface PruneFlags extends StoreFlags {
  readonly all?: boolean;
  readonly force?: boolean;
  readonly filter?: readonly string[];
}

export function volumePruneCommand(): Command {
  const command = new Command('prune')
    .description('remove the volumes that nobody uses')
    .option('-a, --all', 'also those with a name')
    .option('--filter <filter>', `KEY=VALUE; may be repeated; keys: ${FILTERS.join(', ')}`, collectValues)
    .option('-f, --force', 'do not ask');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((flags: PruneFlags) => attempt('volume prune', flags, () => runPrune(flags)));
}

async function runPrune(flags: PruneFlags): Promise<void> {
  const { pruneVolumes } = await import('../../../volume/prune-volumes.js');
  const { runningMounts } = await import('../../../daemon/run-directory/store-users.js');
  const { parseUntil } = await import('../../../container/record/until.js');
  const filters = parseFilters(flags.filter, FILTERS);
  const until = (filters.get('until') ?? []).map((text) => parseUntil(text));
  const all = flags.all === true || ['true', '1'].includes(filters.get('all')?.at(-1) ?? '');
  const which = all ? 'all volumes' : 'the anonymous volumes';
  await confirm({
    warning: `This will remove ${which} that no container has and no mount uses.`,
    force: flags.force,
  });
  const store = await openStore(flags);
  const running = runningMounts(store.root);
  const { names, bytes } = pruneVolumes(store, { all, filter: { ...volumeFilter(filters), until }, running });
  if (names.length > 0) print(`Deleted Volumes:\n${names.join('\n')}\n\n`);
  print(`Total reclaimed space: ${humanSize(bytes)}`);
}
