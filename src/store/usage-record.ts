/**
 * `usage.json` beside a container's upper or a volume's `_data`: how much was in it when somebody last looked.
 *
 * Written where the figure comes for free (a tree was just copied) or was asked for; `system df` reads these alone.
 */

import { isMissing, readJson, writeJson } from './atomic-file.js';

export interface UsageRecord {
  readonly bytes: number;
  readonly files: number;
  /** RFC 3339, UTC. */
  readonly measuredAt: string;
}

/** @param directory of the volume or container. @returns undefined when nobody has looked yet. */
export function readUsage(directory: string): UsageRecord | undefined {
  return readJson(`${directory}/usage.json`) as UsageRecord | undefined;
}

/** The directory may be gone meanwhile. */
export function writeUsage(directory: string, { bytes, files }: { bytes: number; files: number }): void {
  try {
    writeJson(`${directory}/usage.json`, { bytes, files, measuredAt: new Date().toISOString() });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
