/** The processes that have a container's mount as their root directory, whoever started them. */

import { readdirSync, readFileSync } from 'node:fs';
import { readMountinfo, topMountAt } from '../../engine/kernel/attach-mountinfo.js';
import { hasCode } from '../../errno/error-code.js';
import { nameFromText } from '../../vfs/name.js';

/** Host pids; empty when nothing is mounted there. Touches no mount. */
export function processesIn(mountpoint: string): number[] {
  const mount = topMountAt(readMountinfo(), nameFromText(mountpoint));
  if (mount === undefined) return [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    const root = mountsOf(pid).find((line) => line.split(' ')[4] === '/');
    return root?.split(' ')[2] === mount.device;
  });
}

const GONE_OR_NOT_OURS = ['ENOENT', 'ESRCH', 'EINVAL', 'EACCES', 'EPERM'];

function mountsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/mountinfo`, 'latin1').split('\n');
  } catch (error) {
    if (hasCode(error, ...GONE_OR_NOT_OURS)) return [];
    throw error;
  }
}
