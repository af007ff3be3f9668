/**
 * `plyfs container diff`, also `plyfs diff`: what a container has changed.
 */

import { Command } from 'commander';
import { formatJson } from '../../print/format-table.js';
import { printShown, shown } from '../../print/output.js';
import { addContainerOptions, attempt, type ContainerFlags, openContainer } from './each-container.js';

const DETAILS = `
A added, C changed, D deleted; sorted by path. Volumes and other mounts are not the container's own and do not count.

Examples:
  plyfs diff web
  plyfs diff --format json web`;

export function diffCommand(name: 'diff' | 'container diff'): Command {
  const command = new Command('diff')
    .description('show what a container has changed in its image')
    .argument('<container>', 'name or id')
    .option('--format <format>', "'text' or 'json'", 'text');
  return addContainerOptions(command)
    .addHelpText('after', DETAILS)
    .action((text: string, flags: ContainerFlags & { readonly format: string }) =>
      attempt(name, flags, async () => {
        const { diffContainer } = await import('../../../container/changes/diff-container.js');
        const { store, record } = await openContainer(text, flags);
        const changes = diffContainer(store, record);
        if (flags.format === 'json')
          printShown(formatJson(changes.map(({ kind, path }) => ({ Kind: kind, Path: path }))));
        else for (const { kind, path } of changes) printShown(`${kind} ${shown(path)}`);
      }),
    );
}
