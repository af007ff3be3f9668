/** A change as programs are told it: `plyfs review --format json`, the library, the tools of `plyfs mcp`. */

import { displayName } from '../vfs/name.js';
import { countLines, hunkLines } from './changes/text-hunks.js';
import type { ReviewedChange } from './review-draft.js';

/** A change that a draft would make on the host. */
export interface ChangeDescription {
  readonly kind: 'deleted' | 'moved' | 'added' | 'changed';
  /** Absolute. */
  readonly path: string;
  /** Where a moved object was. */
  readonly from?: string;
  /** `file`, `directory`, `symlink` ... */
  readonly type: string;
  /** `mode 644 -> 755`, `content, 14 -> 12 B`: what is new about it. */
  readonly notes: readonly string[];
  /** What deserves a second look: `setuid`, `git hook`, `hidden` ... */
  readonly marks: readonly string[];
  /** What the new content of a file is: `text`, or a kind of binary. */
  readonly content?: string;
  readonly linesAdded: number;
  readonly linesRemoved: number;
  /** The hunks of a text, as of diff(1) without its head; empty for all else. */
  readonly patch: string;
}

export function describeChange(one: ReviewedChange): ChangeDescription {
  const { added, removed } = countLines(one.hunks ?? []);
  return {
    kind: one.change.kind,
    path: displayName(one.path),
    ...(one.from === undefined ? {} : { from: displayName(one.from) }),
    type: one.type,
    notes: one.notes.map(displayName),
    marks: one.marks,
    ...(one.contentKind === undefined ? {} : { content: one.contentKind }),
    linesAdded: added,
    linesRemoved: removed,
    patch: (one.hunks ?? []).flatMap(hunkLines).join('\n'),
  };
}
