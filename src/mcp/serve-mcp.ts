/**
 * A server of the Model Context Protocol on standard input and output, by its official SDK (docs/decisions/010-mcp-package.md): an
 * agent's host starts it, asks for tools, and ends it by closing its standard input.
 *
 * INVARIANT: nothing but the protocol is written to standard output.
 */

import { McpServer } from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import type { Store } from '../store/store.js';
import { addApplyTools, addReviewTools, addTryTool } from './draft-tools.js';
import { addSnapshotTools } from './snapshot-tools.js';

interface McpOptions {
  readonly version: string;
  /** Whether there are tools that write on the host: apply and undo. */
  readonly mayApply: boolean;
  readonly log: (line: string) => void;
}

const INSTRUCTIONS = `plyfs runs commands on the real files of this host without changing them: 'try' keeps what they write in a draft, \
'review' tells the changes, 'apply' carries them out, 'discard' throws them away, 'undo' takes the last apply back. \
Use the same draft for commands that belong together. Containers have snapshots to go back to, and forks.`;

/** Resolves when the host has closed standard input. */
export function serveMcp(store: Store, { version, mayApply, log }: McpOptions): Promise<void> {
  return new Promise((resolve) => {
    const transport = new StdioServerTransport();
    const makeServer = (): McpServer => {
      const server = new McpServer({ name: 'plyfs', version }, { instructions: INSTRUCTIONS });
      addTryTool(server, store);
      addReviewTools(server, store);
      if (mayApply) addApplyTools(server, store);
      addSnapshotTools(server, store);
      return server;
    };
    process.stdin.once('end', resolve);
    process.stdin.once('close', resolve);
    serveStdio(makeServer, { transport, onerror: (error) => log(error.message) });
  });
}
