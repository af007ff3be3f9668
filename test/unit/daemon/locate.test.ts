/** Paths resolved without touching a mount, mountinfo, and who holds an upper. */

import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { locate } from '../../../src/daemon/config/locate.js';
import { listMounts } from '../../../src/daemon/run-directory/list-mounts.js';
import type { RunState } from '../../../src/daemon/run-directory/run-state.js';
import { holderOf, refuseKernelOverlay } from '../../../src/daemon/run-directory/upper-lock.js';
import { type MountEntry, parseMountinfo, topMountAt } from '../../../src/engine/kernel/attach-mountinfo.js';

let root: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'plyfs-locate-')));
  mkdirSync(join(root, 'm'));
  mkdirSync(join(root, 'other'));
  symlinkSync('m', join(root, 'link'));
  symlinkSync(join(root, 'link/x'), join(root, 'deep'));
  symlinkSync('loop', join(root, 'loop'));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function entry(change: Partial<MountEntry>): MountEntry {
  const plain = {
    mountId: 9,
    parentId: 1,
    device: '0:9',
    mountpoint: '/',
    source: 'plyfs',
    superOptions: 'rw',
  };
  return { ...plain, type: 'fuse.plyfs', ...change };
}

describe('locate()', () => {
  it.each([
    ['m', 'm', '/'],
    ['m/', 'm', '/'],
    ['m/a/../b', 'm/b', '/b'],
    ['link/a', 'm/a', '/a'],
    ['deep/y', 'm/x/y', '/x/y'],
    ['other/../m/x', 'm/x', '/x'],
  ])('finds the mount in %s', (path, resolved, inside) => {
    const found = locate(`${root}/${path}`, [entry({ mountpoint: `${root}/m` })]);
    expect([found.path, found.inside, found.mount?.mountId]).toEqual([`${root}/${resolved}`, inside, 9]);
  });

  it.each([
    ['m/a/../../other/z', 'other/z'],
    ['nothing/here', 'nothing/here'],
    ['loop', 'loop'],
  ])('leaves no mount for %s', (path, resolved) => {
    const found = locate(`${root}/${path}`, [entry({ mountpoint: `${root}/m` })]);
    expect([found.path, found.mount]).toEqual([`${root}/${resolved}`, undefined]);
  });
});

describe('mountinfo', () => {
  it('is read with optional fields and escapes', () => {
    const text = [
      '44 27 0:39 / /mnt/a\\040b\\012\\134c rw,relatime shared:5 master:1 - fuse.plyfs plyfs rw,user_id=0',
      'not a mount',
      '45 27 0:40 / /o rw - overlay overlay rw,upperdir=/u',
    ].join('\n');
    const [first, second] = parseMountinfo(text);
    expect(first).toMatchObject({
      mountId: 44,
      mountpoint: '/mnt/a b\n\\c',
      type: 'fuse.plyfs',
      source: 'plyfs',
    });
    expect(second?.superOptions).toBe('rw,upperdir=/u');
  });

  it('gives the mount on top of a stack, whatever the order', () => {
    const lower = entry({ mountId: 5, mountpoint: '/m' });
    const upper = entry({ mountId: 3, parentId: 5, mountpoint: '/m' });
    expect(topMountAt([lower, upper], '/m')).toBe(upper);
    expect(topMountAt([upper, lower], '/m')).toBe(upper);
    expect(topMountAt([lower], '/n')).toBeUndefined();
  });
});

describe('who holds an upper', () => {
  const state = { mountpoint: '/other', pid: 123, upper: '/u', work: '/w' } as RunState;

  it('is named by mount point and pid', () => {
    expect(holderOf('/u', [state])).toBe("the mount at '/other' (pid 123)");
    expect(holderOf('/w', [state])).toBe("the mount at '/other' (pid 123)");
    expect(holderOf('/x', [state])).toBe('another process');
  });

  it('may be kernel overlayfs, whose options are escaped', () => {
    const overlay = entry({
      type: 'overlay',
      mountpoint: '/o',
      superOptions: 'rw,upperdir=/u\\,x,workdir=/w',
    });
    expect(() => refuseKernelOverlay('/m', '/u,x', [overlay])).toThrow(
      "cannot mount on '/m': upper '/u,x' is in use by the kernel overlay at '/o'",
    );
    expect(() => refuseKernelOverlay('/m', '/u', [overlay])).not.toThrow();
  });
});

describe('listMounts()', () => {
  const state: RunState = {
    id: 'a'.repeat(12),
    pid: 1,
    startTicks: 1,
    mountpoint: '/m\xc3\xa9',
    mountId: 9,
    privileged: true,
    layers: ['/l'],
    mounts: [{ type: 'bind', target: '/x', source: '/y', readOnly: true }],
    engine: 'kernel',
    readOnly: false,
    createdAt: '2026-11-24T00:00:00Z',
  };

  it('joins states and mounts, and shows names as text', () => {
    const [mount] = listMounts([state], [entry({ mountpoint: '/m\xc3\xa9' })]);
    expect(mount).toMatchObject({ mountpoint: '/m\u00e9', status: 'up', mounts: ['/x (bind)'], pid: 1 });
  });

  it('tells what is detached and what has no daemon', () => {
    const statuses = listMounts([state], [entry({ mountId: 10, mountpoint: '/m\xc3\xa9' })]).map(
      (one) => one.status,
    );
    expect(statuses).toEqual(['detached', 'no daemon']);
  });

  it('leaves out what is a bind of a mount that is served', () => {
    const own = entry({ mountpoint: '/m\xc3\xa9' });
    const bind = entry({ mountId: 10, mountpoint: '/elsewhere', root: '/sub' });
    expect(listMounts([state], [own, bind]).map(({ mountpoint }) => mountpoint)).toEqual(['/m\u00e9']);
  });
});
