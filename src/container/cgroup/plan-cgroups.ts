/**
 * Where a container's cgroups go, one directory for each hierarchy that a limit needs: below the cgroup that this process
 * is in, so that what limits us limits the container too; in version 2, where a cgroup with processes can give no controllers
 * to its children, below the nearest one above that can.
 */

import { accessSync, constants, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hasCode } from '../../errno/error-code.js';
import { UserError } from '../../errno/user-error.js';
import type { ResourceLimits } from '../../store/container-record.js';
import type { Controller, Hierarchy } from './hosts.js';
import { type Setting, settingsOf } from './settings.js';

/** A cgroup to be made. */
export interface PlannedCgroup {
  readonly path: string;
  readonly version: 1 | 2;
  readonly controllers: readonly Controller[];
  readonly settings: readonly Setting[];
}

interface CgroupNeeds {
  readonly limits: ResourceLimits;
  /** Some devices only. */
  readonly devices: boolean;
}

/** @throws UserError that says why there can be none. */
export function planCgroups(
  name: string,
  { limits, devices }: CgroupNeeds,
  hierarchies: readonly Hierarchy[],
): PlannedCgroup[] {
  const wanted = [...new Set(settingsOf(limits, 1).map(({ controller }) => controller))];
  if (devices) wanted.push('devices');
  const byHierarchy = new Map<Hierarchy, Controller[]>();
  for (const controller of wanted) {
    const hierarchy = hierarchyOf(controller, hierarchies);
    if (hierarchy === undefined) throw cannot(optionOf(controller, limits), missing(controller, hierarchies));
    byHierarchy.set(hierarchy, [...(byHierarchy.get(hierarchy) ?? []), controller]);
  }
  return [...byHierarchy].map(([hierarchy, controllers]) => {
    const { version } = hierarchy;
    const option = optionOf(controllers[0]!, limits);
    const parent = version === 1 ? checked(hierarchy.own, option) : parentFor(hierarchy, controllers, option);
    const settings = settingsOf(limits, version).filter(({ controller }) => controllers.includes(controller));
    return { path: join(parent, name), version, controllers, settings };
  });
}

function hierarchyOf(controller: Controller, hierarchies: readonly Hierarchy[]): Hierarchy | undefined {
  const first = hierarchies.find(
    ({ version, controllers }) => version === 1 && controllers.includes(controller),
  );
  // There devices are filtered by a program.
  const isThere = ({ version, root }: Hierarchy) =>
    version === 2 &&
    (controller === 'devices' || wordsOf(join(root, 'cgroup.controllers')).includes(controller));
  return first ?? hierarchies.find(isThere);
}

/** @throws UserError */
function parentFor(hierarchy: Hierarchy, controllers: readonly Controller[], option: string): string {
  const needed = controllers.filter((controller) => controller !== 'devices');
  const above = ancestors(hierarchy);
  const gives = (path: string) => {
    const given = wordsOf(join(path, 'cgroup.subtree_control'));
    return needed.every((controller) => given.includes(controller));
  };
  const found =
    above.find((path) => isWritable(path) && gives(path)) ?? above.find((path) => enable(path, needed));
  if (found !== undefined) return found;
  const isRoot = process.getuid?.() === 0;
  const reason = above.some(isWritable)
    ? `no cgroup above '${hierarchy.own}' can give its children the controllers ${needed.join(', ')}`
    : `the cgroups from '${hierarchy.own}' up are not ours to change`;
  throw cannot(option, reason, isRoot ? undefined : 'systemd-run --user --scope -p Delegate=yes gives one');
}

/** The own cgroup and those above it, nearest first. */
function ancestors({ root, own }: Hierarchy): string[] {
  const found = [own];
  for (let at = own; at !== root && at !== '/'; at = dirname(at)) found.push(dirname(at));
  return found;
}

/** Lets a cgroup's children have controllers. @returns whether they do. */
function enable(path: string, controllers: readonly Controller[]): boolean {
  if (!isWritable(path)) return false;
  try {
    writeFileSync(join(path, 'cgroup.subtree_control'), controllers.map((name) => `+${name}`).join(' '));
    return true;
  } catch (error) {
    // It has processes, or its own parent does not give them.
    if (hasCode(error, ...REFUSALS)) return false;
    throw error;
  }
}

const REFUSALS = ['EBUSY', 'ENOENT', 'EACCES', 'EPERM', 'EROFS', 'EOPNOTSUPP', 'EINVAL'];

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    accessSync(join(path, 'cgroup.procs'), constants.W_OK);
    return true;
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EROFS', 'ENOENT')) return false;
    throw error;
  }
}

/** @throws UserError */
function checked(path: string, option: string): string {
  if (isWritable(path)) return path;
  const isThere = statSync(path, { throwIfNoEntry: false }) !== undefined;
  throw cannot(
    option,
    isThere ? `the cgroup '${path}' is not ours to change` : `there is no cgroup '${path}'`,
  );
}

function missing(controller: Controller, hierarchies: readonly Hierarchy[]): string {
  if (hierarchies.length === 0) return 'no cgroups are mounted on this host';
  return `no cgroup hierarchy of this host has the controller '${controller}'`;
}

function optionOf(controller: Controller, limits: ResourceLimits): string {
  const setting = settingsOf(limits, 1).find(
    (one) => one.controller === controller && one.option !== undefined,
  );
  return setting?.option ?? '--device';
}

export function cannot(option: string, reason: string, hint?: string): UserError {
  return new UserError(`cannot keep the limit ${option}: ${reason}`, hint === undefined ? {} : { hint });
}

function wordsOf(path: string): string[] {
  try {
    return readFileSync(path, 'latin1').trim().split(/\s+/);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES')) return [];
    throw error;
  }
}
