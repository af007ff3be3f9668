/** `--ulimit`: limits of the process that becomes the command. */

import { check } from '../../errno/fs-error.js';
import { setResourceLimit } from '../../linux/resource-limit.js';
import type { ResourceLimit } from '../../store/container-record.js';
import { RESOURCE_NAMES } from './names.js';

/** PRECONDITION: it may still raise them. @throws FsError */
export function setResourceLimits(limits: readonly ResourceLimit[]): void {
  for (const { name, soft, hard } of limits) {
    const resource = RESOURCE_NAMES.get(name);
    if (resource !== undefined) check(setResourceLimit(resource, soft, hard), 'set the limit', name);
  }
}
