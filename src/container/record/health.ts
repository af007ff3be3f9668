/**
 * `containers/ID/health.json`: what the health check of a container has found, in the words of Docker's inspect. Its
 * supervisor alone writes it; what it says holds while the command runs.
 */

import { hasCode } from '../../errno/error-code.js';
import { readJson, writeJson } from '../../store/atomic-file.js';
import { containerHome } from '../../store/container-home.js';
import { type Healthcheck, type RunnableRootfs, readContainer } from '../../store/container-record.js';
import type { StoreView } from '../../store/store-view.js';

export type HealthStatus = 'starting' | 'healthy' | 'unhealthy';

export interface Health {
  readonly Status: HealthStatus;
  readonly FailingStreak: number;
  /** The last ones, oldest first. */
  readonly Log: readonly HealthResult[];
}

export interface HealthResult {
  /** RFC 3339. */
  readonly Start: string;
  readonly End: string;
  /** -1: it was ended, or could not be begun. */
  readonly ExitCode: number;
  readonly Output: string;
}

/** The command of the check, with `CMD` or `CMD-SHELL` before it; undefined where there is none. */
export function checkOf({ Test = [] }: Healthcheck = {}): readonly string[] | undefined {
  return Test.length < 2 || Test[0] === 'NONE' ? undefined : Test;
}

/** Undefined for a container that has no check, or has never run. */
export function readHealth(store: StoreView, record: RunnableRootfs): Health | undefined {
  if (checkOf(record.healthcheck) === undefined) return undefined;
  return readJson(healthPath(store, record.id)) as Health | undefined;
}

/** Nothing is written for a container that was removed meanwhile. */
export function writeHealth(store: StoreView, id: string, health: Health): void {
  if (readContainer(store, id) === undefined) return;
  try {
    writeJson(healthPath(store, id), health, 0o600);
  } catch (error) {
    // A full disk costs a result; it must not end the command.
    if (!hasCode(error, 'ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'ENOENT')) throw error;
  }
}

function healthPath(store: StoreView, id: string): string {
  return store.path(containerHome(id), 'health.json');
}
