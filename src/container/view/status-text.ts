/** What lists say of a container in words: `Up 5 minutes`, `Exited (0) 3 days ago`. */

import type { HealthStatus } from '../record/health.js';
import type { ContainerStatus } from '../record/status.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** In the steps that Docker's users know. */
function humanDuration(ms: number): string {
  const count = (unit: number) => Math.floor(ms / unit);
  if (ms < SECOND) return 'Less than a second';
  if (count(SECOND) === 1) return '1 second';
  if (ms < MINUTE) return `${count(SECOND)} seconds`;
  if (count(MINUTE) === 1) return 'About a minute';
  if (ms < HOUR) return `${count(MINUTE)} minutes`;
  if (Math.round(ms / HOUR) === 1) return 'About an hour';
  if (ms < 2 * DAY) return `${Math.round(ms / HOUR)} hours`;
  if (ms < 14 * DAY) return `${count(DAY)} days`;
  if (ms < 60 * DAY) return `${count(7 * DAY)} weeks`;
  if (ms < 730 * DAY) return `${count(30 * DAY)} months`;
  return `${count(365 * DAY)} years`;
}

export function sinceText(time: string, now: number): string {
  return humanDuration(Math.max(0, now - Date.parse(time)));
}

/** @param health of a container that has a check. */
export function statusText(
  { status, state, daemon }: ContainerStatus,
  now: number,
  health?: HealthStatus,
): string {
  if (status === 'dead') return 'Dead (its daemon is gone)';
  if (status === 'running') {
    const word = health === 'starting' ? 'health: starting' : health;
    return `Up ${sinceText(state?.startedAt ?? '', now)}${word === undefined ? '' : ` (${word})`}`;
  }
  const note = daemon === undefined ? '' : ' (mounted)';
  if (state === undefined || status === 'created') return `Created${note}`;
  const ended = state.finishedAt ?? state.startedAt;
  const code = state.exitCode === undefined ? '' : ` (${state.exitCode})`;
  return `Exited${code} ${sinceText(ended, now)} ago${note}`;
}
