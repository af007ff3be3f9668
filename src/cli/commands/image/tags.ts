/**
 * `plyfs image tags`: what tags a repository of a registry has.
 */

import { Command, Option } from 'commander';
import { DEBUG_FLAG } from '../../options.js';
import { print } from '../../output.js';
import { attempt } from '../../store-command.js';

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
  const { formatReference, parseReference } = await import('../../../image/reference.js');
  const { openRegistry } = await import('../../../image/registry/copy.js');
  const reference = parseReference(name);
  using registry = openRegistry(reference, { insecure: flags.insecure === true });
  const tags = await registry.tags(reference.path);
  const { host, path } = reference;
  if (flags.format === 'json')
    print(JSON.stringify({ Repository: formatReference({ host, path }), Tags: tags }));
  else print(tags.map((tag) => `${tag}\n`).join(''));
}
