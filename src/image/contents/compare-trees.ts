/**
 * What differs between two trees, whatever they come from: images, containers, volumes, directories.
 *
 * Contents are compared by their bytes; only files that are one and the same inode, unchanged, are not read. A directory or
 * file that went from one path to another is one difference.
 */

import { createHash } from 'node:crypto';
import { joinPath } from '../../archive/tree/tree-reader.js';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../../linux/constants.js';
import type { Attr } from '../../vfs/attr.js';
import type { FileSystem } from '../../vfs/file-system.js';
import type { Name } from '../../vfs/name.js';
import { type ObjectFacts, objectFacts } from './shown-facts.js';
import { type HeldObject, TreeSide } from './tree-side.js';

/** In what an object differs. */
type Aspect = 'type' | 'mode' | 'owner' | 'content' | 'target' | 'device' | 'xattrs' | 'time';

export interface Difference {
  /** Added, changed, deleted, renamed. */
  readonly kind: 'A' | 'C' | 'D' | 'R';
  /** Below the root, without a leading slash; '' is the root. */
  readonly path: Name;
  /** Where what was renamed lay. */
  readonly from?: Name;
  /** For a change. */
  readonly aspects: readonly Aspect[];
  readonly before: ObjectFacts | undefined;
  readonly after: ObjectFacts | undefined;
}

interface ComparisonOptions {
  /** Times do not count. */
  readonly ignoresTimes: boolean;
  /** The directory of the first tree that is compared; by default its root. */
  readonly beforeAt?: Name | undefined;
}

/** Sorted by path; of what was added or deleted whole, the directory and, if added, each object in it. @throws FsError */
export function compareTrees(
  before: FileSystem,
  after: FileSystem,
  options: ComparisonOptions,
): Difference[] {
  const comparison = new Comparison(new TreeSide(before, options.beforeAt), new TreeSide(after), options);
  comparison.root();
  return comparison.result();
}

const isDirectory = ({ attr }: HeldObject): boolean => (attr.mode & S_IFMT) === S_IFDIR;
const isFile = ({ attr }: HeldObject): boolean => (attr.mode & S_IFMT) === S_IFREG;

class Comparison {
  readonly #before: TreeSide;
  readonly #after: TreeSide;
  readonly #ignoresTimes: boolean;
  readonly #changed: Difference[] = [];
  /** What is on one side alone: of what lies in such a directory, the directory. */
  readonly #deleted: Name[] = [];
  readonly #added: Name[] = [];

  constructor(before: TreeSide, after: TreeSide, { ignoresTimes }: ComparisonOptions) {
    this.#before = before;
    this.#after = after;
    this.#ignoresTimes = ignoresTimes;
  }

  root(): void {
    this.#pair('', this.#before.root(), this.#after.root());
  }

  result(): Difference[] {
    const renamed = this.#renamed();
    const sources = new Set(renamed.map(({ from }) => from));
    const targets = new Set(renamed.map(({ path }) => path));
    const deleted = this.#deleted
      .filter((path) => !sources.has(path))
      .map((path) => this.#before.at(path, (object) => difference('D', path, object!, undefined)));
    const added = this.#added
      .filter((path) => !targets.has(path))
      .flatMap((path) => this.#after.at(path, (object) => [...this.#allBelow(path, object!)]));
    return [...this.#changed, ...deleted, ...added, ...renamed].sort((a, b) =>
      a.path === b.path ? (a.kind === 'D' ? -1 : 1) : a.path < b.path ? -1 : 1,
    );
  }

  #pair(path: Name, before: HeldObject, after: HeldObject): void {
    const aspects = this.#aspects(before, after);
    if (aspects.includes('type') && (isDirectory(before) || isDirectory(after))) {
      this.#deleted.push(path);
      this.#added.push(path);
      return;
    }
    if (aspects.length > 0)
      this.#changed.push({
        kind: 'C',
        path,
        aspects,
        before: objectFacts(before.attr),
        after: objectFacts(after.attr),
      });
    if (isDirectory(before)) this.#directories(path, before, after);
  }

  #directories(path: Name, before: HeldObject, after: HeldObject): void {
    const names = new Set([...this.#before.names(before), ...this.#after.names(after)]);
    for (const name of names) {
      const at = joinPath(path, name);
      this.#before.with(before, name, (old) =>
        this.#after.with(after, name, (now) => {
          if (old === undefined && now !== undefined) this.#added.push(at);
          else if (old !== undefined && now === undefined) this.#deleted.push(at);
          else if (old !== undefined && now !== undefined) this.#pair(at, old, now);
        }),
      );
    }
  }

  #aspects(before: HeldObject, after: HeldObject): Aspect[] {
    const [a, b] = [before.attr, after.attr];
    if ((a.mode & S_IFMT) !== (b.mode & S_IFMT)) return ['type'];
    const aspects: Aspect[] = [];
    const kind = a.mode & S_IFMT;
    if ((a.mode & 0o7777) !== (b.mode & 0o7777)) aspects.push('mode');
    if (a.uid !== b.uid || a.gid !== b.gid) aspects.push('owner');
    if (isSameInode(a, b)) return aspects;
    if (kind === S_IFREG && !this.#hasSameContent(before, after)) aspects.push('content');
    if (kind === S_IFLNK && this.#before.target(before) !== this.#after.target(after)) aspects.push('target');
    const isDevice = kind === S_IFCHR || kind === S_IFBLK;
    if (isDevice && (a.rdevMajor !== b.rdevMajor || a.rdevMinor !== b.rdevMinor)) aspects.push('device');
    if (this.#before.xattrs(before) !== this.#after.xattrs(after)) aspects.push('xattrs');
    const isOtherTime = a.mtimeSec !== b.mtimeSec || a.mtimeNsec !== b.mtimeNsec;
    if (isOtherTime && !this.#ignoresTimes) aspects.push('time');
    return aspects;
  }

  #hasSameContent(before: HeldObject, after: HeldObject): boolean {
    if (before.attr.sizeBytes !== after.attr.sizeBytes) return false;
    if (before.attr.sizeBytes === 0) return true;
    return this.#before.reading(before, (readOld) =>
      this.#after.reading(after, (readNew) => {
        for (let offset = 0; ; ) {
          const count = readOld(offset);
          if (readNew(offset) !== count) return false;
          if (count === 0) return true;
          if (this.#before.piece.compare(this.#after.piece, 0, count, 0, count) !== 0) return false;
          offset += count;
        }
      }),
    );
  }

  /** Whole directories and files with content, of which one side has the like at another path. */
  #renamed(): Difference[] {
    const sources = new Map<string, Name[]>();
    for (const path of this.#deleted) {
      const shape = this.#before.at(path, (object) => shapeOf(this.#before, object!));
      if (shape !== undefined) sources.set(shape, [...(sources.get(shape) ?? []), path]);
    }
    if (sources.size === 0) return [];
    return this.#added.flatMap((path) => {
      const shape = this.#after.at(path, (object) => shapeOf(this.#after, object!));
      const candidates = shape === undefined ? undefined : sources.get(shape);
      const from = candidates?.find((source) => this.#isSameTree(source, path));
      if (candidates === undefined || from === undefined) return [];
      candidates.splice(candidates.indexOf(from), 1);
      return [
        this.#before.at(from, (old) =>
          this.#after.at(path, (now): Difference => ({ ...difference('R', path, old!, now!), from })),
        ),
      ];
    });
  }

  #isSameTree(from: Name, path: Name): boolean {
    return this.#before.at(from, (old) => this.#after.at(path, (now) => this.#isSame(old!, now!)));
  }

  /** The time of the directory itself counts as little as its name. */
  #isSame(before: HeldObject, after: HeldObject): boolean {
    const aspects = this.#aspects(before, after).filter((aspect) => aspect !== 'time');
    if (aspects.length > 0) return false;
    if (!isDirectory(before)) return true;
    const names = this.#before.names(before);
    if (names.join('/') !== this.#after.names(after).join('/')) return false;
    return names.every((name) =>
      this.#before.with(before, name, (old) =>
        this.#after.with(after, name, (now) => this.#isSame(old!, now!)),
      ),
    );
  }

  *#allBelow(path: Name, object: HeldObject): Generator<Difference> {
    yield difference('A', path, undefined, object);
    if (!isDirectory(object)) return;
    for (const name of this.#after.names(object)) {
      const below = this.#after.with(object, name, (child) => [
        ...this.#allBelow(joinPath(path, name), child!),
      ]);
      yield* below;
    }
  }
}

/** The same for trees that may be the same; undefined for what is too little to be told from others. */
function shapeOf(side: TreeSide, object: HeldObject): string | undefined {
  if (isFile(object)) return object.attr.sizeBytes === 0 ? undefined : `file ${object.attr.sizeBytes}`;
  if (!isDirectory(object)) return undefined;
  const hash = createHash('sha256');
  const addBelow = (directory: HeldObject): number => {
    const names = side.names(directory);
    for (const name of names) {
      side.with(directory, name, (child) => {
        const { mode, sizeBytes } = child!.attr;
        hash.update(`${name}/${mode} ${isFile(child!) ? sizeBytes : ''}\0`, 'latin1');
        if (isDirectory(child!)) addBelow(child!);
      });
    }
    hash.update('/');
    return names.length;
  };
  return addBelow(object) === 0 ? undefined : `directory ${hash.digest('hex')}`;
}

/** Layers that two images share are the same inodes. */
function isSameInode(a: Attr, b: Attr): boolean {
  return (
    a.ino === b.ino &&
    a.sizeBytes === b.sizeBytes &&
    a.mtimeSec === b.mtimeSec &&
    a.mtimeNsec === b.mtimeNsec &&
    a.ctimeSec === b.ctimeSec &&
    a.ctimeNsec === b.ctimeNsec
  );
}

function difference(
  kind: Difference['kind'],
  path: Name,
  before: HeldObject | undefined,
  after: HeldObject | undefined,
): Difference {
  return {
    kind,
    path,
    aspects: [],
    before: before && objectFacts(before.attr),
    after: after && objectFacts(after.attr),
  };
}
