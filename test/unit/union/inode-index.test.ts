/** The index of inode numbers, against a Map. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InodeIndex } from '../../../src/union/stack/inode-index.js';
import type { NodeId } from '../../../src/vfs/node-id.js';

/** Few numbers, so that they meet; some equal in their low 32 bits. */
const number = fc.oneof(
  fc.integer({ min: 1, max: 40 }),
  fc.integer({ min: 1, max: 4 }).map((high) => high * 2 ** 32 + 7),
  fc.integer({ min: 1, max: 20 }).map((many) => many * 4096),
);
const step = fc.record({ sets: fc.boolean(), ino: number, id: fc.integer({ min: 1, max: 2 ** 32 - 1 }) });

describe('InodeIndex', () => {
  it('answers as a Map does, whatever comes and goes', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const index = new InodeIndex();
        const map = new Map<number, number>();
        for (const { sets, ino, id } of steps) {
          if (sets) {
            index.set(ino, id as NodeId);
            map.set(ino, id);
          } else {
            const known = map.get(ino) ?? id;
            index.delete(ino, known as NodeId);
            map.delete(ino);
          }
          expect(index.size).toBe(map.size);
          for (const one of steps) expect(index.get(one.ino)).toBe(map.get(one.ino));
        }
        expect(new Map(index.entries())).toEqual(map);
      }),
    );
  });

  it('leaves a number that stands for another node by now', () => {
    const index = new InodeIndex();
    index.set(5, 1 as NodeId);
    index.set(5, 2 as NodeId);
    index.delete(5, 1 as NodeId);
    expect(index.get(5)).toBe(2);
    expect(index.has(6)).toBe(false);
  });

  it('grows and shrinks with what is in it', () => {
    const index = new InodeIndex();
    for (let ino = 1; ino <= 20_000; ino++) index.set(ino * 256, ino as NodeId);
    for (let ino = 1; ino <= 20_000; ino += 1) if (ino % 100 !== 0) index.delete(ino * 256, ino as NodeId);
    expect(index.size).toBe(200);
    for (let ino = 100; ino <= 20_000; ino += 100) expect(index.get(ino * 256)).toBe(ino);
    expect(index.get(256)).toBeUndefined();
  });
});
