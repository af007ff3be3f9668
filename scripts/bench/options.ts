/** The command line of `npm run bench -- ...`. */

import { parseArgs } from 'node:util';

export interface Options {
  readonly rounds: number;
  /** Counts of files and commits divided by ten, one round, no figures for memory and mounting. */
  readonly quick: boolean;
  readonly workloads: readonly string[];
  readonly targets: readonly string[];
  /** Whether `targets` was named by the user, so that a missing one is an error. */
  readonly targetsNamed: boolean;
  readonly jsonFile: string | undefined;
  /** Put the tables into docs/BENCHMARKS.md. */
  readonly write: boolean;
}

interface Known {
  readonly workloads: readonly string[];
  readonly targets: readonly string[];
  /** Those measured when nothing is named. */
  readonly defaultTargets: readonly string[];
}

export const usage = `usage: npm run bench -- [--rounds N] [--quick] [--only WORKLOAD,..] [--targets TARGET,..] [--json FILE] [--write]`;

/** @throws Error with one line for the user when an option or a name is unknown. */
export function parseOptions(args: readonly string[], known: Known): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string' },
      only: { type: 'string' },
      targets: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      write: { type: 'boolean', default: false },
    },
  });
  const rounds = values.rounds ?? (values.quick ? '1' : '3');
  if (!/^[1-9]\d*$/.test(rounds)) throw new Error(`invalid --rounds '${rounds}': not a number from 1`);
  return {
    rounds: Number(rounds),
    quick: values.quick,
    workloads: names('--only', values.only, known.workloads, known.workloads),
    targets: names('--targets', values.targets, known.targets, known.defaultTargets),
    targetsNamed: values.targets !== undefined,
    jsonFile: values.json,
    write: values.write,
  };
}

function names(
  option: string,
  value: string | undefined,
  known: readonly string[],
  fallback: readonly string[],
): readonly string[] {
  if (value === undefined) return fallback;
  const wanted = value.split(',');
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`invalid ${option} '${unknown}': one of ${known.join(', ')}`);
  return known.filter((name) => wanted.includes(name));
}
