/** A union that goes on with what another has left: the same nodes under the same ids, open files, names on their way. */

import { chmodSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { O_RDWR, RENAME_EXCHANGE, S_IFREG } from '../../src/linux/constants.js';
import { close, dup } from '../../src/linux/files/open.js';
import { CallerIds } from '../../src/realfs/caller-ids.js';
import { HeldDescriptors } from '../../src/realfs/held-descriptors.js';
import type { NamePlace, OrphanStore, RestoredNodes, UnsureNodes } from '../../src/realfs/node-keeper.js';
import { openUnion } from '../../src/union/open-union.js';
import type { UnionFileSystem } from '../../src/union/union-file-system.js';
import { Attr, Entry, Opened } from '../../src/vfs/attr.js';
import { Caller } from '../../src/vfs/caller.js';
import { AttrChange, Creation, NewEntry, NewFile, OpenIntent, WriteData } from '../../src/vfs/file-system.js';
import { InodeNumbers } from '../../src/vfs/inode-numbers.js';
import { nameFromText } from '../../src/vfs/name.js';
import { type NodeId, ROOT_NODE } from '../../src/vfs/node-id.js';
import { NODE_RECORDS_BYTES, NodeRecords, TELLS_ALL } from '../../src/vfs/node-records.js';
import { Kernel } from './kernel/kernel.js';

let root: string;
let union: UnionFileSystem;
let memory: Buffer;
let kept: Map<number, number>;
/** As it was when the records were begun. */
let nextId: number;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'plyfs-take-over-'));
  for (const name of ['lower/sub', 'upper', 'work']) mkdirSync(join(root, name), { recursive: true });
  for (const name of ['low', 'other', 'sub/deep']) writeFileSync(join(root, 'lower', name), `of ${name}`);
  kept = new Map();
  union = openHere();
  keep();
});
afterEach(() => {
  union.detach();
  for (const fd of kept.values()) close(fd);
  rmSync(root, { recursive: true, force: true });
});

function openHere(): UnionFileSystem {
  const privileged = process.geteuid?.() === 0;
  return openUnion({
    layers: [nameFromText(join(root, 'lower'))],
    upper: nameFromText(join(root, 'upper')),
    work: nameFromText(join(root, 'work')),
    ...{ readOnly: false, volatile: false, accessTimes: [], passthrough: 'programs', privileged },
    xattrNamespace: privileged ? 'trusted' : 'user',
    inodeNumbers: new InodeNumbers(),
    callerIds: new CallerIds({ enabled: false }),
    ...{ descriptorLimit: 64, held: new HeldDescriptors(4096) },
  });
}

const store: OrphanStore = {
  put(id, fd) {
    kept.set(id, dup(fd));
    return 0;
  },
  retain(keeps) {
    for (const [id, fd] of kept) if (!keeps(id)) kept.delete(id) && close(fd);
  },
};

/** @param mostWhole nodes beside which others are but their records. */
function keep(mostWhole?: number): void {
  nextId = union.nextId;
  memory = Buffer.from(new SharedArrayBuffer(NODE_RECORDS_BYTES));
  union.keep({ records: new NodeRecords(memory), store, owner: 0 }, mostWhole);
}

interface UnderWay {
  readonly rename?: readonly [NamePlace, NamePlace];
  readonly unsure?: UnsureNodes;
}

/** Another union goes on where this one is. @param records as they were at some time; now when none are given. */
function takeOver(
  records = memory,
  { rename, unsure = { nodes: new Set(), directories: new Set() } }: UnderWay = {},
): RestoredNodes {
  const orphans = kept;
  const read = [...new NodeRecords(records).read()];
  kept = new Map();
  union = openHere();
  const restored = union.restore({ records: read, orphans, nextId, rename, unsure });
  keep();
  expect(union.checkInvariants()).toEqual([]);
  return restored;
}

const caller = new Caller();
const plain = Object.assign(new Creation(), { mode: S_IFREG | 0o644, flags: O_RDWR });

function lookup(name: string, parent: NodeId = ROOT_NODE): NodeId {
  const entry = new Entry();
  expect(union.lookup(parent, name, entry)).toBe(true);
  return entry.nodeId;
}

function mkdir(name: string, parent: NodeId = ROOT_NODE): NodeId {
  const entry = new Entry();
  union.mkdir(parent, name, plain, new NewEntry(entry, caller));
  return entry.nodeId;
}

/** Makes a file, open. */
function create(name: string, content: string, parent: NodeId = ROOT_NODE): { id: NodeId; handle: number } {
  const file = new NewFile(new Entry(), caller, new Opened());
  union.create(parent, name, plain, file);
  const { entry, opened } = file;
  write(entry.nodeId, opened.handle, content);
  return { id: entry.nodeId, handle: opened.handle };
}

function open(id: NodeId): number {
  const opened = new Opened();
  union.open(id, Object.assign(new OpenIntent(), { flags: O_RDWR }), opened);
  return opened.handle;
}

function write(id: NodeId, handle: number, text: string): void {
  union.write(id, handle, Object.assign(new WriteData(), { bytes: Buffer.from(text), offset: 0 }));
}

function read(id: NodeId, handle: number): string {
  const into = Buffer.alloc(100);
  return into.toString('utf8', 0, union.read(id, handle, 0, into));
}

function fullAttr(id: NodeId): Attr {
  const out = new Attr();
  union.getattr(id, undefined, out);
  return out;
}

function attr(id: NodeId): Pick<Attr, 'ino' | 'nlink' | 'sizeBytes'> {
  const out = new Attr();
  union.getattr(id, undefined, out);
  const { ino, nlink, sizeBytes } = out;
  return { ino, nlink, sizeBytes };
}

describe('a union that takes over', () => {
  it('has the nodes of which nothing but the records was left', () => {
    keep(0);
    const names = Array.from({ length: 300 }, (_, n) => `${n}`.padEnd(1 + (n % 70), 'x'));
    for (const name of names) writeFileSync(join(root, 'lower/sub', name), name);
    const sub = lookup('sub');
    const ids = names.map((name) => lookup(name, sub));
    const [before, handle] = [ids.map(attr), open(ids[7]!)];
    union.forget(ids[9]!, 1);
    expect(takeOver()).toMatchObject({ nodes: 2 + names.length - 1, lost: [] });
    expect(ids.filter((_, n) => n !== 9).map(attr)).toEqual(before.filter((_, n) => n !== 9));
    expect(read(ids[7]!, handle)).toBe(names[7]);
    expect(() => attr(ids[9]!)).toThrow(/ESTALE|stale/i);
  });

  it('has the nodes of layers and upper under their ids, where they have gone since', () => {
    const sub = lookup('sub');
    const made = mkdir('made', sub);
    const { id } = create('file', 'content', made);
    const ids = [lookup('low'), sub, lookup('deep', sub), made, id];
    union.rename(ROOT_NODE, 'sub', { parent: ROOT_NODE, name: 'renamed', flags: 0 });
    const before = ids.map(attr);
    expect(takeOver()).toEqual({ nodes: 6, lost: [], renamed: false });
    expect(ids.map(attr)).toEqual(before);
    expect(lookup('renamed')).toBe(sub);
    expect(lookup('file', made)).toBe(id);
    const next = mkdir('next');
    expect(next).toBeGreaterThan(Math.max(...ids));
  });

  it('makes files that were but looked up, opened or made of their records, as a look at the layers makes them', () => {
    chmodSync(join(root, 'lower/other'), 0o4755);
    const sub = lookup('sub');
    const { id: made, handle } = create('made', 'content', sub);
    union.setattr(made, Object.assign(new AttrChange(), { mode: 0o6711 }), new Attr());
    const [low, deep, other] = [lookup('low'), lookup('deep', sub), lookup('other')];
    const opened = new Opened();
    union.open(deep, new OpenIntent(), opened);
    write(low, open(low), 'new');
    expect(union.checkInvariants()).toEqual([]);
    const tellAll = [...new NodeRecords(memory).read()].filter(([, { bits }]) => (bits & TELLS_ALL) !== 0);
    expect(tellAll.map(([id]) => id)).toEqual([made, deep, other]);
    const all = [made, low, deep, other];
    const before = all.map(fullAttr);
    expect(takeOver()).toMatchObject({ nodes: 6, lost: [] });
    expect(all.map(fullAttr)).toEqual(before);
    expect([read(made, handle), read(deep, opened.handle)]).toEqual(['content', 'of sub/deep']);
    expect([lookup('made', sub), lookup('low'), lookup('deep', sub), lookup('other')]).toEqual(all);
  });

  it('looks at names of which requests were under way, and finds those gone that went', () => {
    const sub = lookup('sub');
    const { id, handle } = create('file', 'content', sub);
    union.release(id, handle);
    const [deep, low] = [lookup('deep', sub), lookup('low')];
    rmSync(join(root, 'upper/sub/file'));
    const unsure = { nodes: new Set<NodeId>(), directories: new Set([sub]) };
    expect(takeOver(memory, { unsure })).toEqual({ nodes: 4, lost: ['file'], renamed: false });
    expect([lookup('deep', sub), lookup('low')]).toEqual([deep, low]);
  });

  it('has files under their own names where others were known by passthrough before', () => {
    const kernel = new Kernel(union, { passthrough: true, onAnswered: () => undefined });
    const asker = { uid: 0, gid: 0, groups: [], pid: process.pid };
    const makeAll = (kind: string): NodeId[] =>
      Array.from({ length: 200 }, (_, index) =>
        kernel.request(asker, () => {
          const file = new NewFile(new Entry(), caller, new Opened());
          union.create(ROOT_NODE, `${kind}${index}`, plain, file);
          union.release(file.entry.nodeId, file.opened.handle);
          return file.entry.nodeId;
        }),
      );
    for (const id of makeAll('first')) kernel.forget(id, 1);
    expect([...new NodeRecords(memory).read()].map(([id]) => id)).toEqual([ROOT_NODE]);
    const second = makeAll('second');
    takeOver();
    expect(second.map((_, index) => lookup(`second${index}`))).toEqual(second);
  });

  it('gives back as many references as the kernel had, and no node before', () => {
    const id = lookup('low');
    lookup('low');
    lookup('low');
    union.forget(id, 1);
    takeOver();
    union.forget(id, 1);
    expect(union.nodeCount).toBe(2);
    union.forget(id, 1);
    expect(union.nodeCount).toBe(1);
  });

  it('goes on with open files, and with those whose names are gone', () => {
    const named = create('named', 'named');
    const gone = create('gone', 'gone');
    union.unlink(ROOT_NODE, 'gone');
    const low = lookup('low');
    const handle = open(low);
    write(low, handle, 'new');
    const other = lookup('other');
    const opened = new Opened();
    union.open(other, new OpenIntent(), opened);
    union.unlink(ROOT_NODE, 'other');
    expect(takeOver().lost).toEqual([]);
    expect([read(named.id, named.handle), read(gone.id, gone.handle)]).toEqual(['named', 'gone']);
    expect([read(low, handle), read(other, opened.handle)]).toEqual(['newlow', 'of other']);
    write(gone.id, gone.handle, 'GONE');
    expect([read(gone.id, gone.handle), attr(gone.id).nlink, attr(other).nlink]).toEqual(['GONE', 0, 0]);
    union.release(gone.id, gone.handle);
    union.forget(gone.id, 1);
    expect(kept.size).toBe(0);
  });

  it('finds a file by another name than the one that it was known by', () => {
    const { id } = create('first', 'twice');
    union.link(id, ROOT_NODE, 'second', new Entry());
    union.unlink(ROOT_NODE, 'first');
    expect(takeOver().lost).toEqual([]);
    expect([attr(id).nlink, lookup('second')]).toEqual([1, id]);
    union.link(id, ROOT_NODE, 'third', new Entry());
    expect(readFileSync(join(root, 'upper/third'), 'utf8')).toBe('twice');
  });

  it('makes a file without a name one with a name', () => {
    const file = new NewFile(new Entry(), caller, new Opened());
    union.tmpfile(ROOT_NODE, plain, file);
    const id = file.entry.nodeId;
    write(id, file.opened.handle, 'whole');
    takeOver();
    union.link(id, ROOT_NODE, 'named', new Entry());
    expect(readFileSync(join(root, 'upper/named'), 'utf8')).toBe('whole');
  });

  it.each([
    ['done', 0],
    ['done', RENAME_EXCHANGE],
    ['not done', 0],
    ['not done', RENAME_EXCHANGE],
  ])('finds what a rename was about that was %s, flags %i', (state, flags) => {
    const sub = lookup('sub');
    const deep = lookup('deep', sub);
    const low = lookup('low');
    const before = [attr(low).ino, attr(deep).ino];
    const records = Buffer.from(new SharedArrayBuffer(NODE_RECORDS_BYTES));
    // All that a few nodes take of it.
    memory.copy(records, 0, 0, 8 * 1024 * 1024);
    if (state === 'done') union.rename(ROOT_NODE, 'low', { parent: sub, name: 'deep', flags });
    const ends = [
      { parent: ROOT_NODE, name: 'low' },
      { parent: sub, name: 'deep' },
    ] as const;
    const { renamed, lost } = takeOver(records, { rename: ends });
    const isReplaced = state === 'done' && flags === 0;
    expect({ renamed, lost }).toEqual({ renamed: state === 'done', lost: [] });
    expect([attr(low).ino, attr(deep).ino]).toEqual(before);
    expect(attr(deep).nlink).toBe(isReplaced ? 0 : 1);
    expect(lookup(state === 'done' ? 'deep' : 'low', state === 'done' ? sub : ROOT_NODE)).toBe(low);
  });

  it('says what it does not find, and answers ESTALE for it', () => {
    const low = lookup('low');
    rmSync(join(root, 'lower/low'));
    linkSync(join(root, 'lower/other'), join(root, 'lower/beside'));
    const unsure = { nodes: new Set([low]), directories: new Set<NodeId>() };
    expect(takeOver(memory, { unsure })).toEqual({ nodes: 1, lost: ['low'], renamed: false });
    expect(() => attr(low)).toThrow(/ESTALE|stale/i);
    // The kernel may know it still: nothing else gets its id, by the next process neither.
    takeOver();
    expect(lookup('other')).toBeGreaterThan(low);
  });
});
