/**
 * Mounts of plyfs whose daemon is gone: everything in them fails with ENOTCONN.
 *
 * That no daemon of this run directory serves a mount proves nothing: there may be others. So it is asked whether any process has the connection open (`fuse_connection` in /proc/PID/fdinfo).
 */

import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { deadStates, isMountOf, listRunStates, runRoot } from '../../../daemon/run-directory/run-state.js';
import {
  FS_TYPE,
  isSameMount,
  type MountEntry,
  readMountinfo,
} from '../../../engine/kernel/attach-mountinfo.js';
import { hasCode } from '../../../errno/error-code.js';
import { check } from '../../../errno/fs-error.js';
import { MNT_DETACH } from '../../../linux/constants.js';
import type { Store } from '../../../store/store.js';
import { displayName } from '../../../vfs/name.js';
import type { StoreProblem } from './problem.js';

/** Those below the store, and those that daemons of this run root have left. */
export function checkMounts(store: Store): StoreProblem[] {
  const living = new Set(listRunStates(runRoot()).map(({ mountId }) => mountId));
  const left = deadStates(runRoot());
  const isLeft = (entry: MountEntry): boolean => left.some((state) => isMountOf(state, entry));
  const below = `${realRoot(store)}/`;
  const doubtful = readMountinfo().filter(
    (entry) =>
      entry.type === FS_TYPE &&
      !living.has(entry.mountId) &&
      (isLeft(entry) || displayName(entry.mountpoint).startsWith(below)),
  );
  if (doubtful.length === 0) return [];
  const served = servedConnections();
  return doubtful
    .filter((entry) => {
      // A process that we may not look at may be the one, unless we know which it was.
      return served === undefined ? isLeft(entry) : !served.has(entry.device.split(':')[1] ?? '');
    })
    .map(deadMount);
}

function realRoot({ root }: Store): string {
  return existsSync(root) ? realpathSync(root) : root;
}

function deadMount(mount: MountEntry): StoreProblem {
  const { mountpoint } = mount;
  const shown = displayName(mountpoint);
  return {
    what: `the daemon of the mount at '${shown}' is gone`,
    cost: 'whoever looks into it gets ENOTCONN',
    remedy: 'unmount it',
    mend: async () => {
      if (!readMountinfo().some((entry) => isSameMount(entry, mount))) return;
      const { unmountAt } = await import('../../../linux/mounts/held-mount-point.js');
      check(unmountAt(mountpoint, MNT_DETACH), 'umount', shown);
    },
  };
}

/** Minor device numbers of FUSE mounts that some process serves; undefined when that cannot be told. */
function servedConnections(): Set<string> | undefined {
  const served = new Set<string>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const fd of orGone(() => readdirSync(`/proc/${pid}/fd`), []) ?? ['?']) {
      if (fd === '?') return undefined;
      if (orGone(() => readlinkSync(`/proc/${pid}/fd/${fd}`), '') !== '/dev/fuse') continue;
      const info = orGone(() => readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1'), '') ?? '';
      const connection = /^fuse_connection:\s*(\d+)$/m.exec(info)?.[1];
      // Kernels before 6.14 do not say which.
      if (connection === undefined && info !== '') return undefined;
      if (connection !== undefined) served.add(connection);
    }
  }
  return served;
}

/** `gone` for a process that ended meanwhile, undefined for one that is not ours to look at. */
function orGone<T>(look: () => T, gone: T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return gone;
    if (hasCode(error, 'EACCES', 'EPERM')) return undefined;
    throw error;
  }
}
