/** What a session tells of failed operations: each once with its cause, however often it fails. */

import { beforeEach, expect, it, vi } from 'vitest';
import type { ResolvedMount } from '../../../src/daemon/config/mount-config.js';
import type { FailedOperation } from '../../../src/daemon/messages/activity-report.js';
import { failureCause } from '../../../src/daemon/session/journal/failure-cause.js';
import { SessionJournal } from '../../../src/daemon/session/journal/session-journal.js';
import { isTelling } from '../../../src/engine/kernel/request-watch.js';
import { Records } from '../../../src/engine/operations/session-records.js';
import { EBUSY, EIO, ENOENT, ENOSPC, EPERM, EROFS, EXDEV } from '../../../src/errno/errno.js';
import {
  FUSE_COPY_FILE_RANGE,
  FUSE_CREATE,
  FUSE_RENAME2,
  FUSE_RMDIR,
  FUSE_SETXATTR,
  FUSE_WRITE,
} from '../../../src/fuse/abi/abi-opcodes.js';
import type { NodeId } from '../../../src/vfs/node-id.js';

let told: FailedOperation[];
let journal: SessionJournal;
beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  journal = new SessionJournal({
    placeOf: (node) => ({ path: node === 1 ? '/' : `/d${node}`, cause: (errno) => `because of ${errno}` }),
    tell: (failure) => told.push(failure),
  });
  return () => vi.useRealTimers();
});

function fail(errno: number, { opcode = FUSE_CREATE, node = 1, name = 'new' } = {}): void {
  const records = new Records();
  records.create.name = name;
  records.rename.oldName = name;
  journal.failed(errno, { header: { opcode, nodeId: node as NodeId, pid: 0 }, records });
}

it('tells what failed, where, and why', () => {
  fail(EROFS);
  fail(ENOSPC, { opcode: FUSE_WRITE, node: 7 });
  fail(EROFS, { opcode: FUSE_RENAME2, node: 7, name: 'old' });
  expect(told.map(({ operation, error, path, cause }) => [operation, error, path, cause])).toEqual([
    ['CREATE', 'EROFS', '/new', `because of ${EROFS}`],
    ['WRITE', 'ENOSPC', '/d7', `because of ${ENOSPC}`],
    ['RENAME2', 'EROFS', '/d7/old', `because of ${EROFS}`],
  ]);
});

it('tells a failure that repeats itself once a minute, with how often it came', () => {
  for (let count = 0; count < 1000; count++) fail(ENOSPC, { opcode: FUSE_WRITE, node: 7 });
  expect(told.map(({ count }) => count)).toEqual([1]);
  expect(journal.failures.map(({ count }) => count)).toEqual([1000]);
  vi.advanceTimersByTime(61_000);
  fail(ENOSPC, { opcode: FUSE_WRITE, node: 7 });
  expect(told.map(({ count }) => count)).toEqual([1, 1001]);
});

it('counts what fails too often to be told, and keeps the last ones', () => {
  for (let count = 0; count < 10_000; count++) fail(ENOSPC, { name: `new${count}` });
  expect(told).toHaveLength(20);
  expect(journal.counts).toEqual({ ENOSPC: 10_000 });
  for (let round = 0; round < 20; round++) {
    vi.advanceTimersByTime(10_000);
    for (let count = 0; count < 20; count++) fail(EIO, { name: `${round}-${count}` });
  }
  expect(journal.failures).toHaveLength(100);
  expect(journal.failures[0]?.path).toMatch(/^\/19-/);
});

it('tells names that cannot be moved to another mount as one failure', () => {
  for (let count = 0; count < 1000; count++)
    fail(EXDEV, { opcode: FUSE_RENAME2, node: count + 2, name: `n${count}` });
  expect(told.map(({ path, error }) => [path, error])).toEqual([['/d2/n0', 'EXDEV']]);
  expect(journal.failures.map(({ count }) => count)).toEqual([1000]);
});

it.each([
  [EXDEV, FUSE_COPY_FILE_RANGE, false],
  [EXDEV, FUSE_RENAME2, true],
  [EBUSY, FUSE_RMDIR, true],
  [EPERM, FUSE_SETXATTR, false],
  [EPERM, FUSE_CREATE, true],
  [ENOENT, FUSE_RMDIR, false],
  [ENOSPC, FUSE_SETXATTR, true],
])('errno %i of operation %i is worth telling: %s', (errno, opcode, is) => {
  expect(isTelling(errno, opcode)).toBe(is);
});

it('notes slow requests, latest first', () => {
  const records = new Records();
  for (let tookMs = 1; tookMs <= 101; tookMs++)
    journal.slow(tookMs, { header: { opcode: FUSE_WRITE, nodeId: 7 as NodeId, pid: 0 }, records });
  expect(journal.slowRequests).toHaveLength(100);
  expect(journal.slowRequests[0]).toMatchObject({ path: '/d7', operation: 'WRITE', tookMs: 101 });
});

const common = { target: '/h', readOnly: true, origin: 'v', notices: [], createSource: true } as const;
const bind: ResolvedMount = {
  request: { ...common, type: 'bind', source: '/srv', spec: '/srv:/h:ro', recursive: 'enabled' },
  hostPath: '/srv',
};
const tmpfs: ResolvedMount = {
  request: {
    ...{ type: 'tmpfs', target: '/t', readOnly: false, source: undefined, sizeBytes: 65536, notices: [] },
    ...{ spec: '/t:size=64k', origin: 'tmpfs' },
  },
};
const union = { path: '/x', mount: undefined, upper: '/up', isUnionReadOnly: false, over: [] };

it.each([
  [EROFS, { mount: bind, path: '/h/x' }, "'/h/x' is ro through -v /srv:/h:ro"],
  [EROFS, { mount: { ...bind, via: '--volumes-from web:ro' } }, "'/x' is ro through --volumes-from web:ro"],
  [EROFS, { upper: undefined }, "'/x' is read-only: the mount has no upper"],
  [EROFS, { isUnionReadOnly: true }, "'/x' is read-only: the mount is"],
  [ENOSPC, { mount: tmpfs }, 'the size of --tmpfs /t:size=64k is reached'],
  [ENOSPC, { mount: bind }, "the file system of '/srv' is full"],
  [ENOSPC, {}, "the file system of upper '/up' is full"],
  [
    EIO,
    { mount: { ...bind, remote: { type: 'nfs', device: '0:1' } } },
    "the storage of '/srv' (nfs) fails or does not answer",
  ],
  [EIO, {}, "the storage of upper '/up' fails"],
  [
    EPERM,
    {},
    "the file system of upper '/up' refuses it: immutable or append-only (lsattr), or more than whoever mounted may do",
  ],
  [EBUSY, { path: '/h', over: [bind] }, "'/h' is the mount point of -v /srv:/h:ro"],
  [EBUSY, { path: '/', over: [bind] }, "'/' holds the mount point of -v /srv:/h:ro"],
  [
    EXDEV,
    { mount: bind, path: '/h/x' },
    "'/h/x' is of '/srv', the other name is not: nothing is renamed or linked across mounts",
  ],
  [
    EXDEV,
    {},
    "the other name of '/x' lies in another mount, or it is a directory of a layer and redirect_dir is off",
  ],
])('says of errno %i in words what has to be changed: %#', (errno, place, words) => {
  expect(failureCause(errno, { ...union, ...place })).toBe(words);
});
