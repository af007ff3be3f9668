/** The run directory: who is alive, what is stale, and whose directory it is. */

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createRunDirectory,
  deadStates,
  listRunStates,
  newRunId,
  processStartTicks,
  type RunState,
  readRunState,
  runRoot,
  stateOfMount,
  writeRunState,
} from '../../../src/daemon/run-directory/run-state.js';
import { parseMountinfo } from '../../../src/linux/mounts/mountinfo.js';
import { outerUid } from '../../../src/linux/process/user-namespace.js';

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

describe('stateOfMount()', () => {
  const [there] = parseMountinfo('40 1 0:50 / /new rw - fuse.plyfs plyfs rw\n');

  it('is not that of one that is ending, whose number the mount has got', () => {
    const [ending, own] = [
      { mountId: 40, mountpoint: '/old' },
      { mountId: 40, mountpoint: '/new' },
    ];
    expect(stateOfMount([ending, own], there!)).toBe(own);
  });

  it('is that with its number where a directory above has another name by now', () => {
    const [other, own] = [
      { mountId: 41, mountpoint: '/new' },
      { mountId: 40, mountpoint: '/renamed' },
    ];
    expect(stateOfMount([other, own], there!)).toBe(own);
    expect(stateOfMount([other], there!)).toBeUndefined();
  });
});

describe('createRunDirectory()', () => {
  it('refuses a root that is a file', () => {
    writeFileSync(join(root, 'file'), '');
    expect(() => createRunDirectory(join(root, 'file'), newRunId())).toThrow(
      /cannot make the run directory '.*': file exists|cannot use the run directory '.*': it is a symbolic link or no/,
    );
  });

  it('closes a root of this user to those who may read it', () => {
    mkdirSync(join(root, 'open'), { mode: 0o755 });
    createRunDirectory(join(root, 'open'), newRunId());
    expect(statSync(join(root, 'open')).mode & 0o777).toBe(0o700);
  });
});

describe('a trap laid where run states are', () => {
  /** A directory of a victim's that a link in the run root leads to, with names like those of run directories. */
  function victim(): { path: string; inside: string } {
    const path = join(root, 'victim');
    const inside = join(path, '0123456789ab');
    mkdirSync(inside, { recursive: true });
    writeFileSync(join(inside, 'precious'), 'x');
    utimesSync(inside, 1, 1);
    return { path, inside };
  }

  const uses: [string, () => unknown][] = [
    ['listRunStates()', () => listRunStates(join(root, 'run'))],
    ['deadStates()', () => deadStates(join(root, 'run'))],
    ['createRunDirectory()', () => createRunDirectory(join(root, 'run'), newRunId())],
  ];

  it.each(uses)('%s refuses a root that is a link, and touches nothing behind it', (_, use) => {
    const { path, inside } = victim();
    mkdirSync(join(root, 'real'), { mode: 0o700 });
    symlinkSync(path, join(root, 'real/mounts'));
    symlinkSync(join(root, 'real'), join(root, 'run'));
    expect(use).toThrow(/cannot use the run directory|cannot make the run directory/);
    expect(existsSync(join(inside, 'precious'))).toBe(true);
  });

  it.each(uses)('%s refuses a link in place of the directory of all mounts', (_, use) => {
    const { path, inside } = victim();
    mkdirSync(join(root, 'run'), { mode: 0o700 });
    symlinkSync(path, join(root, 'run/mounts'));
    expect(use).toThrow(/cannot use the run directory '.*mounts': it is a symbolic link|cannot make/);
    expect(existsSync(join(inside, 'precious'))).toBe(true);
  });

  it.each(uses)('%s refuses a root of another user', (_, use) => {
    mkdirSync(join(root, 'run'), { mode: 0o700 });
    chownSync(join(root, 'run'), 1234, 1234);
    expect(use).toThrow(/it belongs to another user \(1234\)/);
  });

  it.each(uses)('%s refuses a root in which others may write, and leaves its mode', (_, use) => {
    mkdirSync(join(root, 'run'));
    chmodSync(join(root, 'run'), 0o1777);
    expect(use).toThrow(/others may write in it/);
    expect(statSync(join(root, 'run')).mode & 0o7777).toBe(0o1777);
  });

  it('as a link in place of one mount is neither read nor removed', () => {
    const { inside } = victim();
    const { directory } = store();
    const link = join(root, 'mounts', 'aaaaaaaaaaaa');
    symlinkSync(inside, link);
    symlinkSync(directory, join(root, 'mounts', 'bbbbbbbbbbbb'));
    expect(listRunStates(root)).toHaveLength(1);
    expect([existsSync(link), existsSync(join(inside, 'precious'))]).toEqual([true, true]);
  });

  it.each([
    ['a FIFO', (path: string) => spawnSync('mkfifo', [path])],
    ['a link to a device', (path: string) => symlinkSync('/dev/zero', path)],
    ['a directory', (path: string) => mkdirSync(path)],
    ['a file of another user', (path: string) => spawnSync('install', ['-o', '1234', '/dev/null', path])],
    ['a file without an end', (path: string) => spawnSync('truncate', ['-s', '1T', path])],
  ])('as %s in place of a state is no state, and nothing waits for it', (_, lay) => {
    const { directory } = store();
    rmSync(join(directory, 'state.json'));
    lay(join(directory, 'state.json'));
    expect(readRunState(directory)).toBeUndefined();
  });
});

describe('runRoot()', () => {
  it('of a user who is root in a namespace of his own is named by his id outside', () => {
    expect(outerUid('         0       1000          1\n         1     100000      65536\n', 0)).toBe(1000);
    expect(outerUid('         0       1000          1\n         1     100000      65536\n', 5)).toBe(100_004);
    expect(outerUid('         0          0 4294967295\n', 7)).toBe(7);
  });

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
