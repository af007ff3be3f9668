/** The tools about drafts: a command is tried on the host's tree, its changes are looked at, kept or thrown away. */

import { resolve } from 'node:path';
import type { McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { recoverApplies } from '../draft/apply/undo-apply.js';
import { chooseDraft, startingDirectory } from '../draft/choose-draft.js';
import type { ChangeDescription } from '../draft/describe-change.js';
import { applyDraft, discardFromDraft, reviewDraft, undoLastApply } from '../draft/draft-calls.js';
import { describeDrafts } from '../draft/list-drafts.js';
import { tryApart } from '../draft/try-apart.js';
import type { Store } from '../store/store.js';
import { answered } from './tool-result.js';

/** How much of each output of a command an answer has; the end counts. */
const OUTPUT_BYTES = 64 << 10;
/** Changes in one answer, where nothing else is asked for, and characters of one patch. */
const CHANGES = 200;
const PATCH_LENGTH = 16 << 10;
const MS = 1000;

const draft = z.string().describe('name of the draft');
const only = z
  .array(z.string())
  .optional()
  .describe('paths, directories or globs; a glob without a slash is one of names; default: everything');
const change = z.object({
  kind: z.enum(['deleted', 'moved', 'added', 'changed']),
  path: z.string(),
  from: z.string().optional().describe('where a moved object was'),
  type: z.string(),
  notes: z.array(z.string()).describe('what is new about it'),
  marks: z.array(z.string()).describe('what deserves a second look: setuid, git hook, cron, hidden ...'),
  content: z.string().optional().describe("'text', or a kind of binary"),
  linesAdded: z.number(),
  linesRemoved: z.number(),
  patch: z.string().describe('hunks of a text, as of diff(1)'),
  isPatchCut: z.boolean().optional(),
});
const briefChange = change.pick({ kind: true, path: true, from: true, marks: true });

const tryInput = z.object({
  command: z.array(z.string()).min(1).describe('a program and its arguments; no shell is put between'),
  draft: z.string().optional().describe('a new name, or a draft to go on in; default: a name is made'),
  directory: z
    .string()
    .optional()
    .describe('where it starts; without over, a new draft covers this directory alone'),
  over: z
    .array(z.string())
    .optional()
    .describe('directories that a new draft covers; the rest is read-only. Default: the whole tree'),
  timeoutSeconds: z.number().positive().max(86_400).optional().describe('the command is ended after it'),
});
const tryOutput = z.object({
  draft: z.string(),
  exitCode: z.number().describe('128 + N where signal N ended it'),
  stdout: z.string(),
  stderr: z.string(),
  isOutputCut: z.boolean().describe('the beginning of an output is missing'),
  isTimedOut: z.boolean(),
  isStillRunning: z.boolean().describe('processes that it has left behind still run in the draft'),
});

export function addTryTool(server: McpServer, store: Store): void {
  server.registerTool(
    'try',
    {
      title: 'Try a command',
      description:
        'Runs a command on the real file tree of this host with all that it writes kept in a draft: the host stays as it is until the draft is applied. ' +
        'The command sees what earlier commands in the same draft have written.',
      inputSchema: tryInput,
      outputSchema: tryOutput,
      annotations: { readOnlyHint: false, destructiveHint: false, openWorldHint: true },
    },
    ({ command, draft: name, directory, over, timeoutSeconds }, { mcpReq }) =>
      answered(async () => {
        recoverApplies(store);
        const record = chooseDraft(store, { name, directory, over });
        const timeout = timeoutSeconds === undefined ? undefined : AbortSignal.timeout(timeoutSeconds * MS);
        const signals = [mcpReq.signal, timeout].filter((one) => one !== undefined);
        const { status, isStillUsed, stdout, stderr, isCut } = await tryApart(store, record, {
          args: command,
          workingDirectory: directory === undefined ? startingDirectory(record) : resolve(directory),
          outputBytes: OUTPUT_BYTES,
          signal: AbortSignal.any(signals),
        });
        return {
          draft: record.name,
          exitCode: status,
          stdout,
          stderr,
          isOutputCut: isCut,
          isTimedOut: timeout?.aborted === true,
          isStillRunning: isStillUsed,
        };
      }),
  );
}

export function addReviewTools(server: McpServer, store: Store): void {
  server.registerTool(
    'drafts',
    {
      title: 'List drafts',
      description: 'Lists the drafts there are, the oldest first.',
      inputSchema: z.object({}),
      outputSchema: z.object({
        drafts: z.array(
          z.object({
            name: z.string(),
            createdAt: z.string(),
            over: z.array(z.string()).describe('directories that it covers'),
            isInUse: z.boolean(),
            lastCommand: z.array(z.string()),
            lastExitCode: z.number().optional(),
          }),
        ),
      }),
      annotations: { readOnlyHint: true },
    },
    () => answered(() => ({ drafts: describeDrafts(store).map(draftRecord) })),
  );
  server.registerTool(
    'review',
    {
      title: 'Review a draft',
      description:
        'Tells every change that a draft would make on the host: deletions first, then what was moved, added and changed, with patches of texts.',
      inputSchema: z.object({
        draft,
        paths: only,
        patches: z.boolean().default(true).describe('false: no contents are read'),
        offset: z.number().int().nonnegative().default(0),
        limit: z.number().int().positive().max(10_000).default(CHANGES),
      }),
      outputSchema: z.object({
        total: z.number().describe('of the changes that were asked for'),
        changes: z.array(change).describe('those from offset on, limit at most'),
      }),
      annotations: { readOnlyHint: true },
    },
    ({ draft: name, paths, patches, offset, limit }) =>
      answered(() => {
        const range = { only: paths, withHunks: patches, offset, limit };
        const { total, changes } = reviewDraft(store, name, range);
        return { total, changes: changes.map(withShortPatch) };
      }),
  );
  addDiscardTool(server, store);
}

function addDiscardTool(server: McpServer, store: Store): void {
  server.registerTool(
    'discard',
    {
      title: 'Discard a draft',
      description: 'Throws a draft away, or takes single changes out of it. The host stays as it is.',
      inputSchema: z.object({ draft, only }),
      outputSchema: z.object({
        isWhole: z.boolean().describe('the draft is gone'),
        paths: z.array(z.string()).describe('whose changes were taken out'),
      }),
      annotations: { readOnlyHint: false, destructiveHint: true },
    },
    ({ draft: name, only: chosen }) =>
      answered(async () => {
        const paths = await discardFromDraft(store, name, chosen);
        return { isWhole: paths === undefined, paths: paths ?? [] };
      }),
  );
}

/** The tools that write on the host. */
export function addApplyTools(server: McpServer, store: Store): void {
  server.registerTool(
    'apply',
    {
      title: 'Apply a draft',
      description:
        'Carries changes of a draft out on the host, all of them or none. Refused with code ERR_CONFLICT where the host has changed the same places meanwhile, ' +
        'and with ERR_NOT_PERMITTED where setuid programs, devices or hooks want a word of their own: show them to the user first.',
      inputSchema: z.object({
        draft,
        only,
        onConflict: z.enum(['draft', 'host']).optional().describe('which side wins in all conflicts'),
        allow: z.array(z.enum(['setuid', 'devices', 'hooks'])).default([]),
      }),
      outputSchema: z.object({ changes: z.array(briefChange).describe('those that were carried out') }),
      annotations: { readOnlyHint: false, destructiveHint: true },
    },
    ({ draft: name, only: chosen, onConflict, allow }) =>
      answered(async () => {
        const changes = await applyDraft(store, name, { only: chosen, onConflict, permits: new Set(allow) });
        return { changes: changes.map(brief) };
      }),
  );
  server.registerTool(
    'undo',
    {
      title: 'Undo the last apply',
      description:
        'Makes the host what it was before the last apply; three applies can be taken back, one after the other. Refused when somebody has changed the same places since.',
      inputSchema: z.object({}),
      outputSchema: z.object({
        draft: z.string(),
        isRefilled: z.boolean().describe('the draft has its changes again'),
      }),
      annotations: { readOnlyHint: false, destructiveHint: true },
    },
    () => answered(async () => ({ ...(await undoLastApply(store)) })),
  );
}

function brief({ kind, path, from, marks }: ChangeDescription): Record<string, unknown> {
  return { kind, path, ...(from === undefined ? {} : { from }), marks };
}

function withShortPatch(one: ChangeDescription): Record<string, unknown> {
  if (one.patch.length <= PATCH_LENGTH) return { ...one };
  return { ...one, patch: one.patch.slice(0, PATCH_LENGTH), isPatchCut: true };
}

function draftRecord({ record, isUsed, over }: ReturnType<typeof describeDrafts>[number]) {
  return {
    name: record.name,
    createdAt: record.createdAt,
    over,
    isInUse: isUsed,
    lastCommand: record.lastCommand ?? [],
    ...(record.lastStatus === undefined ? {} : { lastExitCode: record.lastStatus }),
  };
}
