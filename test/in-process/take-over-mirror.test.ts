/** A mirror that goes on with what another has left, and what is mounted over a union with it. */

import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AT_FDCWD, O_DIRECTORY, O_PATH, O_RDWR, S_IFREG } from '../../src/linux/constants.js';
import { close, dup, openat } from '../../src/linux/files/open.js';
import { checkMirror } from '../../src/mounts/mirror/check-mirror.js';
import { MirrorFileSystem } from '../../src/mounts/mirror/mirror-file-system.js';
import { MountAttachments } from '../../src/mounts/points/mount-attachments.js';
import { CallerIds } from '../../src/realfs/caller-ids.js';
import { DescriptorCache } from '../../src/realfs/descriptor-cache.js';
import { HeldDescriptors } from '../../src/realfs/held-descriptors.js';
import type { RestoredNodes } from '../../src/realfs/node-keeper.js';
import { Attr, Entry, Opened } from '../../src/vfs/attr.js';
import { Caller } from '../../src/vfs/caller.js';
import { Creation, type FileSystem, NewEntry, NewFile, OpenIntent } from '../../src/vfs/file-system.js';
import { InodeNumbers } from '../../src/vfs/inode-numbers.js';
import { nameFromText } from '../../src/vfs/name.js';
import { type NodeId, nodeLocal, nodeOwner, ROOT_NODE } from '../../src/vfs/node-id.js';
import { NODE_RECORDS_BYTES, NodeRecords } from '../../src/vfs/node-records.js';

const OWNER = 2;
let root: string;
let mirror: MirrorFileSystem;
let memory: Buffer;
let kept: Map<number, number>;
/** As it was when the records were begun. */
let nextId: number;
const caller = new Caller();

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'plyfs-take-over-'));
  mkdirSync(join(root, 'sub'));
  for (const name of ['plain', 'sub/deep', 'replaced']) writeFileSync(join(root, name), `of ${name}`);
  kept = new Map();
  mirror = openHere();
  keep();
});
afterEach(() => {
  mirror.detach();
  for (const fd of kept.values()) close(fd);
  rmSync(root, { recursive: true, force: true });
});

function openHere(): MirrorFileSystem {
  return new MirrorFileSystem({
    rootFd: openat(AT_FDCWD, nameFromText(root), O_PATH | O_DIRECTORY),
    ...{ readOnly: false, owners: undefined, ttlMs: 0, quota: undefined, onDetach: () => undefined },
    callerIds: new CallerIds({ enabled: false }),
    inodeNumbers: new InodeNumbers(),
    descriptors: new DescriptorCache(64, new HeldDescriptors(4096)),
  });
}

function keep(): void {
  nextId = mirror.table.nextId;
  memory = Buffer.from(new SharedArrayBuffer(NODE_RECORDS_BYTES));
  const store = {
    put: (id: number, fd: number) => kept.set(id, dup(fd)) && 0,
    retain: (keeps: (id: number) => boolean) => {
      for (const [id, fd] of kept) if (!keeps(id)) kept.delete(id) && close(fd);
    },
  };
  mirror.keep({ records: new NodeRecords(memory), store, owner: OWNER });
}

/** Another mirror goes on where this one is. */
function takeOver(): RestoredNodes {
  const all = [...new NodeRecords(memory).read()];
  expect(all.every(([id]) => nodeOwner(id) === OWNER)).toBe(true);
  const orphans = kept;
  kept = new Map();
  mirror = openHere();
  const records = all.map(([id, record]) => [nodeLocal(id), record] as const);
  const restored = mirror.restore({
    records,
    orphans,
    nextId,
    rename: undefined,
    unsure: { nodes: new Set(), directories: new Set() },
  });
  keep();
  expect(checkMirror(mirror.table)).toEqual([]);
  return restored;
}

function lookup(name: string, parent: NodeId = ROOT_NODE, fs: FileSystem = mirror): NodeId {
  const entry = new Entry();
  expect(fs.lookup(parent, name, entry)).toBe(true);
  return entry.nodeId;
}

function attr(id: NodeId): Pick<Attr, 'ino' | 'nlink' | 'sizeBytes'> {
  const out = new Attr();
  mirror.getattr(id, undefined, out);
  const { ino, nlink, sizeBytes } = out;
  return { ino, nlink, sizeBytes };
}

function create(name: string, content: string): { id: NodeId; handle: number } {
  const file = new NewFile(new Entry(), caller, new Opened());
  const creation = Object.assign(new Creation(), { mode: S_IFREG | 0o644, flags: O_RDWR });
  mirror.create(ROOT_NODE, name, creation, file);
  const { entry, opened } = file;
  const data = { bytes: Buffer.from(content), offset: 0, flags: 0, killPriv: false, isWriteback: false };
  mirror.write(entry.nodeId, opened.handle, data);
  return { id: entry.nodeId, handle: opened.handle };
}

function read(id: NodeId, handle: number): string {
  const into = Buffer.alloc(100);
  return into.toString('utf8', 0, mirror.read(id, handle, 0, into));
}

describe('a mirror that takes over', () => {
  it('has its nodes under their ids, with their references, where they have gone since', () => {
    const sub = lookup('sub');
    const ids = [lookup('plain'), sub, lookup('deep', sub)];
    lookup('plain');
    mirror.rename(ROOT_NODE, 'sub', { parent: ROOT_NODE, name: 'moved', flags: 0 });
    const before = ids.map(attr);
    expect(takeOver()).toEqual({ nodes: 3, lost: [], renamed: false });
    expect(ids.map(attr)).toEqual(before);
    expect(lookup('moved')).toBe(sub);
    mirror.forget(ids[0]!, 1);
    expect(mirror.table.size).toBe(4);
    mirror.forget(ids[0]!, 1);
    expect(mirror.table.size).toBe(3);
  });

  it('goes on with open files, and with those whose names are gone', () => {
    const named = create('named', 'named');
    const gone = create('gone', 'gone');
    mirror.unlink(ROOT_NODE, 'gone');
    expect(takeOver().lost).toEqual([]);
    expect([read(named.id, named.handle), read(gone.id, gone.handle)]).toEqual(['named', 'gone']);
    expect([attr(named.id).nlink, attr(gone.id).nlink]).toEqual([1, 0]);
    mirror.release(gone.id, gone.handle);
    mirror.forget(gone.id, 1);
    expect(kept.size).toBe(0);
  });

  it('goes on with an open file that the host has given another name in its directory', () => {
    const { id, handle } = create('log', 'lines');
    const closed = lookup('plain');
    renameSync(join(root, 'log'), join(root, 'log.1'));
    renameSync(join(root, 'plain'), join(root, 'plain.1'));
    writeFileSync(join(root, 'log'), 'of the host');
    expect(takeOver()).toEqual({ nodes: 1, lost: ['plain'], renamed: false });
    expect(read(id, handle)).toBe('lines');
    expect(lookup('log.1')).toBe(id);
    expect(lookup('log')).not.toBe(id);
    expect(() => attr(closed)).toThrow(/ESTALE|stale/i);
  });

  it('takes no other file for one that the host has replaced', () => {
    const id = lookup('replaced');
    const opened = new Opened();
    mirror.open(id, new OpenIntent(), opened);
    renameSync(join(root, 'plain'), join(root, 'replaced'));
    expect(takeOver()).toEqual({ nodes: 0, lost: ['replaced'], renamed: false });
    expect(() => attr(id)).toThrow(/ESTALE|stale/i);
    expect(lookup('replaced')).not.toBe(id);
    expect(readFileSync(join(root, 'replaced'), 'utf8')).toBe('of plain');
  });
});

describe('mount points that are taken over', () => {
  it('are where they were, whatever their targets lead to now, virtual directories with them', () => {
    const below = openHere();
    const attachments = new MountAttachments(below);
    const over = { target: '/sub/new/point', spec: 'x', fileName: undefined };
    attachments.attachAll([[over, attachments.mounted.add(mirror)]]);
    const sub = lookup('sub', ROOT_NODE, attachments.mounted);
    const made = lookup('new', sub, attachments.mounted);
    const point = lookup('point', made, attachments.mounted);
    expect(attachments.mounted.rootReferences(nodeOwner(point))).toBe(1);
    const state = JSON.parse(JSON.stringify(attachments.state)) as typeof attachments.state;

    const next = new MountAttachments(below);
    next.mounted.resume(nodeOwner(point), mirror, 1);
    next.mounted.continueFrom(attachments.mounted.nextOwner);
    next.restore(state, [over]);
    expect(lookup('new', sub, next.mounted)).toBe(made);
    expect(lookup('point', made, next.mounted)).toBe(point);
    expect(next.mounted.rootReferences(nodeOwner(point))).toBe(2);
    mirror.mkdir(ROOT_NODE, 'seen', new Creation(), new NewEntry(new Entry(), caller));
    lookup('seen', point, next.mounted);
    below.detach();
  });
});
