/**
 * `plyfs apply`: carries changes of a draft out on the host. `plyfs undo` takes that back.
 */

import { Command } from 'commander';
import type { Permit } from '../../../draft/changes/attention.js';
import { collectValues } from '../../frame/common-options.js';
import { confirm } from '../../frame/confirm.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../frame/store-command.js';
import { print, printShown, say, shown } from '../../print/output.js';
import { type ApplyChoice, askForChanges } from './ask-for-changes.js';
import { changeLine } from './review-command.js';

const APPLY_DETAILS = `
All or nothing: what the host refuses, or what is killed half-way, leaves the host as it was; after a kill the next of these
commands puts it right. What was applied is no longer in the draft. With --only a part is applied, and what cannot be
without: the directory that a file lies in, a rename and what lies in the renamed directory.

What the host has changed since it was copied into the draft is a conflict: each is listed with its three sides, and nothing is
written until --on-conflict says which side wins ('host' leaves those changes in the draft), or --interactive asks for each.
Setuid and setgid programs and capabilities, devices, and files that others run or obey (git hooks, cron, units, shell start
files; see 'plyfs review') each want a word of their own.

CONTAINER:TARGET names a bind with cow of a container that does not run, MOUNTPOINT:TARGET one of a mount that is
unmounted ('plyfs drafts --all').

Examples:
  plyfs apply upgrade
  plyfs apply upgrade --only '/etc/*' --yes
  plyfs apply upgrade --hunk --only src/main.c
  plyfs undo`;

interface ApplyFlags extends StoreFlags {
  readonly only?: string[];
  readonly hunk?: boolean;
  readonly interactive?: boolean;
  readonly yes?: boolean;
  readonly onConflict?: string;
  readonly allowSetuid?: boolean;
  readonly allowDevices?: boolean;
  readonly allowHooks?: boolean;
}

export function applyCommand(): Command {
  const command = new Command('apply')
    .description('carry changes of a draft out on the host')
    .argument('<draft>', 'its name, CONTAINER:TARGET or MOUNTPOINT:TARGET')
    .option('--only <glob>', 'a path, directory or glob (repeatable; default: everything)', collectValues)
    .option('-i, --interactive', 'ask for each change')
    .option('--hunk', 'ask for each hunk of texts')
    .option('-y, --yes', 'do not ask whether to begin')
    .option('--on-conflict <side>', "'draft' or 'host': which one wins where the host has changed too")
    .option('--allow-setuid', 'also setuid and setgid programs, and capabilities')
    .option('--allow-devices', 'also devices')
    .option('--allow-hooks', 'also what others run or obey: hooks, cron, units, shell start files');
  return addStoreOptions(command)
    .addHelpText('after', APPLY_DETAILS)
    .action((name: string, flags: ApplyFlags, own: Command) => {
      const { onConflict } = flags;
      if (onConflict !== undefined && onConflict !== 'draft' && onConflict !== 'host')
        own.error(`invalid side '${onConflict}' for --on-conflict`);
      return attempt('apply', flags, () => runApply(name, flags));
    });
}

async function runApply(name: string, flags: ApplyFlags): Promise<void> {
  const { UserError } = await import('../../../errno/user-error.js');
  const { openForApply, planApply } = await import('../../../draft/prepare-apply.js');
  const { applyToHost } = await import('../../../draft/apply/apply-draft.js');
  const store = await openStore(flags);
  await using opened = await openForApply(store, name);
  const permits = new Set<Permit>([
    ...(flags.allowSetuid ? (['setuid'] as const) : []),
    ...(flags.allowDevices ? (['devices'] as const) : []),
    ...(flags.allowHooks ? (['hooks'] as const) : []),
  ]);
  const plan = planApply(opened, { only: flags.only ?? [], cwd: process.cwd() });
  if (plan.changes.length === 0) {
    if (opened.all.changes.length > 0)
      throw new UserError(`draft '${name}' has no such change`, {
        code: 'ERR_NOT_FOUND',
        hint: `'plyfs review --name-only ${name}' shows those there are; '*' stops at a slash, '**' does not`,
      });
    say(`draft '${shown(name)}' has nothing to apply`);
    return;
  }
  const choice: ApplyChoice = await askForChanges(plan, {
    asksForChanges: flags.interactive === true,
    asksForHunks: flags.hunk === true,
    onConflict: flags.onConflict as 'draft' | 'host' | undefined,
    permits,
  });
  if (choice.chosen.length === 0) throw new UserError('nothing was chosen, nothing is applied');
  const lines = plan.reviewed
    .filter(({ change }) => choice.chosen.some((one) => one.change === change))
    .map((one) => `${changeLine(one)}\n`);
  if (flags.yes !== true && !choice.hasAsked) {
    printShown(lines.join(''));
    await confirm({
      warning: `${lines.length} changes of draft '${name}' will be carried out on this host.`,
      force: false,
    });
  }
  applyToHost(store, opened.record, opened.all, choice.chosen);
  if (flags.yes === true || choice.hasAsked) printShown(lines.join(''));
}

const UNDO_DETAILS = `
The host is as before the last apply, in bytes, modes, owners, times, attributes and hard links. The draft has its changes
again, but for those in whose places it was used since. What somebody has changed since in the same places is refused, and nothing
is taken back then. The last three applies can be taken back, one after the other.

Examples:
  plyfs undo`;

export function undoCommand(): Command {
  const command = new Command('undo').description('take the last apply back');
  return addStoreOptions(command)
    .addHelpText('after', UNDO_DETAILS)
    .action((flags: StoreFlags) => attempt('undo', flags, () => runUndo(flags)));
}

async function runUndo(flags: StoreFlags): Promise<void> {
  const { undoLastApply } = await import('../../../draft/draft-calls.js');
  const { draft, isRefilled } = await undoLastApply(await openStore(flags));
  print(shown(draft));
  say(
    isRefilled
      ? `draft '${shown(draft)}' has its changes again`
      : `draft '${shown(draft)}' has not all of its changes again: it was used since, or is gone`,
  );
}
