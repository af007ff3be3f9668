/** The rehearsal of a serving thread: whole, in slices, and without a trace. */

import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MountConfig } from '../../../src/daemon/config/mount-config.js';
import { Rehearsal } from '../../../src/daemon/session/rehearsal/rehearsal.js';
import { LoopBuffers } from '../../../src/engine/kernel/loop-buffers.js';
import { EFD_NONBLOCK } from '../../../src/linux/constants.js';
import { close } from '../../../src/linux/files/open.js';
import { eventfd } from '../../../src/linux/io/poll.js';
import { CAP_SYS_ADMIN, hasCapability } from '../../../src/linux/process/process.js';
import { CallerIds } from '../../../src/realfs/caller-ids.js';
import { HeldDescriptors } from '../../../src/realfs/held-descriptors.js';

const FILE_LIMIT = 1024;
/** Nothing of it is there: a rehearsal that looked at it would fail. */
const config: MountConfig = {
  mountpoint: '/nowhere/mnt',
  layers: ['/nowhere/lower'],
  upper: '/nowhere/upper',
  work: '/nowhere/work',
  mounts: [],
  readOnly: false,
  engine: 'kernel',
  xattrNamespace: 'trusted',
  unionOptions: {},
  vfsOptions: [],
  fsname: 'plyfs',
  volatile: false,
  passthrough: 'programs',
  allowOther: true,
  debug: false,
};

let wakeFd: number;
let umask: number;
beforeEach(() => {
  vi.stubEnv('PLYFS_REHEARSAL', 'on');
  wakeFd = eventfd(0, EFD_NONBLOCK);
  umask = process.umask();
});
afterEach(() => {
  process.umask(umask);
  vi.unstubAllEnvs();
  close(wakeFd);
});

function rehearsal(privileged: boolean): Rehearsal {
  return new Rehearsal(() => ({
    privileged,
    fileLimit: FILE_LIMIT,
    wakeFd,
    callerIds: new CallerIds({ enabled: privileged }),
    held: new HeldDescriptors(FILE_LIMIT),
    buffers: new LoopBuffers(),
  }));
}

function openDescriptors(): readonly string[] {
  return readdirSync('/proc/self/fd');
}

describe('a rehearsal', () => {
  it.runIf(hasCapability(CAP_SYS_ADMIN))('makes all its requests in slices, and leaves nothing open', () => {
    const before = openDescriptors();
    const made = rehearsal(true);
    made.prepare(config);
    let slices = 0;
    for (; made.isDue && slices < 100_000; slices++) made.run();
    expect(made.failure).toBeUndefined();
    expect(made.isDue).toBe(false);
    expect(slices).toBeGreaterThan(1);
    expect(openDescriptors()).toEqual(before);
  });

  it('is not due before a mount that can be written to is served', () => {
    const made = rehearsal(true);
    const { upper: _, work: __, ...withoutUpper } = config;
    made.prepare(withoutUpper);
    made.prepare({ ...config, readOnly: true });
    expect(made.isDue).toBe(false);
    made.prepare(config);
    expect(made.isDue).toBe(true);
  });

  it('is over at once without privilege, which no disk of memory is to be had without', () => {
    const before = openDescriptors();
    const made = rehearsal(false);
    made.prepare(config);
    made.run();
    expect([made.isDue, made.failure]).toEqual([false, undefined]);
    expect(openDescriptors()).toEqual(before);
  });

  it('is left out where it is switched off', () => {
    vi.stubEnv('PLYFS_REHEARSAL', 'off');
    const made = rehearsal(true);
    made.prepare(config);
    expect(made.isDue).toBe(false);
  });
});
