/**
 * A container's cgroups: made before its command runs, entered by each of its commands as the last step before execve(2),
 * so that what enters is not charged to the container; asked for kills of the kernel's; removed when all in them has ended.
 *
 * INVARIANT: where they are is in the container's state before a process is in them, so that the next command finds what a
 * killed supervisor has left.
 */

import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hasCode } from '../../errno/error-code.js';
import { reasonOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import { isMissing } from '../../store/atomic-file.js';
import { setDeviceRules } from './device-filter.js';
import type { DeviceRule } from './device-rules.js';
import { cannot, type PlannedCgroup } from './plan-cgroups.js';
import type { Setting } from './settings.js';

/** @throws UserError when the kernel refuses; nothing is left then. */
export function makeCgroups(planned: readonly PlannedCgroup[], rules: readonly DeviceRule[]): string[] {
  const made: string[] = [];
  try {
    for (const one of planned) {
      makeDirectory(one.path);
      made.push(one.path);
      if (one.version === 1 && one.controllers.includes('cpuset')) inheritCpuset(one.path);
      for (const setting of one.settings) apply(one.path, setting);
      if (one.controllers.includes('devices')) setDeviceRules(one, rules);
    }
  } catch (error) {
    for (const path of made) removeOne(path);
    throw error;
  }
  return made;
}

/** What was left there is used: it has no processes, or those of this container. */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if (!hasCode(error, 'EEXIST'))
      throw new UserError(`cannot make the cgroup '${path}': ${reasonOf(error)}`);
  }
}

/** A new cgroup of version 1 has no processors and no memory, and takes no process. */
function inheritCpuset(path: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems'])
    writeFileSync(join(path, file), readFileSync(join(dirname(path), file), 'latin1').trim());
}

function apply(path: string, { file, value, option }: Setting): void {
  try {
    writeFileSync(join(path, file), value, { flag: option === undefined ? 'r+' : 'w' });
  } catch (error) {
    // A kernel that does not count swap.
    if (option === undefined && isMissing(error)) return;
    throw cannot(option ?? file, `'${value}' into ${file}: ${reasonOf(error)}`);
  }
}

/** @throws UserError */
export function enterCgroups(paths: readonly string[], pid: number): void {
  for (const path of paths) {
    try {
      writeFileSync(join(path, 'cgroup.procs'), String(pid));
    } catch (error) {
      throw new UserError(`cannot move the command into the cgroup '${path}': ${reasonOf(error)}`);
    }
  }
}

/** Whether the kernel has ended a process in them because their memory was used up. */
export function hadOomKill(paths: readonly string[]): boolean {
  const files = ['memory.events', 'memory.oom_control'];
  return paths.some((path) => files.some((file) => /^oom_kill [1-9]/m.test(readIfThere(join(path, file)))));
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}

const ATTEMPTS = 100;
const PAUSE_MS = 10;

/** Waits a second for processes that are ending. @returns whether they are gone. */
export async function removeCgroups(paths: readonly string[]): Promise<boolean> {
  let left = paths.filter((path) => !removeOne(path));
  for (let attempt = 0; left.length > 0 && attempt < ATTEMPTS; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    left = left.filter((path) => !removeOne(path));
  }
  return left.length === 0;
}

/** Removes those that nothing is in. */
export function leaveCgroups(paths: readonly string[]): void {
  for (const path of paths) removeOne(path);
}

/** @returns whether it is gone; false while something is in it. */
function removeOne(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return true;
    if (hasCode(error, 'EBUSY')) return false;
    throw error;
  }
}
