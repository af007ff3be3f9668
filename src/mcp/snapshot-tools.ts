/** The tools about snapshots and forks: states that can be gone back to. */

import type { McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { compareTrees } from '../image/contents/compare-trees.js';
import { findSnapshotTarget } from '../snapshot/find-snapshot-target.js';
import type { Store } from '../store/store.js';
import { displayName } from '../vfs/name.js';
import { answered } from './tool-result.js';

const DIFFERENCES = 1000;

const target = z
  .string()
  .describe(
    'a container, volume, draft or mount point; container:, volume:, draft: or mount: before it says which',
  );
const snapshot = z.string().describe('name of the snapshot');

export function addSnapshotTools(server: McpServer, store: Store): void {
  server.registerTool(
    'snapshot_create',
    {
      title: 'Take a snapshot',
      description:
        'Keeps the state of a container (also while it runs), volume or draft under a name. Of a container nothing is copied: it takes some 50 ms. Volumes and drafts are copied.',
      inputSchema: z.object({
        target,
        name: snapshot,
        pause: z.boolean().default(true).describe('stop its processes meanwhile'),
      }),
      outputSchema: z.object({ kind: z.string(), target: z.string(), name: z.string() }),
      annotations: { readOnlyHint: false, destructiveHint: false },
    },
    ({ target: text, name, pause }) =>
      answered(async () => {
        const found = await findSnapshotTarget(store, text);
        await found.create(name, { pause });
        return { kind: found.kind, target: found.name, name };
      }),
  );
  server.registerTool(
    'snapshot_list',
    {
      title: 'List snapshots',
      description: 'Lists the snapshots of a container, volume, draft or mount, the oldest first.',
      inputSchema: z.object({ target }),
      outputSchema: z.object({
        snapshots: z.array(
          z.object({ name: z.string(), createdAt: z.string(), isCurrent: z.boolean().optional() }),
        ),
      }),
      annotations: { readOnlyHint: true },
    },
    ({ target: text }) =>
      answered(async () => ({
        snapshots: (await findSnapshotTarget(store, text)).list().map(({ name, createdAt, isCurrent }) => ({
          name,
          createdAt,
          ...(isCurrent === undefined ? {} : { isCurrent }),
        })),
      })),
  );
  addDiffTool(server, store);
  addRestoreTools(server, store);
  addForkTool(server, store);
}

/** The tools that go back to a snapshot, or take one away. */
function addRestoreTools(server: McpServer, store: Store): void {
  server.registerTool(
    'snapshot_restore',
    {
      title: 'Go back to a snapshot',
      description:
        'Makes a container, volume, draft or mount what it was (rewind); what was changed since is gone unless a snapshot has it. Refused with code ERR_IN_USE while it runs, is mounted or used; a mount while something is open in it.',
      inputSchema: z.object({ target, name: snapshot }),
      outputSchema: z.object({ kind: z.string(), target: z.string(), name: z.string() }),
      annotations: { readOnlyHint: false, destructiveHint: true },
    },
    ({ target: text, name }) =>
      answered(async () => {
        const found = await findSnapshotTarget(store, text);
        await found.restore(name);
        return { kind: found.kind, target: found.name, name };
      }),
  );
  server.registerTool(
    'snapshot_remove',
    {
      title: 'Remove a snapshot',
      description: 'Removes a snapshot; what it was taken of stays as it is.',
      inputSchema: z.object({ target, name: snapshot }),
      outputSchema: z.object({ name: z.string() }),
      annotations: { readOnlyHint: false, destructiveHint: true },
    },
    ({ target: text, name }) =>
      answered(async () => {
        await (await findSnapshotTarget(store, text)).remove(name);
        return { name };
      }),
  );
}

function addDiffTool(server: McpServer, store: Store): void {
  server.registerTool(
    'snapshot_diff',
    {
      title: 'Compare snapshots',
      description: 'Tells what differs between a snapshot and another one, or what there is now.',
      inputSchema: z.object({
        target,
        name: snapshot,
        other: z.string().optional().describe('a second snapshot; default: what it is now'),
        offset: z.number().int().nonnegative().default(0),
        limit: z.number().int().positive().max(10_000).default(DIFFERENCES),
      }),
      outputSchema: z.object({
        total: z.number(),
        differences: z.array(
          z.object({
            kind: z.enum(['A', 'C', 'D', 'R']).describe('added, changed, deleted, renamed'),
            path: z.string(),
            from: z.string().optional(),
            aspects: z.array(z.string()),
          }),
        ),
      }),
      annotations: { readOnlyHint: true },
    },
    ({ target: text, name, other, offset, limit }) =>
      answered(async () => {
        using states = (await findSnapshotTarget(store, text)).open(name, other);
        const found = compareTrees(states.before, states.after, { ignoresTimes: false })
          .map(states.shown)
          .filter((one) => one !== undefined);
        const differences = found.slice(offset, offset + limit).map(({ kind, path, from, aspects }) => ({
          kind,
          path: `/${displayName(path)}`,
          ...(from === undefined ? {} : { from: `/${displayName(from)}` }),
          aspects,
        }));
        return { total: found.length, differences };
      }),
  );
}

function addForkTool(server: McpServer, store: Store): void {
  server.registerTool(
    'fork',
    {
      title: 'Fork a container, volume or draft',
      description:
        'Makes a second container, volume or draft out of what one is now, or of one of its snapshots. Containers share what there is, and nothing is copied.',
      inputSchema: z.object({
        target,
        name: z.string().describe('of the second'),
        snapshot: z.string().optional(),
        pause: z.boolean().default(true).describe('stop its processes meanwhile'),
      }),
      outputSchema: z.object({ id: z.string(), name: z.string() }),
      annotations: { readOnlyHint: false, destructiveHint: false },
    },
    ({ target: text, name, snapshot: from, pause }) =>
      answered(async () => {
        const id = await (await findSnapshotTarget(store, text)).fork(name, { snapshot: from, pause });
        return { id, name };
      }),
  );
}
