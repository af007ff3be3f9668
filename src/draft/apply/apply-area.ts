/**
 * The changes of one area, carried out on the host in an order in which each finds what it needs.
 *
 * First goes what has to leave its place (deleted, renamed, replaced), the deepest first, since a directory takes along what is
 * still in it. Then everything gets its place, what is above first; then names of files that have several; last the times of
 * directories.
 */

import { S_IFDIR, S_IFREG } from '../../linux/constants.js';
import type { Name } from '../../vfs/name.js';
import type { Side } from '../changes/beneath-tree.js';
import type { Change } from '../changes/change.js';
import type { AreaTrees } from '../changes/scan-area.js';
import type { HostSteps } from './host-steps.js';
import { attributesAt } from './kept-attributes.js';

/** A change that was chosen; `text`: what the file becomes, where only some hunks were. */
export interface ChosenChange {
  readonly change: Change;
  readonly text?: string;
}

export function applyArea(trees: AreaTrees, steps: HostSteps, chosen: readonly ChosenChange[]): void {
  const items = new Map<Change, string>();
  const leaving = chosen.filter(({ change }) => leavesItsPlace(change));
  for (const { change } of leaving.toSorted(
    (a, b) => depthOf(b.change.hostPath) - depthOf(a.change.hostPath),
  ))
    items.set(change, steps.take(change.hostPath));
  steps.forgetKept();
  const links: Change[] = [];
  const firstNames = new Map<number, Name>();
  for (const one of chosen.toSorted((a, b) => depthOf(a.change.path) - depthOf(b.change.path))) {
    const { change } = one;
    if (change.draft === undefined) continue;
    const isNew = (change.kind === 'added' || isReplaced(change)) && isOfSeveralNames(change.draft);
    // The host has the file by another name, or a name before this one was the first.
    const isOfHost = change.kind === 'added' && change.base !== undefined;
    if (isNew && (isOfHost || firstNames.has(change.draft.ino))) links.push(change);
    else {
      bring(steps, one, items.get(change));
      if (isOfSeveralNames(change.draft)) firstNames.set(change.draft.ino, change.path);
    }
  }
  const names = namesByInode(trees, links);
  for (const change of links)
    linkName(trees, steps, change, firstNames.get(change.draft!.ino) ?? names.get(change.draft!.ino));
  setDirectoryTimes(trees, steps, chosen);
}

/** Whether the host's object at `hostPath` has to go from there. */
function leavesItsPlace(change: Change): boolean {
  return change.kind === 'deleted' || change.kind === 'moved' || isReplaced(change);
}

/** Whether a new object takes the place of the host's: it is another one, or nobody else has a name of it. */
function isReplaced({ kind, facets, host, draft, base }: Change): boolean {
  if (kind !== 'changed' || host === undefined || draft === undefined) return false;
  if (facets.includes('type')) return true;
  if (draft.type === S_IFDIR) return false;
  const isSame = base !== undefined && base.ino === host.ino;
  if (!isSame) return true;
  return facets.includes('content') && (draft.type !== S_IFREG || host.nlink === 1);
}

function isOfSeveralNames({ type, nlink }: Side): boolean {
  return type !== S_IFDIR && nlink > 1;
}

function bring(steps: HostSteps, { change, text }: ChosenChange, item: string | undefined): void {
  const { kind, path, facets } = change;
  if (kind === 'added' || isReplaced(change)) {
    steps.make(path, text);
    return;
  }
  if (kind === 'moved' && item !== undefined) steps.put(item, path);
  if (facets.includes('content')) steps.writeInPlace(path, text);
  if (facets.length > 0) steps.attributes(path);
}

/** Names in the draft of files that the host has already, by the inode number in upper. */
function namesByInode({ upper, host, marks }: AreaTrees, links: readonly Change[]): Map<number, Name> {
  const wanted = new Set(links.flatMap(({ draft }) => (draft === undefined ? [] : [draft.ino])));
  const found = new Map<number, Name>();
  if (wanted.size === 0) return found;
  const isLink = new Set(links.map(({ path }) => path));
  const walk = (path: Name): void => {
    for (const name of upper.names(path)) {
      const at = path === '' ? name : `${path}/${name}`;
      const side = upper.look(at);
      if (side?.type === S_IFDIR) walk(at);
      else if (side !== undefined && wanted.has(side.ino) && !isLink.has(at) && host.look(at) !== undefined)
        found.set(side.ino, at);
    }
  };
  walk('');
  return marks === undefined ? new Map() : found;
}

function linkName(trees: AreaTrees, steps: HostSteps, change: Change, from: Name | undefined): void {
  const source = from === undefined ? undefined : trees.host.look(from);
  if (from === undefined || source === undefined || source.type !== change.draft?.type)
    steps.make(change.path);
  else steps.link(from, change.path);
}

/** As the draft has them: a directory in upper has the times of the last change of a name in it, or those of the host's. */
function setDirectoryTimes(trees: AreaTrees, steps: HostSteps, chosen: readonly ChosenChange[]): void {
  const touched = new Set<Name>();
  for (const { change } of chosen) {
    touched.add(parentOf(change.path));
    if (change.draft?.type === S_IFDIR) touched.add(change.path);
    if (leavesItsPlace(change)) touched.add(parentOf(change.hostPath));
  }
  for (const path of [...touched].sort((a, b) => depthOf(b) - depthOf(a))) {
    const wanted = attributesAt(trees.upper, path, trees.marks);
    const now = attributesAt(trees.host, path);
    const isDirectory = trees.upper.look(path)?.type === S_IFDIR && trees.host.look(path)?.type === S_IFDIR;
    if (wanted === undefined || now === undefined || !isDirectory) continue;
    const { atimeSec, atimeNsec, mtimeSec, mtimeNsec } = wanted;
    steps.setAttributes(path, { ...now, atimeSec, atimeNsec, mtimeSec, mtimeNsec });
  }
}

function parentOf(path: Name): Name {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

function depthOf(path: Name): number {
  return path === '' ? 0 : path.split('/').length;
}
