/** Changes of an input: of bits, bytes, numbers, pieces, words, and of two inputs one. */

import type { Random } from './random.js';

const MAX_BYTES = 16 * 1024;
const MAX_CHANGES = 6;

/** Numbers at which things end. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

export interface Pool {
  readonly random: Random;
  readonly inputs: readonly Buffer[];
  readonly words: readonly string[];
}

type Change = (input: Buffer, pool: Pool) => Buffer;

const changes: readonly Change[] = [
  (input, { random }) => {
    const at = random.below(input.length);
    return patched(input, at, Buffer.from([(input[at] ?? 0) ^ (1 << random.below(8))]));
  },
  (input, { random }) => patched(input, random.below(input.length), Buffer.from([random.below(256)])),
  (input, { random }) => {
    const number = Buffer.alloc(4);
    number.writeUInt32LE(random.of(EDGES));
    return patched(input, random.below(input.length), number.subarray(0, random.of([1, 2, 4])));
  },
  (input, { random }) => spliced(input, piece(input, random), Buffer.alloc(0)),
  (input, { random }) => {
    const [from, to] = piece(input, random);
    return spliced(input, [to, to], Buffer.concat(Array(1 + random.below(3)).fill(input.subarray(from, to))));
  },
  (input, { random, words }) => {
    const at = random.below(input.length + 1);
    const word = words.length === 0 ? String(random.of(EDGES)) : random.of(words);
    return spliced(input, random.below(2) === 0 ? [at, at] : piece(input, random), Buffer.from(word));
  },
  (input, { random }) => {
    const at = random.below(input.length + 1);
    return spliced(input, [at, at], Buffer.from(random.of(['', '-']) + String(random.of(EDGES))));
  },
  (input, { random, inputs }) => {
    const other = random.of(inputs);
    const [from, to] = piece(other, random);
    return spliced(input, piece(input, random), other.subarray(from, to));
  },
];

export function mutate(input: Buffer, pool: Pool): Buffer {
  let out = input;
  for (let left = 1 + pool.random.below(MAX_CHANGES); left > 0; left--)
    out = pool.random.of(changes)(out, pool).subarray(0, MAX_BYTES);
  return Buffer.from(out);
}

function piece(input: Buffer, random: Random): readonly [number, number] {
  const from = random.below(input.length + 1);
  const most = random.below(3) === 0 ? input.length - from : Math.min(input.length - from, 16);
  return [from, from + random.below(most + 1)];
}

function patched(input: Buffer, at: number, bytes: Buffer): Buffer {
  return spliced(input, [at, Math.min(input.length, at + bytes.length)], bytes);
}

function spliced(input: Buffer, [from, to]: readonly [number, number], bytes: Buffer): Buffer {
  return Buffer.concat([input.subarray(0, from), bytes, input.subarray(to)]);
}
