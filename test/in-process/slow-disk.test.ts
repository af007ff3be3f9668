/** Copy-ups and walks while the disk is slow: others do not wait for it, since helpers do what the loop does on a quick disk. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DT_DIR, O_RDWR } from '../../src/linux/constants.js';
import { ThreadReads } from '../../src/linux/process/thread-reads.js';
import { CallerIds } from '../../src/realfs/caller-ids.js';
import { HeldDescriptors } from '../../src/realfs/held-descriptors.js';
import { openUnion } from '../../src/union/open-union.js';
import type { UnionFileSystem } from '../../src/union/union-file-system.js';
import { Entry, Opened } from '../../src/vfs/attr.js';
import { type DirentSink, OpenIntent, WriteData } from '../../src/vfs/file-system.js';
import { InodeNumbers } from '../../src/vfs/inode-numbers.js';
import { nameFromText } from '../../src/vfs/name.js';
import { type NodeId, ROOT_NODE } from '../../src/vfs/node-id.js';
import type { JobSpec } from '../../src/vfs/wait.js';
import { Wait } from '../../src/vfs/wait.js';
import { InProcessSession } from './kernel/kernel-session.js';

const FILES = 20;

let root: string;
let union: UnionFileSystem;
let session: InProcessSession;
let started: JobSpec['kind'][];
let listed: number;
let waits: number;
let syncMs: number;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'plyfs-slow-disk-'));
  for (const name of ['lower', 'upper', 'work']) mkdirSync(join(root, name));
  for (let n = 0; n < FILES; n++) writeFileSync(join(root, `lower/${n}`), 'old');
  const privileged = process.geteuid?.() === 0;
  union = openUnion({
    layers: [nameFromText(join(root, 'lower'))],
    upper: nameFromText(join(root, 'upper')),
    work: nameFromText(join(root, 'work')),
    ...{ readOnly: false, volatile: false, accessTimes: [], passthrough: 'programs', privileged },
    xattrNamespace: privileged ? 'trusted' : 'user',
    inodeNumbers: new InodeNumbers(),
    callerIds: new CallerIds({ enabled: false }),
    ...{ descriptorLimit: 64, held: new HeldDescriptors(4096) },
  });
  session = new InProcessSession(false, { invalidate: () => undefined, prune: () => undefined });
  union.attach(session);
  started = [];
  [listed, waits] = [0, 0];
  const start = session.startJob.bind(session);
  session.startJob = (spec) => {
    if (spec.kind === 'copy') started.push(spec.kind);
    if (spec.kind === 'list') listed++;
    return start(spec);
  };
  // Each look at the clock is so much later than the one before.
  let nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => {
    nowMs += syncMs;
    return nowMs;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  union.detach();
  rmSync(root, { recursive: true, force: true });
});

/** As the loop does it: what waits comes again when its job is done. */
function served(call: () => void): void {
  for (;;) {
    try {
      call();
      session.awaited = undefined;
      return;
    } catch (error) {
      if (!(error instanceof Wait)) throw error;
      if (error.job.spec.kind === 'list') waits++;
      session.settle();
      session.awaited = error.job;
    }
  }
}

function append(name: string): void {
  const [entry, opened] = [new Entry(), new Opened()];
  served(() => expect(union.lookup(ROOT_NODE, name, entry)).toBe(true));
  const { nodeId } = entry;
  served(() => union.open(nodeId, Object.assign(new OpenIntent(), { flags: O_RDWR }), opened));
  const data = Object.assign(new WriteData(), { bytes: Buffer.from('new'), offset: 3 });
  served(() => union.write(nodeId, opened.handle, data));
  union.release(nodeId, opened.handle);
  expect(readFileSync(join(root, 'upper', name), 'utf8')).toBe('oldnew');
}

it('small files are copied by helpers from the first sync on that was slow', () => {
  syncMs = 10;
  for (let n = 0; n < FILES; n++) append(`${n}`);
  expect(started).toEqual(new Array(FILES - 1).fill('copy'));
});

it('small files are copied in the loop where the disk is quick', () => {
  syncMs = 0.1;
  for (let n = 0; n < FILES; n++) append(`${n}`);
  expect(started).toEqual([]);
});

it('the loop copies again after some that were quick', () => {
  syncMs = 10;
  append('0');
  syncMs = 0.1;
  for (let n = 1; n < FILES; n++) append(`${n}`);
  expect(started).toEqual(new Array(8).fill('copy'));
});

/** As much as helpers take to start: one look is enough. */
const SLOW_MS = 100;
const [DIRECTORIES, SUBDIRECTORIES] = [6, 3];

/** Lists the directory and all below it, as find does. @returns how many there are. */
function walk(node: NodeId): number {
  const found: NodeId[] = [];
  const sink: DirentSink = {
    plus: true,
    fits: () => true,
    add: () => undefined,
    addPlus: (_, entry, type) => {
      if (type === DT_DIR && entry.nodeId !== 0) found.push(entry.nodeId);
    },
  };
  served(() => union.readdir(node, 0, sink));
  return found.reduce((sum, child) => sum + walk(child), 1);
}

function makeTree(): void {
  vi.spyOn(ThreadReads.prototype, 'hasMore').mockReturnValue(true);
  for (let n = 0; n < DIRECTORIES; n++)
    for (let m = 0; m < SUBDIRECTORIES; m++) {
      mkdirSync(join(root, `lower/d${n}/s${m}`), { recursive: true });
      writeFileSync(join(root, `lower/d${n}/s${m}/file`), '');
    }
}

it('a walk has helpers list each directory of each layer once, and most before it gets there', () => {
  makeTree();
  syncMs = SLOW_MS + 10;
  const directories = 1 + DIRECTORIES * (1 + SUBDIRECTORIES);
  expect(walk(ROOT_NODE)).toBe(directories);
  // The first is listed by the loop, which finds it slow.
  expect(listed).toBe(directories - 1);
  expect(waits).toBeLessThan(directories / 2);
  expect(waits).toBeGreaterThan(0);
});

it('a walk has no helper list anything where the disk is quick', () => {
  makeTree();
  syncMs = 0.01;
  walk(ROOT_NODE);
  expect([listed, waits]).toEqual([0, 0]);
});

it('a listing alone reads nothing ahead', () => {
  makeTree();
  syncMs = SLOW_MS + 10;
  const entry = new Entry();
  union.lookup(ROOT_NODE, 'd0', entry);
  const sink: DirentSink = { plus: true, fits: () => true, add: () => undefined, addPlus: () => undefined };
  served(() => union.readdir(entry.nodeId, 0, sink));
  expect(listed).toBe(1);
});

it('what no request asks for waits for no helper: nobody would ask again', () => {
  makeTree();
  syncMs = SLOW_MS + 10;
  const entry = new Entry();
  for (const name of ['d0', 'd1']) served(() => union.lookup(ROOT_NODE, name, entry));
  const sink: DirentSink = { plus: true, fits: () => true, add: () => undefined, addPlus: () => undefined };
  const list = (): void => union.readdir(entry.nodeId, 0, sink);
  let thrown: unknown;
  try {
    list();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(Wait);
  session.settle();
  union.withoutWaiting(list);
});
