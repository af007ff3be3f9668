/**
 * What of `container create` can be judged by the options alone: neither the store nor the image is asked, and no file but
 * those of `--env-file` and `--label-file` is read, once.
 *
 * A mistake here is Docker's command line's own, which ends with 125 for it; what only its daemon can see ends `create` with 1.
 */

import { totalmem } from 'node:os';
import { UserError } from '../../errno/user-error.js';
import { portsOf } from '../../image/add/instructions.js';
import { parseMountSpec } from '../../mounts/request/mount-spec.js';
import type { Healthcheck, RuntimeOptions } from '../../store/container-record.js';
import { parseLabels } from '../record/labels.js';
import { healthOptions } from './container-healthcheck.js';
import type { ContainerOptions } from './create-container.js';
import { environmentEntries, readLabelFile } from './environment.js';
import { capabilityOptions, parseNetwork, runtimeOptions } from './runtime-options.js';

/** A wrong option, whatever the store has. */
export class InvalidOption extends UserError {}

export interface ParsedOptions {
  readonly labels: Readonly<Record<string, string>>;
  /** What `--env-file` and `-e` give: `NAME=VALUE`, or `NAME` alone. */
  readonly environment: readonly string[];
  readonly runtime: RuntimeOptions;
  readonly network: 'host' | 'none';
  readonly health: Healthcheck | 'none';
  readonly stopTimeoutMs: number | undefined;
  /** `80/tcp`. */
  readonly exposed: readonly string[];
}

/** @throws InvalidOption, or UserError for what Docker's daemon refuses. */
export function parseOptions(options: ContainerOptions): ParsedOptions {
  const context = { cwd: process.cwd(), memoryBytes: totalmem() };
  const parsed = asInvalid(() => {
    for (const spec of options.mounts ?? []) parseMountSpec(spec, context);
    return {
      labels: parseLabels([...(options.labelFiles ?? []).flatMap(readLabelFile), ...(options.labels ?? [])]),
      environment: environmentEntries(options.environmentFiles ?? [], options.environment ?? []),
      runtime: runtimeOptions(options),
      network: parseNetwork(options.network),
      health: healthOptions(options),
      stopTimeoutMs: parseStopTimeout(options.stopTimeout),
      exposed: (options.expose ?? []).flatMap(portsOf),
    };
  });
  return { ...parsed, runtime: { ...parsed.runtime, ...capabilityOptions(options) } };
}

function parseStopTimeout(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^-?\d{1,9}$/.test(text)) return Number(text) * 1000;
  throw new UserError(`invalid value '${text}' for --stop-timeout`, { hint: 'seconds; -1: for ever' });
}

/** @throws InvalidOption for what `parse` finds wrong. */
export function asInvalid<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new InvalidOption(error.message, { hint: error.hint, cause: error });
  }
}
