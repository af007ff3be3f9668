/**
 * The changes of one area, from its upper alone: only what upper holds is walked, and the host is asked about single names. Of
 * the host two kinds of directories are listed: one that the draft has replaced, for what of it is gone, and none else.
 *
 * A rename is told by what upper records: of a directory its redirect, of a file the inode number in its base, where the
 * host's name of that inode is gone in the draft.
 */

import { S_IFCHR, S_IFDIR, S_IFREG } from '../../linux/constants.js';
import { getxattrAt } from '../../linux/files/xattr.js';
import { type Base, readBase } from '../../union/form/base.js';
import { isMetacopy, readMark, readMarks } from '../../union/form/marks.js';
import { MARK_OPAQUE, MARK_REDIRECT, PrivateXattrs } from '../../union/form/overlay-xattrs.js';
import { xattrNamespaceHere } from '../../union/form/xattr-namespace.js';
import type { Name } from '../../vfs/name.js';
import type { DraftArea } from '../record/draft-record.js';
import { BeneathTree, below, type Side } from './beneath-tree.js';
import type { Change } from './change.js';
import { facetsOf } from './object-facts.js';

/** A directory of upper, and the one of the host that it stands over. */
interface Pair {
  readonly path: Name;
  /** Undefined: the host has none, or nothing of it shows. */
  readonly hostPath: Name | undefined;
  /** It stands in place of the host's, of which nothing shows. */
  readonly isOpaque: boolean;
}

interface Marked {
  readonly side: Side;
  readonly isWhiteout: boolean;
  readonly isOpaque: boolean;
  /** Where the host has the directory; undefined without a redirect. */
  readonly redirect: Name | undefined;
  readonly base: Base | undefined;
  readonly isMetadata: boolean;
}

/** A name of the host that the draft has no longer, or for another object. */
interface Lost {
  readonly path: Name;
  readonly side: Side;
  /** Also: another object that was renamed has the name. */
  isDeleted: boolean;
}

export interface AreaTrees extends Disposable {
  readonly area: DraftArea;
  readonly host: BeneathTree;
  readonly upper: BeneathTree;
  readonly marks: PrivateXattrs;
}

/** @param upper absolute. @throws FsError */
export function openAreaTrees(area: DraftArea, upper: Name): AreaTrees {
  const host = new BeneathTree(area.path);
  const draft = new BeneathTree(upper);
  return {
    area,
    host,
    upper: draft,
    marks: new PrivateXattrs(xattrNamespaceHere()),
    [Symbol.dispose]: () => {
      host[Symbol.dispose]();
      draft[Symbol.dispose]();
    },
  };
}

/** In no particular order. @throws FsError */
export function scanArea(trees: AreaTrees): Change[] {
  return new Scan(trees).changes();
}

class Scan {
  readonly #trees: AreaTrees;
  readonly #changes: Change[] = [];
  readonly #lost: Lost[] = [];
  /** Directories of the host that show elsewhere. */
  readonly #moved = new Set<Name>();

  constructor(trees: AreaTrees) {
    this.#trees = trees;
  }

  changes(): Change[] {
    const root: Pair = { path: '', hostPath: '', isOpaque: false };
    this.#findMoved(root);
    this.#root();
    this.#walk(root);
    this.#linkFiles();
    for (const { path, side, isDeleted } of this.#lost) {
      if (isDeleted) this.#add({ kind: 'deleted', path, hostPath: path, host: side });
    }
    return this.#changes;
  }

  /** Beforehand: the names that moved directories had are not deleted. */
  #findMoved(pair: Pair): void {
    for (const name of this.#trees.upper.names(pair.path)) {
      const path = below(pair.path, name);
      const found = this.#mark(path, pair.hostPath);
      if (found.side.type !== S_IFDIR) continue;
      if (found.redirect !== undefined) this.#moved.add(found.redirect);
      this.#findMoved(this.#childOf(pair, name, found));
    }
  }

  #root(): void {
    const { host, upper, marks } = this.#trees;
    const [before, after] = [host.look(''), upper.look('')];
    if (before === undefined || after === undefined) return;
    const facets = facetsOf(
      { tree: host, path: '', side: before },
      { tree: upper, path: '', side: after },
      marks,
      { isMetadata: true, isCopy: true },
    );
    if (facets.length > 0) {
      const base = readBase(marks, upper.fd, '');
      this.#add({ kind: 'changed', path: '', hostPath: '', facets, host: before, draft: after, base });
    }
  }

  #walk(pair: Pair): void {
    const { upper, host } = this.#trees;
    const names = upper.names(pair.path);
    for (const name of names) this.#entry(pair, name);
    if (!pair.isOpaque || pair.hostPath === undefined) return;
    const shown = new Set(names);
    for (const name of host.names(pair.hostPath)) {
      if (!shown.has(name)) this.#lose(below(pair.hostPath, name), { isDeleted: true });
    }
  }

  #entry(pair: Pair, name: Name): void {
    const path = below(pair.path, name);
    const found = this.#mark(path, pair.hostPath);
    const place = pair.hostPath === undefined ? undefined : below(pair.hostPath, name);
    if (found.isWhiteout) {
      if (place !== undefined) this.#lose(place, { isDeleted: true });
      return;
    }
    if (found.side.type === S_IFDIR) this.#directory(pair, name, found);
    else this.#file(path, place, found);
  }

  #directory(pair: Pair, name: Name, found: Marked): void {
    const { host } = this.#trees;
    const path = below(pair.path, name);
    const child = this.#childOf(pair, name, found);
    const place = pair.hostPath === undefined ? undefined : below(pair.hostPath, name);
    const source = child.hostPath;
    const before = source === undefined ? undefined : host.look(source);
    if (found.redirect !== undefined && place !== undefined) this.#lose(place, { isDeleted: true });
    if (before?.type !== S_IFDIR || source === undefined) {
      const there = place === undefined || this.#moved.has(place) ? undefined : host.look(place);
      if (there !== undefined && place !== undefined) this.#lose(place, { isDeleted: false });
      const kind = there === undefined ? ('added' as const) : ('changed' as const);
      const facets = there === undefined ? [] : ['type' as const];
      const { base, side: draft } = found;
      this.#add({ kind, path, hostPath: place ?? path, facets, host: there, draft, base });
      this.#walk({ path, hostPath: undefined, isOpaque: false });
      return;
    }
    this.#compareDirectory(path, source, { ...found, before });
    this.#walk(child);
  }

  #compareDirectory(
    path: Name,
    hostPath: Name,
    { side, base, before, redirect }: Marked & { readonly before: Side },
  ): void {
    const { host, upper, marks } = this.#trees;
    const facets = facetsOf(
      { tree: host, path: hostPath, side: before },
      { tree: upper, path, side },
      marks,
      { isMetadata: true, isCopy: true },
    );
    const kind = redirect === undefined ? ('changed' as const) : ('moved' as const);
    if (kind === 'moved' || facets.length > 0)
      this.#add({ kind, path, hostPath, facets, host: before, draft: side, base });
  }

  #file(path: Name, place: Name | undefined, found: Marked): void {
    const { host, upper, marks } = this.#trees;
    const there = place === undefined || this.#moved.has(place) ? undefined : host.look(place);
    const draft = found.side;
    const { base, isMetadata } = found;
    const hostPath = place ?? path;
    if (there === undefined || place === undefined) {
      this.#add({ kind: 'added', path, hostPath, draft, base, isMetadata });
      return;
    }
    const isSame = base === undefined || base.ino === there.ino;
    if (!isSame || base === undefined) this.#lose(place, { isDeleted: false });
    const facets = facetsOf(
      { tree: host, path: place, side: there },
      { tree: upper, path, side: draft },
      marks,
      { isMetadata: isMetadata && isSame, isCopy: base !== undefined && isSame },
    );
    if (facets.length > 0)
      this.#add({ kind: 'changed', path, hostPath: place, facets, host: there, draft, base, isMetadata });
  }

  /** Files of the draft whose inode on the host has lost its name were renamed. */
  #linkFiles(): void {
    const byInode = new Map<number, Lost>();
    for (const lost of this.#lost) {
      if (lost.side.type !== S_IFDIR && !byInode.has(lost.side.ino)) byInode.set(lost.side.ino, lost);
    }
    const claimed = new Set<Lost>();
    const replaced = new Set<Name>();
    for (const [index, change] of this.#changes.entries()) {
      const { base, draft, kind } = change;
      if (draft === undefined || draft.type === S_IFDIR || base === undefined) continue;
      if (kind !== 'added' && !(kind === 'changed' && change.host?.ino !== base.ino)) continue;
      const lost = byInode.get(base.ino);
      if (lost === undefined || lost.side.type !== draft.type || claimed.has(lost)) continue;
      claimed.add(lost);
      if (kind === 'changed') replaced.add(change.hostPath);
      this.#changes[index] = this.#movedFile(change, lost);
    }
    for (const lost of claimed) {
      this.#lost.splice(this.#lost.indexOf(lost), 1);
      if (!lost.isDeleted) this.#addAnew(lost);
    }
    for (const lost of this.#lost) if (replaced.has(lost.path)) lost.isDeleted = true;
  }

  /** What has the name now is a new object: the one that had it was renamed. */
  #addAnew({ path }: Lost): void {
    const index = this.#changes.findIndex(
      (change) => change.kind === 'changed' && change.hostPath === path && change.path === path,
    );
    const change = this.#changes[index];
    if (change !== undefined)
      this.#changes[index] = { ...change, kind: 'added', facets: [], host: undefined };
  }

  #movedFile(change: Change, { path: hostPath, side }: Lost): Change {
    const { host, upper, marks } = this.#trees;
    const facets = facetsOf(
      { tree: host, path: hostPath, side },
      { tree: upper, path: change.path, side: change.draft ?? side },
      marks,
      { isMetadata: change.isMetadata, isCopy: true },
    );
    return { ...change, kind: 'moved', hostPath, host: side, facets };
  }

  #lose(path: Name, { isDeleted }: { readonly isDeleted: boolean }): void {
    if (this.#moved.has(path)) return;
    const side = this.#trees.host.look(path);
    if (side !== undefined) this.#lost.push({ path, side, isDeleted });
  }

  #childOf(pair: Pair, name: Name, { isOpaque, redirect }: Marked): Pair {
    const path = below(pair.path, name);
    if (redirect !== undefined) return { path, hostPath: redirect, isOpaque: false };
    const place = pair.hostPath === undefined ? undefined : below(pair.hostPath, name);
    // What was there has moved elsewhere, or nothing of it shows because nothing of its parent does.
    const isNew = place === undefined || this.#moved.has(place);
    return { path, hostPath: isNew ? undefined : place, isOpaque: isOpaque || pair.isOpaque };
  }

  #mark(path: Name, hostParent: Name | undefined): Marked {
    const { upper, marks } = this.#trees;
    using place = upper.hold(path);
    const side = upper.look(path);
    if (side === undefined) throw new Error(`'${upper.shown(path)}' has gone`);
    const at = { dirfd: place.dirfd, name: place.name };
    const isWhiteout = isWhiteoutOf(at, side, marks);
    if (isWhiteout)
      return { side, isWhiteout, isOpaque: false, redirect: undefined, base: undefined, isMetadata: false };
    const bits = readMarks(marks, at.dirfd, at.name);
    const text = (bits & MARK_REDIRECT) === 0 ? undefined : readMark(at.dirfd, at.name, marks.redirect);
    return {
      side,
      isWhiteout,
      isOpaque: (bits & MARK_OPAQUE) !== 0,
      redirect: text === undefined || side.type !== S_IFDIR ? undefined : redirected(text, hostParent),
      base: readBase(marks, at.dirfd, at.name),
      isMetadata: isMetacopy(marks, at, bits),
    };
  }

  #add(given: Pick<Change, 'kind' | 'path' | 'hostPath'> & Partial<Change>): void {
    const none = { facets: [], host: undefined, draft: undefined, base: undefined, isMetadata: false };
    this.#changes.push({ ...none, area: this.#trees.area, ...given });
  }
}

const nothing = new Uint8Array(0);

function isWhiteoutOf(at: { dirfd: number; name: Name }, side: Side, marks: PrivateXattrs): boolean {
  if (side.type === S_IFCHR) return side.rdevMajor === 0 && side.rdevMinor === 0;
  const isEmptyFile = side.type === S_IFREG && side.sizeBytes === 0;
  return isEmptyFile && getxattrAt(at.dirfd, at.name, marks.whiteout, nothing) >= 0;
}

/** The path on the host that a redirect names: see union/form/redirect.ts. */
function redirected(text: Name, hostParent: Name | undefined): Name | undefined {
  if (text.startsWith('/')) return text.slice(1);
  return hostParent === undefined ? undefined : below(hostParent, text);
}
