/** What is installed now takes over only what it can read. */

import { expect, it } from 'vitest';
import type { RunningDaemon } from '../../../src/daemon/client/daemon-control.js';
import { upgradeDaemon } from '../../../src/daemon/client/upgrade-daemon.js';
import { version } from '../../../src/daemon/config/plyfs-version.js';
import { STATE_FORM } from '../../../src/engine/kernel/request-record.js';

function daemon(program: RunningDaemon['program']): RunningDaemon {
  const common = { pid: 1, since: '', tookOver: false, mounts: [], directory: '/nowhere', isOwn: false };
  return { ...common, ...(program && { program }) };
}

it('a daemon of a later version is not taken over: both versions are named', async () => {
  const later = daemon({ version: '99.0.0', form: STATE_FORM + 1, path: '/elsewhere/shared-main.js' });
  await expect(upgradeDaemon(later)).rejects.toThrow(
    `cannot upgrade process 1: it runs plyfs 99.0.0, and plyfs ${version()} does not read what that leaves`,
  );
});

it('one of this copy is current, and one of another copy is asked', async () => {
  const path = new URL('../../../src/daemon/serve/shared-main.js', import.meta.url).pathname;
  const current = { version: version(), form: STATE_FORM, path };
  expect(await upgradeDaemon(daemon(current))).toBe('is current');
  await expect(upgradeDaemon(daemon({ ...current, path: '/elsewhere/shared-main.js' }))).rejects.toThrow(
    /cannot reach the daemon/,
  );
  await expect(upgradeDaemon(daemon(undefined))).rejects.toThrow(/cannot reach the daemon/);
});
