/**
 * `plyfs mcp`: tools for agents, by the Model Context Protocol.
 */

import { Command } from 'commander';
import { version } from '../../daemon/config/plyfs-version.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../frame/store-command.js';
import { say } from '../print/output.js';

const DETAILS = `
An agent's host starts it, and ends it by closing its standard input. The tools: try, drafts, review, apply, undo, discard,
snapshot_create, snapshot_list, snapshot_diff, snapshot_restore, snapshot_remove, fork; what they do is what the commands
of these names do. With --no-apply there is no tool that writes on the host: a person applies drafts.

In the host's configuration:
  { "mcpServers": { "plyfs": { "command": "plyfs", "args": ["mcp", "--no-apply"] } } }

Examples:
  plyfs mcp
  plyfs mcp --no-apply`;

export function mcpCommand(): Command {
  const command = new Command('mcp')
    .description('offer drafts and snapshots to an agent, as tools of the Model Context Protocol')
    .option('--no-apply', 'leave out the tools that write on the host');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((flags: StoreFlags & { readonly apply?: boolean }) =>
      attempt('mcp', flags, async () => {
        const store = await openStore(flags);
        const { serveMcp } = await import('../../mcp/serve-mcp.js');
        await serveMcp(store, {
          version: version(),
          mayApply: flags.apply !== false,
          log: (line) => say(`plyfs mcp: ${line}`),
        });
      }),
    );
}
