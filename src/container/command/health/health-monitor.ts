/**
 * Carries out a container's health check again and again while its command runs, and keeps what it finds. The rules are
 * Docker's: `healthy` after one that succeeds, `unhealthy` after so many failures in a row, of which those in the start
 * period do not count until one has succeeded.
 */

import type { Healthcheck } from '../../../store/container-record.js';
import type { Health, HealthResult } from '../../record/health.js';

const SECOND_NS = 1e9;
const DEFAULT_INTERVAL_NS = 30 * SECOND_NS;
const DEFAULT_TIMEOUT_NS = 30 * SECOND_NS;
const DEFAULT_RETRIES = 3;
const KEPT_RESULTS = 5;
const NS_PER_MS = 1e6;

interface MonitorOptions {
  readonly check: Healthcheck;
  /** What an earlier run left; its results stay. */
  readonly before: Health | undefined;
  readonly probe: (timeoutMs: number, signal: AbortSignal) => Promise<HealthResult>;
  readonly write: (health: Health) => void;
}

export class HealthMonitor {
  readonly #options: MonitorOptions;
  readonly #startedAt = Date.now();
  readonly #stopped = new AbortController();
  #health: Health;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#health = { Status: 'starting', FailingStreak: 0, Log: options.before?.Log ?? [] };
    options.write(this.#health);
    this.#wait();
  }

  /** The command has ended. */
  stop(): void {
    if (this.#stopped.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#stopped.abort();
    this.#keep({ ...this.#health, Status: 'unhealthy', FailingStreak: 0 });
  }

  /** From the end of one to the begin of the next. */
  #wait(): void {
    const { Interval = DEFAULT_INTERVAL_NS } = this.#options.check;
    this.#timer = setTimeout(() => void this.#probe(), Interval / NS_PER_MS);
  }

  async #probe(): Promise<void> {
    const { check, probe } = this.#options;
    const result = await probe((check.Timeout ?? DEFAULT_TIMEOUT_NS) / NS_PER_MS, this.#stopped.signal);
    if (this.#stopped.signal.aborted) return;
    this.#keep(
      afterResult(this.#health, result, { check, ageMs: Date.parse(result.Start) - this.#startedAt }),
    );
    this.#wait();
  }

  #keep(health: Health): void {
    this.#health = health;
    this.#options.write(health);
  }
}

/** @param ageMs since the command began, when the check began. */
export function afterResult(
  { Status, FailingStreak, Log }: Health,
  result: HealthResult,
  { check, ageMs }: { readonly check: Healthcheck; readonly ageMs: number },
): Health {
  const log = [...Log, result].slice(-KEPT_RESULTS);
  if (result.ExitCode === 0) return { Status: 'healthy', FailingStreak: 0, Log: log };
  const isStarting = Status === 'starting' && ageMs < (check.StartPeriod ?? 0) / NS_PER_MS;
  if (isStarting) return { Status, FailingStreak, Log: log };
  const streak = FailingStreak + 1;
  const status = streak >= (check.Retries ?? DEFAULT_RETRIES) ? 'unhealthy' : Status;
  return { Status: status, FailingStreak: streak, Log: log };
}
