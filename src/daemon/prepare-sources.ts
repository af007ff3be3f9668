/**
 * Makes what a mount's sources lack and the user asked to be made: volumes at first use, bind sources with
 * `bind-create-src`.
 */

import { mkdirSync } from 'node:fs';
import type { MountConfig } from './mount-config.js';
import { quote, reasonOf, refusal } from './refusal.js';
import { ensureVolume } from './volume-directory.js';

/** @throws UserError when one cannot be made. */
export function prepareSources(config: MountConfig): void {
  for (const { request, hostPath } of config.mounts) {
    if (hostPath === undefined) continue;
    if (request.type === 'volume') ensureVolume(hostPath, request);
    if (request.type !== 'bind' || !request.createSource) continue;
    try {
      mkdirSync(Buffer.from(hostPath, 'latin1'), { recursive: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw refusal(config, `bind source ${quote(hostPath)} cannot be made: ${reasonOf(error)}`);
    }
  }
}
