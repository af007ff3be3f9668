/** `--ulimit`: limits of the process that becomes the command. */

import { check } from '../../errno/fs-error.js';
import { type NumberedLimit, raiseHardLimit, setResourceLimit } from '../../linux/process/resource-limit.js';
import type { ResourceLimit } from '../../store/container-record.js';
import { RESOURCE_NAMES } from './capability-names.js';

/** Node itself would fail below a small one, so they hold from execve(2) on. */
const LAST: ReadonlySet<string> = new Set(['as', 'data', 'stack']);

/** PRECONDITION: it may still raise them. @throws FsError */
export function setResourceLimits(limits: readonly ResourceLimit[]): void {
  for (const { name, soft, hard } of limits) {
    const resource = RESOURCE_NAMES.get(name);
    if (resource === undefined) continue;
    const result = LAST.has(name)
      ? raiseHardLimit(resource, hard)
      : setResourceLimit({ resource, soft, hard });
    check(result, 'set the limit', name);
  }
}

/** Those that `setResourceLimits()` has left for the last moment, when a privilege is no longer needed for them. */
export function lastLimits(limits: readonly ResourceLimit[]): NumberedLimit[] {
  return limits.flatMap(({ name, soft, hard }) => {
    const resource = RESOURCE_NAMES.get(name);
    return resource !== undefined && LAST.has(name) ? [{ resource, soft, hard }] : [];
  });
}
