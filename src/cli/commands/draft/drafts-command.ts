/**
 * `plyfs drafts`: which drafts there are. `plyfs discard` throws one away.
 */

import { Command } from 'commander';
import type { ListedDraft } from '../../../draft/list-drafts.js';
import { addListOptions, formatList, type ListFlags, type ListShape } from '../../frame/list-options.js';
import { attempt, ROOT_FLAG, ROOT_TEXT, type StoreFlags } from '../../frame/store-command.js';
import { keyLines, type Row } from '../../print/format-table.js';
import { printShown } from '../../print/output.js';
import { openDrafts } from './open-drafts.js';

const SHAPE: ListShape = {
  keys: ['Name', 'CreatedAt', 'CreatedSince', 'State', 'Over', 'Command', 'ExitCode'],
  columns: [
    { title: 'DRAFT', key: 'Name' },
    { title: 'CREATED', key: 'CreatedSince' },
    { title: 'STATE', key: 'State' },
    { title: 'OVER', key: 'Over' },
    { title: 'LAST COMMAND', key: 'Command' },
  ],
  quietKey: 'Name',
};

const DETAILS = `
STATE is 'in use' while a command runs in the draft or what it has left behind does; of a bind, while its container or
mount is mounted. OVER has the directories that it covers. With --all, what was changed in binds with cow of containers and of
'plyfs mount' is told too: 'plyfs review web:/work', 'apply' and 'discard' take such a name as that of a draft.
Keys of --format json and of a template:
${keyLines(SHAPE.keys)}.

Examples:
  plyfs drafts
  plyfs drafts -q
  plyfs drafts --all
  plyfs drafts --format '{{.Name}}\\t{{.Command}}'`;

type DraftsFlags = ListFlags & StoreFlags & { readonly all?: boolean };

export function draftsCommand(): Command {
  const command = new Command('drafts')
    .description('list drafts: what commands of plyfs try have written')
    .argument('[ls]', 'nothing else')
    .option('-a, --all', 'also binds with cow, as CONTAINER:TARGET or MOUNTPOINT:TARGET')
    .option(ROOT_FLAG, ROOT_TEXT);
  return addListOptions(command, 'names only', [])
    .addHelpText('after', DETAILS)
    .action((word: string | undefined, flags: DraftsFlags, own: Command) => {
      if (word !== undefined && word !== 'ls') own.error(`too many arguments: '${word}'`);
      return attempt('drafts', flags, () => runList(flags));
    });
}

async function runList(flags: DraftsFlags): Promise<void> {
  const { describeDrafts } = await import('../../../draft/list-drafts.js');
  const store = await openDrafts(flags);
  printShown(formatList(describeDrafts(store, { withBinds: flags.all === true }).map(rowOf), flags, SHAPE));
}

function rowOf({ record, age, isUsed, over }: ListedDraft): Row {
  return {
    Name: record.name,
    CreatedAt: record.createdAt,
    CreatedSince: age,
    State: isUsed ? 'in use' : 'idle',
    Over: over,
    Command: (record.lastCommand ?? []).join(' '),
    ExitCode: record.lastStatus ?? 0,
  };
}
