/** Differences of two texts in hunks, by the package `diff` (docs/decisions/002-drafts.md), and a text of some of them. */

import { applyPatch, type StructuredPatchHunk, structuredPatch } from 'diff';

export type Hunk = StructuredPatchHunk;

/** Texts that differ so much that it takes longer are told by their sizes. */
const MAX_EDITS = 20_000;
const CONTEXT_LINES = 3;

/** @returns undefined where the texts have too little in common for hunks. */
export function hunksOf(before: string, after: string): readonly Hunk[] | undefined {
  return structuredPatch('', '', before, after, undefined, undefined, {
    context: CONTEXT_LINES,
    maxEditLength: MAX_EDITS,
  })?.hunks;
}

/** The lines of a hunk as diff(1) has them, the first one with its place. */
export function hunkLines({ oldStart, oldLines, newStart, newLines, lines }: Hunk): string[] {
  return [`@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`, ...lines];
}

export function countLines(hunks: readonly Hunk[]): { readonly added: number; readonly removed: number } {
  const lines = hunks.flatMap((hunk) => hunk.lines);
  return {
    added: lines.filter((line) => line.startsWith('+')).length,
    removed: lines.filter((line) => line.startsWith('-')).length,
  };
}

/** The text before with some of its hunks. @returns undefined when they do not fit. */
export function withHunks(before: string, hunks: readonly Hunk[]): string | undefined {
  const patch = { oldFileName: '', newFileName: '', oldHeader: undefined, newHeader: undefined };
  const text = applyPatch(
    before,
    { ...patch, hunks: [...hunks] },
    { fuzzFactor: 0, autoConvertLineEndings: false },
  );
  return text === false ? undefined : text;
}
