/** `plyfs completion`: what a shell reads to complete plyfs; and what it then asks. */

import { Argument, Command } from 'commander';
import { hasCode } from '../../../errno/error-code.js';
import { UserError } from '../../../errno/user-error.js';
import { commandName } from '../../frame/global-options.js';
import { openStoreAsItIs, type StoreFlags } from '../../frame/store-command.js';
import type { NameKind } from '../../help/complete-words.js';
import type { Shell } from '../../help/completion-scripts.js';
import { printShown } from '../../print/output.js';

const DETAILS = `
Commands, options, and names of containers, images, volumes, drafts, snapshots and mounts are completed; elsewhere files.

Examples:
  source <(plyfs completion bash)                                        in this shell; or in ~/.bashrc
  plyfs completion zsh >"\${fpath[1]}/_plyfs"
  plyfs completion fish >~/.config/fish/completions/plyfs.fish`;

export function completionCommand(): Command {
  return new Command('completion')
    .description('print what a shell reads to complete plyfs')
    .addArgument(new Argument('<shell>', 'which shell').choices(['bash', 'zsh', 'fish']))
    .addHelpText('after', DETAILS)
    .action(async (shell: Shell) => {
      const { completionScript } = await import('../../help/completion-scripts.js');
      printShown(completionScript(shell));
    });
}

/** For shells alone: never says why it has nothing to offer. */
export function completeCommand(build: (wanted?: string) => Promise<Command>): Command {
  return new Command('complete')
    .description('print what may stand at the end of a command line, one word a line')
    .argument('[word...]', 'what was typed behind plyfs')
    .addHelpText('after', '\nExample:\n  plyfs complete -- volume rm d')
    .passThroughOptions()
    .action(async (words: readonly string[]) => {
      const { completeWords } = await import('../../help/complete-words.js');
      const program = await build(words.length > 1 ? commandName(words) : undefined);
      const { words: own, kinds, before } = completeWords(program, words);
      const root = rootIn(words);
      const flags = root === undefined ? {} : { root };
      const names = await Promise.all(kinds.map((kind) => namesOf(kind, flags, before)));
      const typed = words.at(-1) ?? '';
      const found = [...own, ...names.flat()].filter((name) => name.startsWith(typed));
      printShown([...new Set(found)].map((name) => `${name}\n`).join(''));
    });
}

function rootIn(words: readonly string[]): string | undefined {
  const at = words.indexOf('--root');
  return at < 0 ? undefined : words[at + 1];
}

/** Empty where there is no store, or none that this user may read. */
async function namesOf(
  kind: NameKind,
  flags: StoreFlags,
  before: readonly string[],
): Promise<readonly string[]> {
  try {
    return await lists[kind](flags, before);
  } catch (error) {
    if (error instanceof UserError || hasCode(error, 'EACCES', 'ENOENT')) return [];
    throw error;
  }
}

/** @param before the arguments that stand before the name. */
type ListNames = (flags: StoreFlags, before: readonly string[]) => Promise<readonly string[]>;

const lists: Readonly<Record<NameKind, ListNames>> = {
  container: async (flags) => {
    const { listContainers } = await import('../../../store/container-record.js');
    return listContainers(await openStoreAsItIs(flags)).map(({ name }) => name);
  },
  image: async (flags) => {
    const { listImages } = await import('../../../image/catalog/image-index.js');
    const { shortName } = await import('../../../image/oci/reference.js');
    return listImages(await openStoreAsItIs(flags)).flatMap(({ names }) => names.map(shortName));
  },
  volume: async (flags) => {
    const { listVolumes } = await import('../../../store/volume-record.js');
    return listVolumes(await openStoreAsItIs(flags)).map(({ name }) => name);
  },
  draft: async (flags) => {
    const { listDrafts } = await import('../../../draft/record/draft-record.js');
    return listDrafts(await openStoreAsItIs(flags)).map(({ name }) => name);
  },
  snapshot: async (flags, [target = '']) => {
    const { findSnapshotTarget } = await import('../../../snapshot/find-snapshot-target.js');
    const found = await findSnapshotTarget(await openStoreAsItIs(flags), target);
    return found.list().map(({ name }) => name);
  },
  mount: async () => {
    const { listMounts } = await import('../../../daemon/run-directory/list-mounts.js');
    return listMounts().map(({ mountpoint }) => mountpoint);
  },
};
