/** The drafts of a store, by the functions that `plyfs try`, `review`, `apply`, `discard` and `undo` call. */

import { resolve } from 'node:path';
import { recoverApplies } from '../draft/apply/undo-apply.js';
import { chooseDraft, startingDirectory } from '../draft/choose-draft.js';
import type { ChangeDescription } from '../draft/describe-change.js';
import { applyDraft, discardFromDraft, reviewDraft, undoLastApply } from '../draft/draft-calls.js';
import { describeDrafts } from '../draft/list-drafts.js';
import { tryApart } from '../draft/try-apart.js';
import type { Store } from '../store/store.js';
import { checkedOptions, checkedText, checkedTexts } from './checked-options.js';

/** What commands have written that were tried. */
export interface DraftDescription {
  readonly name: string;
  readonly createdAt: string;
  /** Directories that it covers; `/` for the whole tree. */
  readonly over: readonly string[];
  /** A command runs in it, or what one has left behind. */
  readonly isUsed: boolean;
  readonly lastCommand: readonly string[];
  /** Undefined while the first command runs. */
  readonly lastStatus: number | undefined;
}

/** How a command is tried. */
export interface DraftTry {
  /** The name of a draft to go on in, or of a new one; by default one is made. */
  readonly name?: string | undefined;
  /** Where it starts; without `over` a new draft covers this directory alone. */
  readonly directory?: string | undefined;
  /** Directories that a new draft covers; by default the whole tree. */
  readonly over?: readonly string[] | undefined;
  /** How many of the last bytes of each of the two outputs are kept; by default 16 MiB. */
  readonly maxOutputBytes?: number | undefined;
  /** Aborted: the command and what it has started end, by SIGTERM and five seconds later by SIGKILL. */
  readonly signal?: AbortSignal | undefined;
}

/** How a tried command ended. */
export interface TryResult {
  /** The draft that has what it wrote. */
  readonly draft: string;
  /** The exit status; 128 and the number of the signal that ended it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The beginning of an output is missing. */
  readonly isCut: boolean;
  /** Processes that it has left behind run in the draft still. */
  readonly isStillUsed: boolean;
}

/** What of a draft is applied, and what is said beforehand. */
export interface DraftApply {
  /** Paths, directories or globs; by default everything. */
  readonly only?: readonly string[] | undefined;
  /** Which side wins where the host has changed too; without it that is an error with the code `ERR_CONFLICT`. */
  readonly onConflict?: 'draft' | 'host' | undefined;
  /** What is applied though it wants a word of its own; without it that is an error with the code `ERR_NOT_PERMITTED`. */
  readonly allow?: readonly ('setuid' | 'devices' | 'hooks')[] | undefined;
}

/** The drafts of a store. */
export interface StoredDrafts {
  /** The oldest first. */
  list(): DraftDescription[];
  /**
   * Runs a command on the host's tree with all that it writes in a draft, to its end; it has no standard input.
   * @throws UserError when it cannot be run.
   */
  try(command: readonly string[], options?: DraftTry): Promise<TryResult>;
  /** What a draft would change on the host; deletions first. @throws UserError when there is none. */
  review(name: string, options?: { readonly only?: readonly string[] | undefined }): ChangeDescription[];
  /** Carries changes out on the host, all of them or none. @returns them. @throws ApplyRefused, or UserError */
  apply(name: string, options?: DraftApply): Promise<ChangeDescription[]>;
  /** Throws a draft away, or with `only` changes of it. @returns the paths of these. @throws UserError */
  discard(name: string, options?: { readonly only?: readonly string[] | undefined }): Promise<string[]>;
  /** Takes the last apply back. @throws UserError when somebody has changed the same places since. */
  undo(): Promise<{ readonly draft: string; readonly isRefilled: boolean }>;
}

const OUTPUT_BYTES = 16 << 20;
const ONLY = { only: 'strings' } as const;

export function storedDrafts(store: Store): StoredDrafts {
  return {
    list: () =>
      describeDrafts(store).map(({ record, isUsed, over }) => ({
        name: record.name,
        createdAt: record.createdAt,
        over,
        isUsed,
        lastCommand: record.lastCommand ?? [],
        lastStatus: record.lastStatus,
      })),
    try: async (command, options = {}) => {
      const args = checkedTexts('drafts.try()', 'command', command);
      const { maxOutputBytes, signal, ...choice } = checkedOptions('drafts.try()', options, {
        name: 'string',
        directory: 'string',
        over: 'strings',
        maxOutputBytes: 'number',
        signal: 'signal',
      });
      recoverApplies(store);
      const record = chooseDraft(store, choice);
      const { directory } = choice;
      const outcome = await tryApart(store, record, {
        args,
        workingDirectory: directory === undefined ? startingDirectory(record) : resolve(directory),
        outputBytes: maxOutputBytes ?? OUTPUT_BYTES,
        signal,
      });
      return { draft: record.name, ...outcome };
    },
    review: (name, options = {}) => {
      checkedText('drafts.review()', 'name', name);
      const { only } = checkedOptions('drafts.review()', options, ONLY);
      return reviewDraft(store, name, { only, withHunks: true, offset: 0, limit: Infinity }).changes;
    },
    apply: async (name, options = {}) => {
      checkedText('drafts.apply()', 'name', name);
      const {
        only,
        onConflict,
        allow = [],
      } = checkedOptions('drafts.apply()', options, {
        only: 'strings',
        onConflict: ['draft', 'host'],
        allow: 'strings',
      });
      return applyDraft(store, name, { only, onConflict, permits: new Set(allow) });
    },
    discard: async (name, options = {}) => {
      checkedText('drafts.discard()', 'name', name);
      const { only } = checkedOptions('drafts.discard()', options, ONLY);
      return (await discardFromDraft(store, name, only)) ?? [];
    },
    undo: () => undoLastApply(store),
  };
}
