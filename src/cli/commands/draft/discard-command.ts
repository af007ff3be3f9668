/**
 * `plyfs discard`: throws drafts away, or single changes of one.
 */

import { Command } from 'commander';
import { collectValues } from '../../frame/common-options.js';
import { addStoreOptions, attempt, attemptEach, type StoreFlags } from '../../frame/store-command.js';
import { print, shown } from '../../print/output.js';
import { openDrafts } from './open-drafts.js';

const DETAILS = `
With --only the changes there are taken out of the draft, and those in a new or renamed directory along with it. Its other names
keep a file, and a directory that was replaced its deletions: those are refused.

Examples:
  plyfs discard upgrade
  plyfs discard upgrade --only '*.log' --only /var/cache
  plyfs drafts -q | xargs plyfs discard`;

interface DiscardFlags extends StoreFlags {
  readonly only?: string[];
}

export function discardCommand(): Command {
  const command = new Command('discard')
    .description('throw drafts away; the host stays as it is')
    .argument('<draft...>', 'their names; of binds with cow CONTAINER:TARGET or MOUNTPOINT:TARGET')
    .option('--only <glob>', 'a path, directory or glob (repeatable; default: everything)', collectValues);
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((names: readonly string[], flags: DiscardFlags) =>
      flags.only === undefined
        ? discardAll(names, flags)
        : attempt('discard', flags, () => discardSome(names, flags)),
    );
}

async function discardAll(names: readonly string[], flags: StoreFlags): Promise<void> {
  const { discardDraft } = await import('../../../draft/discard-draft.js');
  await attemptEach('discard', flags, names, async (name) => {
    await discardDraft(await openDrafts(flags), name);
    print(shown(name));
  });
}

async function discardSome([name = '', ...others]: readonly string[], flags: DiscardFlags): Promise<void> {
  const { UserError } = await import('../../../errno/user-error.js');
  if (others.length > 0) throw new UserError('--only takes changes out of one draft, and several are named');
  const { discardChanges } = await import('../../../draft/discard-changes.js');
  const { joined } = await import('../../../draft/changes/beneath-tree.js');
  const { displayName } = await import('../../../vfs/name.js');
  const store = await openDrafts(flags);
  const taken = await discardChanges(store, name, { only: flags.only ?? [], cwd: process.cwd() });
  if (taken.length === 0)
    throw new UserError(`draft '${name}' has no such change`, { hint: `plyfs review ${name}` });
  for (const { area, path } of taken) print(shown(displayName(joined(area.path, path))));
}
