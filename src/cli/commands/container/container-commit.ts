/**
 * `plyfs container commit`, also `plyfs commit`; and `export`.
 */

import { Command } from 'commander';
import { collectValues } from '../../frame/common-options.js';
import { print, say } from '../../print/output.js';
import { addContainerOptions, attempt, type ContainerFlags, openContainer } from './each-container.js';

const COMMIT_DETAILS = `
What the container has changed becomes a layer on top of its image's; volumes and other mounts are not in it. Its
command, variables and so on become the image's configuration, changed by -c (CMD, ENTRYPOINT, ENV, WORKDIR, USER,
VOLUME, LABEL, EXPOSE, STOPSIGNAL). Its processes are stopped meanwhile. The new image's id is printed.
The same changes give the same layer; with SOURCE_DATE_EPOCH set, which becomes the image's date, the same image.

Examples:
  plyfs commit web app:2
  plyfs commit -c 'CMD ["serve"]' -m 'with certificates' web app:3`;

interface CommitFlags extends ContainerFlags {
  readonly author?: string;
  readonly change?: readonly string[];
  readonly message?: string;
  /** False with `--no-pause`. */
  readonly pause?: boolean;
}

export function commitCommand(name: 'commit' | 'container commit'): Command {
  const command = new Command('commit')
    .description('make an image of a container')
    .argument('<container>', 'name or id')
    .argument('[name]', 'NAME[:TAG]')
    .option('-a, --author <author>', 'who made it')
    .option(
      '-c, --change <instruction>',
      'an instruction of a Dockerfile to apply (repeatable)',
      collectValues,
    )
    .option('-m, --message <text>', "the history's comment")
    .option('-p, --pause', 'stop its processes meanwhile; the default', true)
    .option('--no-pause', 'let its processes go on');
  return addContainerOptions(command)
    .addHelpText('after', COMMIT_DETAILS)
    .action((text: string, image: string | undefined, flags: CommitFlags) =>
      attempt(name, flags, async () => {
        const { commitContainer } = await import('../../../container/changes/commit-container.js');
        const { noticeLines } = await import('../../../image/layer/notice-lines.js');
        const { store, record } = await openContainer(text, flags);
        const { id, notices } = await commitContainer(store, record, {
          name: image,
          changes: flags.change,
          author: flags.author,
          comment: flags.message,
          pause: flags.pause !== false,
        });
        for (const line of noticeLines(new Map(notices))) say(`plyfs ${name}: ${line}`);
        print(id);
      }),
    );
}

const EXPORT_DETAILS = `
The whole tree, image and changes, in one tar; volumes and other mounts are not in it.

Examples:
  plyfs container export web | gzip > web.tar.gz
  plyfs container export -o web.tar web`;

export function exportCommand(name: 'export' | 'container export'): Command {
  const command = new Command('export')
    .description("write a container's tree as a tar")
    .argument('<container>', 'name or id')
    .option('-o, --output <file>', 'where to write (default: standard output)');
  return addContainerOptions(command)
    .addHelpText('after', EXPORT_DETAILS)
    .action((text: string, flags: ContainerFlags & { readonly output?: string }) =>
      attempt(name, flags, async () => {
        const { exportContainer } = await import('../../../container/changes/export-container.js');
        const { writeOutput } = await import('../../../archive/streams/output-file.js');
        const { noticeLines } = await import('../../../image/layer/notice-lines.js');
        const { byteProgress } = await import('../../print/progress.js');
        const { store, record } = await openContainer(text, flags);
        using exported = exportContainer(store, record);
        using progress = byteProgress('writing');
        await writeOutput(flags.output, exported.chunks, progress.add);
        progress.end();
        for (const line of noticeLines(new Map(exported.notices))) say(`plyfs ${name}: ${line}`);
      }),
    );
}
