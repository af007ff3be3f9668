/**
 * Trying again: after faults of the network and of an overloaded server, with pauses that double.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf } from '../../errno/error-code.js';
import { UserError } from '../../errno/user-error.js';

export interface RetryPolicy {
  readonly attempts: number;
  readonly firstPauseMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = { attempts: 5, firstPauseMs: 500 };

const MAX_PAUSE_MS = 30_000;

/** Faults that time may mend. */
const TRANSIENT = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/** An answer that asks to come again later; it is thrown so that `withRetry()` does. */
export class TryLater extends UserError {
  readonly pauseMs: number | undefined;

  constructor(message: string, pauseMs?: number) {
    super(message);
    this.name = 'TryLater';
    this.pauseMs = pauseMs;
  }
}

/** Whether it is worth to come again; not for who would have us wait longer than anybody looks at a terminal. */
export function isTransient(error: unknown): boolean {
  if (error instanceof TryLater) return (error.pauseMs ?? 0) <= MAX_PAUSE_MS;
  const code = codeOf(error);
  return code !== undefined && TRANSIENT.has(code);
}

/**
 * The result of the first attempt that works.
 * @throws what the last attempt threw, or the first thing that trying again cannot mend.
 */
export async function withRetry<T>(policy: RetryPolicy, attempt: (count: number) => Promise<T>): Promise<T> {
  for (let count = 1; ; count += 1) {
    try {
      return await attempt(count);
    } catch (error) {
      if (count >= policy.attempts || !isTransient(error)) throw error;
      await sleep(pauseAfter(policy, count, error));
    }
  }
}

export function pauseAfter(policy: RetryPolicy, count: number, error: unknown): number {
  const wished = error instanceof TryLater ? error.pauseMs : undefined;
  // A jitter, so that clients which failed together do not come back together.
  const own = policy.firstPauseMs * 2 ** (count - 1) * (0.75 + Math.random() / 2);
  return Math.min(Math.max(wished ?? 0, own), MAX_PAUSE_MS);
}

/** Milliseconds of a Retry-After header: seconds, or a date. */
export function retryAfterMs(header: string | undefined, nowMs = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
