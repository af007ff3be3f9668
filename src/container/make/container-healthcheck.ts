/** The health check of a new container: the image's, with what `run` and `create` say in its place. */

import { UserError } from '../../errno/user-error.js';
import { parseDuration } from '../../image/oci/duration.js';
import type { Healthcheck } from '../../store/container-record.js';

/** As given. */
export interface HealthOptions {
  /** A line for the shell that tells by its status whether the container is well. */
  readonly healthCommand?: string | undefined;
  /** From the end of one check to the next, as `30s`. */
  readonly healthInterval?: string | undefined;
  /** A check that takes longer has failed. */
  readonly healthTimeout?: string | undefined;
  /** How long failures do not count at first. */
  readonly healthStartPeriod?: string | undefined;
  /** Failures in a row that make it unhealthy. */
  readonly healthRetries?: string | undefined;
  /** `--no-healthcheck` */
  readonly noHealthcheck?: boolean | undefined;
}

/** Shorter ones are refused; zero is the default. */
const MIN_NS = 1e6;

/** @throws UserError */
export function healthOptions(options: HealthOptions): Healthcheck | 'none' {
  const { healthCommand, healthInterval, healthTimeout, healthStartPeriod, healthRetries } = options;
  const given = [healthCommand, healthInterval, healthTimeout, healthStartPeriod, healthRetries];
  if (options.noHealthcheck === true) {
    if (given.some((value) => value !== undefined))
      throw new UserError('conflicting options: --no-healthcheck and --health-*');
    return 'none';
  }
  return {
    ...(healthCommand ? { Test: ['CMD-SHELL', healthCommand] } : {}),
    ...duration('Interval', '--health-interval', healthInterval),
    ...duration('Timeout', '--health-timeout', healthTimeout),
    ...duration('StartPeriod', '--health-start-period', healthStartPeriod),
    ...retriesOf(healthRetries),
  };
}

/** @returns undefined where neither says anything. */
export function healthcheckFor(
  own: Healthcheck | 'none',
  image: Healthcheck | undefined,
): Healthcheck | undefined {
  if (own === 'none') return { ...image, Test: ['NONE'] };
  const merged = { ...image, ...own };
  return Object.keys(merged).length === 0 ? undefined : merged;
}

function duration(
  key: 'Interval' | 'Timeout' | 'StartPeriod',
  option: string,
  text: string | undefined,
): Healthcheck {
  if (text === undefined) return {};
  const nanoseconds = parseDuration(text);
  if (nanoseconds === 0) return {};
  if (nanoseconds >= MIN_NS) return { [key]: nanoseconds };
  throw new UserError(`invalid value '${text}' for ${option}`, { hint: '1ms at least' });
}

function retriesOf(text: string | undefined): Healthcheck {
  if (text === undefined || text === '0') return {};
  if (/^\d{1,9}$/.test(text)) return { Retries: Number(text) };
  throw new UserError(`invalid value '${text}' for --health-retries`, { hint: 'a number, 1 at least' });
}
