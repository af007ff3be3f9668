/** What `plyfs review` tells: each change of a draft with what is worth knowing of it, and the hunks of texts. */

import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_IFSOCK } from '../linux/constants.js';
import type { Name } from '../vfs/name.js';
import { attentionOf, type Permit } from './changes/attention.js';
import { joined, type Side } from './changes/beneath-tree.js';
import type { Change } from './changes/change.js';
import { type Content, readContent } from './changes/content-kind.js';
import { type DraftChanges, treesOf } from './changes/list-changes.js';
import { linkOf, readXattrsOf } from './changes/object-facts.js';
import type { AreaTrees } from './changes/scan-area.js';
import { type Hunk, hunksOf } from './changes/text-hunks.js';

export interface ReviewedChange {
  readonly change: Change;
  /** Absolute. */
  readonly path: Name;
  /** Absolute; of a moved object alone. */
  readonly from?: Name;
  readonly type: string;
  /** `mode 644 -> 755`, `owner 0:0 -> 1:1`, `content`, `leads to X`: what is new about it. */
  readonly notes: readonly string[];
  readonly marks: readonly string[];
  readonly permits: readonly Permit[];
  readonly contentKind?: string;
  /** What differs in a text that is not too long; absent for all else. */
  readonly hunks?: readonly Hunk[];
}

/** @param withHunks false: contents are not read. */
export function reviewChange(
  all: DraftChanges,
  change: Change,
  { withHunks }: { readonly withHunks: boolean },
): ReviewedChange {
  const trees = treesOf(all, change);
  const { draft, host, kind } = change;
  const side = draft ?? host;
  const path = joined(change.area.path, change.path);
  const xattrNames = draft === undefined ? [] : [...draftXattrs(trees, change).keys()];
  const { marks, permits } = attentionOf(change, xattrNames);
  const common = {
    change,
    path,
    ...(kind === 'moved' ? { from: joined(change.area.path, change.hostPath) } : {}),
    type: side === undefined ? '' : typeWord(side),
    notes: notesOf(trees, change),
    marks,
    permits,
  };
  if (draft?.type !== S_IFREG || change.isMetadata || !isNewContent(change)) return common;
  if (!withHunks) return common;
  const after = readContent(trees.upper, change.path, draft.sizeBytes);
  const hunks = hunksOfChange(trees, change, after);
  return { ...common, contentKind: after.kind, ...(hunks === undefined ? {} : { hunks }) };
}

function isNewContent({ kind, facets }: Change): boolean {
  return kind === 'added' || facets.includes('content') || facets.includes('type');
}

function hunksOfChange(trees: AreaTrees, change: Change, after: Content): readonly Hunk[] | undefined {
  if (after.text === undefined) return undefined;
  const before = hostText(trees, change);
  return before === undefined ? undefined : hunksOf(before, after.text);
}

/** The host's text that a change is measured by; undefined where it is no text. */
export function hostText({ host: tree }: AreaTrees, { host, kind, hostPath }: Change): string | undefined {
  if (host?.type !== S_IFREG || kind === 'added') return '';
  return readContent(tree, hostPath, host.sizeBytes).text;
}

function draftXattrs({ upper, marks }: AreaTrees, change: Change): Map<Name, Buffer> {
  return readXattrsOf({ tree: upper, path: change.path }, marks);
}

function notesOf(trees: AreaTrees, change: Change): string[] {
  const { facets, host, draft, kind, path } = change;
  const notes: string[] = [];
  if (draft !== undefined && host !== undefined && facets.includes('type'))
    notes.push(`${typeWord(host)} -> ${typeWord(draft)}`);
  if (facets.includes('content')) notes.push(contentNote(host, draft));
  if (kind === 'added' && draft?.type === S_IFREG) notes.push(sizeText(draft));
  if (kind === 'deleted' && host?.type === S_IFREG) notes.push(sizeText(host));
  if (kind === 'deleted' && host?.type === S_IFDIR) notes.push('with all in it');
  if (draft?.type === S_IFLNK && facets.length + Number(kind === 'added') > 0)
    notes.push(`leads to ${linkOf({ tree: trees.upper, path })}`);
  if (draft !== undefined && host !== undefined && facets.includes('mode'))
    notes.push(`mode ${octal(host)} -> ${octal(draft)}`);
  else if (kind === 'added' && draft !== undefined && draft.type !== S_IFLNK)
    notes.push(`mode ${octal(draft)}`);
  if (draft !== undefined && host !== undefined && facets.includes('owner'))
    notes.push(`owner ${host.uid}:${host.gid} -> ${draft.uid}:${draft.gid}`);
  if (facets.includes('xattrs')) notes.push(xattrNote(trees, change));
  if (facets.includes('times')) notes.push('time of modification');
  if (host !== undefined && host.type !== S_IFDIR && host.nlink > 1) notes.push(`${host.nlink} names`);
  return notes;
}

function contentNote(host: Side | undefined, draft: Side | undefined): string {
  if (draft?.type !== S_IFREG || host === undefined) return 'content';
  return `content, ${host.sizeBytes} -> ${sizeText(draft)}`;
}

function xattrNote({ host, upper, marks }: AreaTrees, { hostPath, path }: Change): string {
  const before = readXattrsOf({ tree: host, path: hostPath });
  const after = readXattrsOf({ tree: upper, path }, marks);
  const added = [...after.keys()].filter((name) => before.get(name)?.equals(after.get(name)!) !== true);
  const removed = [...before.keys()].filter((name) => !after.has(name));
  return [...added.map((name) => `+${name}`), ...removed.map((name) => `-${name}`)].join(' ');
}

function sizeText({ sizeBytes }: Side): string {
  return `${sizeBytes} B`;
}

function octal({ mode }: Side): string {
  return (mode & 0o7777).toString(8);
}

const TYPES: Readonly<Record<number, string>> = {
  [S_IFREG]: 'file',
  [S_IFDIR]: 'directory',
  [S_IFLNK]: 'symlink',
  [S_IFCHR]: 'character device',
  [S_IFBLK]: 'block device',
  [S_IFIFO]: 'fifo',
  [S_IFSOCK]: 'socket',
};

function typeWord({ type }: Side): string {
  return TYPES[type] ?? 'object';
}
