/**
 * `plyfs image tags`: what tags a repository of a registry has.
 */

import { Command, Option } from 'commander';
import { DEBUG_FLAG } from '../../frame/common-options.js';
import { attempt } from '../../frame/store-command.js';
import { jsonText, print, printShown, shown } from '../../print/output.js';

const DETAILS = `
A line for each tag, in the order that the registry has. --format json prints an object with Repository and Tags.

Examples:
  plyfs image tags localhost:5000/team/app
  plyfs image tags debian --format json | jq -r '.Tags[]'`;

interface TagsFlags {
  readonly insecure?: boolean;
  readonly format?: string;
  readonly debug?: boolean;
}

export function imageTagsCommand(): Command {
  return new Command('tags')
    .description('list the tags of a repository of a registry')
    .argument('<repository>', '[HOST[:PORT]/]PATH')
    .addOption(new Option('--format <format>', "'json', or a line each").choices(['json', 'table']))
    .option('--insecure', 'plain http, or a certificate that cannot be verified, will do')
    .option(DEBUG_FLAG, 'stack traces with errors')
    .addHelpText('after', DETAILS)
    .action((name: string, flags: TagsFlags) =>
      attempt('image tags', { debug: flags.debug === true }, () => runTags(name, flags)),
    );
}

async function runTags(name: string, flags: TagsFlags): Promise<void> {
  const { formatReference, parseReference } = await import('../../../image/oci/reference.js');
  const { openRegistry } = await import('../../../image/registry/copy-image.js');
  const reference = parseReference(name);
  using registry = openRegistry(reference, { insecure: flags.insecure === true });
  const tags = await registry.tags(reference.path);
  const { host, path } = reference;
  if (flags.format === 'json')
    printShown(jsonText({ Repository: formatReference({ host, path }), Tags: tags }));
  else print(tags.map((tag) => `${shown(tag)}\n`).join(''));
}
