/**
 * What a test file left behind: mounts, processes, directories under /tmp, descriptors of the runner.
 *
 * Only what carries the given prefix is looked at, so that other work on the machine is nobody's leak.
 */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { readMounts } from './read-mountinfo.js';

/** One line for each thing that is still there; empty when all is clean. */
export function findLeaks(prefix: string): string[] {
  const mounts = readMounts().filter((entry) => entry.mountpoint.startsWith(prefix));
  const parent = dirname(prefix);
  const left = readdirSync(parent).filter((name) => `${parent}/${name}`.startsWith(prefix));
  return [
    ...mounts.map((entry) => `mount: ${entry.fsType} on ${entry.mountpoint}`),
    ...processesNaming(prefix),
    ...left.map((name) => `directory: ${parent}/${name}`),
    ...descriptorsBelow(prefix),
  ];
}

function processesNaming(prefix: string): string[] {
  const found: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue;
    const command = readOrGone(() => readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
    if (command?.includes(prefix) === true)
      found.push(`process ${pid}: ${command.replaceAll('\0', ' ').trim()}`);
  }
  return found;
}

function descriptorsBelow(prefix: string): string[] {
  const found: string[] = [];
  for (const fd of readdirSync('/proc/self/fd')) {
    const target = readOrGone(() => readlinkSync(`/proc/self/fd/${fd}`));
    if (target?.startsWith(prefix) === true) found.push(`descriptor ${fd}: ${target}`);
  }
  return found;
}

/** Processes and descriptors end while they are listed. */
function readOrGone(read: () => string): string | undefined {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
