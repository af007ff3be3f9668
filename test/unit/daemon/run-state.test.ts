/** The run directory: who is alive, what is stale, and whose directory it is. */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createRunDirectory,
  listRunStates,
  newRunId,
  processStartTicks,
  type RunState,
  readRunState,
  runRoot,
  writeRunState,
} from '../../../src/daemon/run-state.js';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'plyfs-run-'));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function stateOf(id: string, change: Partial<RunState> = {}): RunState {
  return {
    id,
    pid: process.pid,
    startTicks: processStartTicks(process.pid) ?? 0,
    mountpoint: '/mnt/\xc3\xa9\xff',
    mountId: 77,
    privileged: true,
    layers: ['/l'],
    mounts: [],
    engine: 'kernel',
    readOnly: true,
    createdAt: '2026-11-24T00:00:00.000Z',
    ...change,
  };
}

function store(change: Partial<RunState> = {}): { state: RunState; directory: string } {
  const id = newRunId();
  const directory = createRunDirectory(root, id);
  const state = stateOf(id, change);
  writeRunState(directory, state);
  return { state, directory };
}

describe('run states', () => {
  it('come back as written, names of any bytes included', () => {
    const { state, directory } = store();
    expect(readRunState(directory)).toEqual(state);
    expect(listRunStates(root)).toEqual([state]);
  });

  it('are listed oldest first', () => {
    const young = store({ createdAt: '2026-11-24T02:00:00.000Z' }).state;
    const old = store({ createdAt: '2026-11-24T01:00:00.000Z' }).state;
    expect(listRunStates(root).map((state) => state.id)).toEqual([old.id, young.id]);
  });

  it('of a process that is gone are removed when met', () => {
    const { directory } = store({ pid: 2 ** 22 + 1 });
    expect(listRunStates(root)).toEqual([]);
    expect(existsSync(directory)).toBe(false);
  });

  it('of a reused pid are removed when met', () => {
    const { directory, state } = store({ startTicks: 1 });
    expect(state.pid).toBe(process.pid);
    expect(listRunStates(root)).toEqual([]);
    expect(existsSync(directory)).toBe(false);
  });

  it('that are not written yet are left alone, unless old', () => {
    const fresh = createRunDirectory(root, newRunId());
    const old = createRunDirectory(root, newRunId());
    utimesSync(old, 1, 1);
    expect(listRunStates(root)).toEqual([]);
    expect([existsSync(fresh), existsSync(old)]).toEqual([true, false]);
  });

  it('leave no temporary file, and are closed to others', () => {
    const { directory } = store();
    expect(existsSync(join(directory, 'state.json.new'))).toBe(false);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, 'state.json')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(directory, 'state.json'), 'utf8')).toMatch(/\n$/);
  });

  it('of a run root that does not exist are none', () => {
    expect(listRunStates(join(root, 'nothing'))).toEqual([]);
  });
});

describe('createRunDirectory()', () => {
  it('refuses a root that is a file', () => {
    writeFileSync(join(root, 'file'), '');
    expect(() => createRunDirectory(join(root, 'file'), newRunId())).toThrow(/cannot make the run directory/);
  });

  it('takes write permission away from others', () => {
    mkdirSync(join(root, 'open'));
    utimesSync(join(root, 'open'), 1, 1);
    createRunDirectory(join(root, 'open'), newRunId());
    expect(statSync(join(root, 'open')).mode & 0o022).toBe(0);
  });
});

describe('runRoot()', () => {
  it.each([
    [{}, 0, '/run/plyfs'],
    [{ XDG_RUNTIME_DIR: '/run/user/7' }, 7, '/run/user/7/plyfs'],
    [{ XDG_RUNTIME_DIR: 'relative' }, 7, '/tmp/plyfs-7'],
    [{}, 7, '/tmp/plyfs-7'],
    [{ PLYFS_RUN_DIR: '/x', XDG_RUNTIME_DIR: '/run/user/7' }, 7, '/x'],
  ])('of %j for uid %i is %s', (env, uid, expected) => {
    expect(runRoot(env, uid)).toBe(expected);
  });
});
