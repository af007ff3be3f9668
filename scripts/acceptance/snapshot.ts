/**
 * Everything of a tree that can be seen: type, mode, owner, size, links, times to the nanosecond, content, extended
 * attributes, inode numbers. Read by find, sha256sum and getfattr, so that no code of plyfs judges plyfs.
 */

import { bash } from '../shell.js';

export interface Snapshot {
  /** Path, then property. */
  readonly objects: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Unix time in seconds after which a time counts as new. */
  readonly since: number;
}

export interface CompareOptions {
  /** Paths whose content and size differ each time. */
  readonly unsteady?: readonly RegExp[];
  /** Compare times later than `since` as equal: two runs of the same steps. */
  readonly newTimes?: boolean;
  /** Compare inode numbers: the same upper under the same union. */
  readonly inodes?: boolean;
  /** Paths that are not compared. */
  readonly ignored?: RegExp;
}

/** %n and %s of directories are the business of each file system. */
const FIND = `find . -xdev \\( -type d -printf '%P\\t%y\\t%m\\t%U:%G\\t%T@\\t%i\\t\\t\\t\\0' -o \
-printf '%P\\t%y\\t%m\\t%U:%G\\t%T@\\t%i\\t%s\\t%n\\t%l\\0' \\)`;
const SUMS = `find . -xdev -type f -printf '%P\\0' | xargs -0 -r sha256sum -z --`;
const XATTRS = 'getfattr -R -P -h -d -m - -e hex . 2>&1';

const PROPERTIES = ['type', 'mode', 'owner', 'mtime', 'ino', 'size', 'nlink', 'target'];

export async function takeSnapshot(folder: string, since: number): Promise<Snapshot> {
  const objects = new Map<string, Map<string, string>>();
  const run = { cwd: folder, timeoutMs: 300_000 };
  for (const record of (await bash(FIND, run)).split('\0').slice(0, -1)) {
    const [path = '', ...values] = record.split('\t');
    objects.set(path, new Map(PROPERTIES.map((property, index) => [property, values[index] ?? ''])));
  }
  for (const record of (await bash(SUMS, run)).split('\0').slice(0, -1)) {
    objects.get(record.slice(66))?.set('content', record.slice(0, 64));
  }
  for (const block of (await bash(XATTRS, run)).split('\n\n')) {
    const [head = '', ...attributes] = block.split('\n');
    if (head === '') continue;
    const path = head
      .replace(/^# file: (?:\.$)?/, '')
      .replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    const object = objects.get(path);
    if (object === undefined) throw new Error(`getfattr in ${folder}: ${block}`);
    object.set('xattrs', attributes.sort().join(' '));
  }
  return { objects, since };
}

/** @returns one line for each property that differs; empty when the trees are equal. */
export function compareTrees(want: Snapshot, have: Snapshot, options: CompareOptions = {}): string[] {
  const lines: string[] = [];
  const paths = [...new Set([...want.objects.keys(), ...have.objects.keys()])].sort();
  for (const path of paths) {
    if (options.ignored?.test(path) === true) continue;
    const left = want.objects.get(path);
    const right = have.objects.get(path);
    if (left === undefined) lines.push(`'${path}': unexpected`);
    else if (right === undefined) lines.push(`'${path}': missing`);
    else {
      for (const property of new Set([...left.keys(), ...right.keys()])) {
        const [wanted, got] = [left.get(property), right.get(property)];
        if (wanted === got || isAllowed(property, path, options)) continue;
        if (property === 'mtime' && options.newTimes === true) {
          if (Number(wanted) >= want.since && Number(got) >= have.since) continue;
        }
        lines.push(`'${path}': ${property} is ${got}, expected ${wanted}`);
      }
    }
  }
  return lines;
}

function isAllowed(property: string, path: string, options: CompareOptions): boolean {
  if (property === 'ino') return options.inodes !== true;
  if (property !== 'content' && property !== 'size') return false;
  return options.unsteady?.some((pattern) => pattern.test(path)) === true;
}
