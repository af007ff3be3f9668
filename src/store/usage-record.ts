/**
 * `usage.json` beside a container's upper or a volume's `_data`: how much was in it when somebody last looked, and when they looked
 * before.
 *
 * Written where the figure comes for free (a tree was just copied) or was asked for; `system df` reads these alone.
 */

import { isMissing, writeJson } from './atomic-file.js';
import { readRecord, type Shape } from './read-record.js';

export interface UsageRecord extends UsagePoint {
  /** Older figures, the oldest first; absent where there are none. */
  readonly earlier?: readonly UsagePoint[];
}

export interface UsagePoint {
  readonly bytes: number;
  readonly files: number;
  /** RFC 3339, UTC. */
  readonly measuredAt: string;
}

const POINT = { bytes: 'number', files: 'number', measuredAt: 'text' } as const;
const SHAPE: Shape = { fields: { ...POINT, 'earlier?': { listOf: { fields: POINT } } } };

/** Where there are more, every other one of the older half goes. */
const MOST_EARLIER = 120;
/** The time between two figures: of those that follow each other sooner the last one is kept. */
const APART_MS = 60_000;

/** @param directory of the volume or container. @returns undefined when nobody has looked yet. */
export function readUsage(directory: string): UsageRecord | undefined {
  return readRecord(`${directory}/usage.json`, SHAPE);
}

/** The directory may be gone meanwhile. */
export function writeUsage(
  directory: string,
  { bytes, files }: { bytes: number; files: number },
  measuredAt: string = new Date().toISOString(),
): void {
  try {
    const earlier = earlierThan({ bytes, files, measuredAt }, readUsage(directory));
    writeJson(`${directory}/usage.json`, {
      bytes,
      files,
      measuredAt,
      ...(earlier.length === 0 ? {} : { earlier }),
    });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** What is kept beside a new figure. */
function earlierThan(now: UsagePoint, last: UsageRecord | undefined): readonly UsagePoint[] {
  if (last === undefined) return [];
  const { earlier = [], ...previous } = last;
  const sinceMs = Date.parse(now.measuredAt) - Date.parse(previous.measuredAt);
  const isSame = (point: UsagePoint | undefined): boolean =>
    point !== undefined && point.bytes === now.bytes && point.files === now.files;
  // Of a time in which nothing changed, its beginning and its end tell all.
  if ((sinceMs >= 0 && sinceMs < APART_MS) || (isSame(previous) && isSame(earlier.at(-1)))) return earlier;
  const all = [...earlier, previous];
  if (all.length <= MOST_EARLIER) return all;
  return all.filter((_, index) => index % 2 === 0 || index > all.length / 2);
}
