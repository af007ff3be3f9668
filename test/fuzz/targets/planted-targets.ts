/** Faults that the fuzzer must find: what it finds of them is its own test. */

import { UserError } from '../../../src/errno/user-error.js';
import { parseCsvRecord } from '../../../src/mounts/request/csv.js';
import type { Target } from '../target.js';

const kept: Buffer[] = [];

function planted(name: string, fault: (fields: readonly string[]) => void): Target {
  const run = (input: Buffer): void => {
    const fields = parseCsvRecord(input.toString());
    // A quoted field is news, and only from there on it is found in time.
    if (fields.length > 2 && fields[1]?.includes('"')) fault(fields);
    throw new UserError('refused');
  };
  return { name, seeds: ['a,b'], words: ['"', '""'], run };
}

export const plantedTargets: readonly Target[] = [
  planted('planted-throw', ([first]) => {
    throw new TypeError(`planted: ${first?.length}`);
  }),
  planted('planted-hang', () => {
    for (;;);
  }),
  {
    name: 'planted-leak',
    seeds: ['a'],
    words: [],
    run: (input) => void kept.push(Buffer.concat([Buffer.alloc(16 * 1024), input])),
  },
];
