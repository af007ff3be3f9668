/**
 * `plyfs review`: what a draft would change on the host.
 */

import { Command } from 'commander';
import type { Hunk } from '../../../draft/changes/text-hunks.js';
import type { ChangeDescription } from '../../../draft/describe-change.js';
import type { ReviewedChange } from '../../../draft/review-draft.js';
import { displayName } from '../../../vfs/name.js';
import { addStoreOptions, attempt, type StoreFlags } from '../../frame/store-command.js';
import { formatTemplate, keyLines, type Row } from '../../print/format-table.js';
import { jsonText, shown } from '../../print/output.js';
import { openDrafts } from './open-drafts.js';
import { showPaged } from './pager.js';

const KEYS = ['Kind', 'Path', 'From', 'Type', 'Notes', 'Marks', 'Content', 'Added', 'Removed', 'Patch'];

const REVIEW_DETAILS = `
Deletions come first, then what was moved, added and changed, each on a line of its own, none left out; then the hunks of
texts. A directory that was moved, or is gone, is one line. In brackets: setuid, devices, capabilities, what the system or
others run by itself (git hooks, cron, units, shell start files ...), hidden files.
Paths and globs are relative to where you are; a glob without a slash is one of names at any depth.

Keys of --format json (a record a line) and of a template:
${keyLines(KEYS)}.

Examples:
  plyfs review upgrade
  plyfs review upgrade --stat /etc
  plyfs review upgrade --name-only '*.service'
  plyfs review upgrade --format json | jq -r 'select(.Marks | length > 0) | .Path'`;

interface ReviewFlags extends StoreFlags {
  readonly stat?: boolean;
  readonly nameOnly?: boolean;
  readonly format?: string;
  /** False with `--no-pager`. */
  readonly pager?: boolean;
}

export function reviewCommand(): Command {
  const command = new Command('review')
    .description('show what a draft would change on the host')
    .argument('<draft>', 'its name; of a bind with cow CONTAINER:TARGET or MOUNTPOINT:TARGET')
    .argument('[path...]', 'paths, directories or globs (default: everything)')
    .option('--stat', 'with the number of lines, without the lines')
    .option('--name-only', 'paths alone')
    .option('--format <format>', "'json', or a template as '{{.Kind}} {{.Path}}'")
    .option('--no-pager', 'no pager on a terminal');
  return addStoreOptions(command)
    .addHelpText('after', REVIEW_DETAILS)
    .action((name: string, paths: readonly string[], flags: ReviewFlags) =>
      attempt('review', flags, () => runReview(name, paths, flags)),
    );
}

async function runReview(name: string, paths: readonly string[], flags: ReviewFlags): Promise<void> {
  const { findDraftOrBind } = await import('../../../draft/record/bind-draft.js');
  const { openChanges } = await import('../../../draft/changes/list-changes.js');
  const { selectorOf } = await import('../../../draft/changes/select-changes.js');
  const { reviewChange } = await import('../../../draft/review-draft.js');
  const store = await openDrafts(flags);
  using all = openChanges(store, findDraftOrBind(store, name));
  const wanted = all.changes.filter(selectorOf(paths, process.cwd()));
  const withHunks = flags.nameOnly !== true;
  const reviewed = wanted.map((change) => reviewChange(all, change, { withHunks }));
  await showPaged(await textOf(reviewed, flags), { isWanted: flags.pager !== false });
}

async function textOf(reviewed: readonly ReviewedChange[], flags: ReviewFlags): Promise<string> {
  const { countLines } = await import('../../../draft/changes/text-hunks.js');
  if (flags.nameOnly) return reviewed.map(({ path }) => `${shown(displayName(path))}\n`).join('');
  if (flags.format !== undefined) {
    const { describeChange } = await import('../../../draft/describe-change.js');
    const rows = reviewed.map((one) => rowOf(describeChange(one)));
    if (flags.format === 'json') return rows.map((row) => `${jsonText(row)}\n`).join('');
    return formatTemplate(rows, flags.format, KEYS);
  }
  const lines = reviewed.map((one) => changeLine(one));
  if (flags.stat)
    return reviewed.map((one, index) => `${lines[index]}${statText(one, countLines)}\n`).join('');
  const patches = reviewed.flatMap((one, index) => {
    if (one.hunks === undefined || one.hunks.length === 0) return [];
    const body = one.hunks.flatMap(hunkText);
    return ['', lines[index]!, ...body];
  });
  return [...lines, ...patches].map((line) => `${line}\n`).join('');
}

function rowOf(change: ChangeDescription): Row {
  return {
    Kind: change.kind,
    Path: change.path,
    From: change.from ?? '',
    Type: change.type,
    Notes: change.notes,
    Marks: change.marks,
    Content: change.content ?? '',
    Added: change.linesAdded,
    Removed: change.linesRemoved,
    Patch: change.patch,
  };
}

const LETTERS = { deleted: 'D', moved: 'R', added: 'A', changed: 'C' } as const;

/** A change as a line, without its end. */
export function changeLine(one: ReviewedChange): string {
  const slash = one.type === 'directory' && one.path !== '/' ? '/' : '';
  const path = `${shown(displayName(one.path))}${slash}`;
  const names = one.from === undefined ? path : `${shown(displayName(one.from))}${slash} -> ${path}`;
  const kind = one.contentKind === undefined || one.contentKind === 'text' ? [] : [one.contentKind];
  const type = one.type === 'file' || one.type === 'directory' ? [] : [one.type];
  const notes = [...type, ...one.notes, ...kind].map((note) => shown(displayName(note))).join(', ');
  const marks = one.marks.length === 0 ? '' : `  [${one.marks.join(', ')}]`;
  return `${LETTERS[one.change.kind]} ${names}${notes === '' ? '' : `  (${notes})`}${marks}`;
}

function statText(
  { hunks }: ReviewedChange,
  count: (hunks: NonNullable<ReviewedChange['hunks']>) => { added: number; removed: number },
): string {
  if (hunks === undefined) return '';
  const { added, removed } = count(hunks);
  return `  +${added} -${removed}`;
}

/** A hunk as it is shown: its place, then its lines. */
export function hunkText({ oldStart, oldLines, newStart, newLines, lines }: Hunk): string[] {
  return [`@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`, ...lines].map(shownText);
}

/** A line of a file: tabs are its own, all else that moves a cursor is quoted. */
function shownText(line: string): string {
  return line.split('\t').map(shown).join('\t');
}
