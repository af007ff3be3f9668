/**
 * `plyfs try`: runs a command on the host's tree, and keeps what it writes in a draft. `plyfs enter` goes on in one.
 */

import { resolve } from 'node:path';
import { Command } from 'commander';
import type { DraftRecord } from '../../../draft/record/draft-record.js';
import type { Store } from '../../../store/store.js';
import { collectValues } from '../../frame/common-options.js';
import { addStoreOptions, type StoreFlags } from '../../frame/store-command.js';
import { say, shown } from '../../print/output.js';
import { failToRun } from '../container/run/container-run.js';
import { openDrafts } from './open-drafts.js';

const TRY_DETAILS = `
The command sees the whole tree of this host and may change all of it: what it writes, renames and deletes goes into the
draft, and the host stays as it is. Network, processes and users are the host's; /dev, /proc, /run and /sys too, so what is
written there is not in the draft. Of an ordinary user it needs no privileges.

With -C or --over the draft covers these directories alone; everything else is read-only, and /tmp and /var/tmp are empty.
What is written in your caches (~/.cache, ~/.npm and those of Cargo and Go) goes to memory and is gone with the command;
one that is not there is in /tmp, by XDG_CACHE_HOME, npm_config_cache, CARGO_HOME or GOMODCACHE.
A draft that exists goes on with its own. Without a command the shell runs. Exit status: that of the command, 125 when
plyfs failed, 126 and 127 when it cannot be run or found.

It is no prison: root in a draft may still reach disks and processes of the host, if it is out to.

Examples:
  plyfs try make install                     a draft with a name of its own
  plyfs try --name upgrade apt-get upgrade   one by this name; a second 'try' goes on in it
  plyfs try -C ~/project npm ci              covers that directory alone
  plyfs review upgrade; plyfs apply upgrade; plyfs discard upgrade`;

const ENTER_DETAILS = `
Exit status as of 'plyfs try'.

Examples:
  plyfs enter upgrade
  plyfs enter upgrade dpkg -l`;

interface TryFlags extends StoreFlags {
  readonly name?: string;
  readonly directory?: string;
  readonly over?: string[];
  readonly quiet?: boolean;
}

export function tryCommand(): Command {
  const command = new Command('try')
    .description('run a command on this tree, and keep what it writes in a draft')
    .argument('[command...]', 'a program and its arguments (default: the shell)')
    .passThroughOptions()
    .option('--name <name>', 'of the draft: a new one, or one to go on in')
    .option('-C, --directory <dir>', 'start there; without --over the draft covers it alone')
    .option('--over <dir>', 'a directory that the draft covers (repeatable; default: all)', collectValues)
    .option('-q, --quiet', 'do not say where the changes are');
  return addStoreOptions(command)
    .addHelpText('after', TRY_DETAILS)
    .action((args: readonly string[], flags: TryFlags) => runCommand('try', flags, args, draftToTry));
}

export function enterCommand(): Command {
  const command = new Command('enter')
    .description('run a command, or a shell, in a draft')
    .argument('<draft>', 'its name')
    .argument('[command...]', 'a program and its arguments (default: the shell)')
    .passThroughOptions()
    .option('-C, --directory <dir>', 'start there')
    .option('-q, --quiet', 'do not say where the changes are');
  return addStoreOptions(command)
    .addHelpText('after', ENTER_DETAILS)
    .action((name: string, args: readonly string[], flags: TryFlags) =>
      runCommand('enter', flags, args, async (store) => {
        const { findDraft } = await import('../../../draft/record/draft-record.js');
        return findDraft(store, name);
      }),
    );
}

async function runCommand(
  word: string,
  flags: TryFlags,
  args: readonly string[],
  draftOf: (store: Store, flags: TryFlags) => Promise<DraftRecord>,
): Promise<void> {
  try {
    const store = await openDrafts(flags);
    const { runInDraft } = await import('../../../draft/run-in-draft.js');
    const { startingDirectory } = await import('../../../draft/choose-draft.js');
    const record = await draftOf(store, flags);
    const { status, isStillUsed } = await runInDraft(store, record, {
      args: args.length > 0 ? args : [process.env.SHELL ?? '/bin/sh'],
      workingDirectory: flags.directory === undefined ? startingDirectory(record) : resolve(flags.directory),
    });
    process.exitCode = status;
    if (flags.quiet === true) return;
    const name = shown(record.name);
    say(`draft '${name}' has what it wrote: plyfs review ${name}, apply ${name}, discard ${name}`);
    if (isStillUsed) say(`processes that it has started still run in draft '${name}'`);
  } catch (error) {
    await failToRun(word, error, flags);
  }
}

async function draftToTry(store: Store, flags: TryFlags): Promise<DraftRecord> {
  const { chooseDraft } = await import('../../../draft/choose-draft.js');
  return chooseDraft(store, flags);
}
