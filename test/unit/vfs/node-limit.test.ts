/** Which nodes the kernel is asked to forget, and when there is no room for more. */

import { expect, it } from 'vitest';
import type { Session } from '../../../src/vfs/file-system.js';
import type { NodeId } from '../../../src/vfs/node-id.js';
import { type LimitedNode, MOST_PRUNED, NodeLimit } from '../../../src/vfs/node-limit.js';

const COUNT = 10_000;

function nodes(): Map<number, LimitedNode> {
  const all = new Map<number, LimitedNode>();
  for (let id = 1; id <= COUNT; id++) {
    // Of ten one is open, one a directory with children.
    all.set(id, {
      id: id as NodeId,
      nlookup: 1,
      children: id % 10 === 0 ? 1 : 0,
      openCount: id % 10 === 5 ? 1 : 0,
    });
  }
  return all;
}

interface Making {
  pruned: (readonly NodeId[])[];
  make: (count: number, uid?: number) => void;
  use: (share: number) => void;
}

function making(atFirst: number, largestUser?: number): Making {
  let share = atFirst;
  const pruned: (readonly NodeId[])[] = [];
  const session = { pruneNodes: (ids: readonly NodeId[]) => pruned.push(ids) > 0, caller: { uid: 0 } };
  const all = nodes();
  const limit = new NodeLimit({ size: all.size, largestUser, limited: () => all.values() }, () => share);
  const make = (count: number, uid = 0): void => {
    session.caller.uid = uid;
    for (let made = 0; made < count; made++) limit.makeRoom(session as unknown as Session);
  };
  return {
    pruned,
    make,
    use: (now) => {
      share = now;
    },
  };
}

it('nothing is forgotten while half of the heap is free', () => {
  const { pruned, make } = making(0.49);
  make(5000);
  expect(pruned).toEqual([]);
});

it('the oldest of those that are not in use go first, more than come, and the hand goes round', () => {
  const { pruned, make } = making(0.5);
  make(1024);
  expect(pruned.map(({ length }) => length)).toEqual([MOST_PRUNED]);
  expect(pruned[0]!.slice(0, 9)).toEqual([1, 2, 3, 4, 6, 7, 8, 9, 11]);
  make(1024 * 3);
  expect(new Set(pruned.flat()).size).toBe(COUNT * 0.8);
  make(1024);
  expect(pruned.at(-1)![0]).toBe(1);
});

it('a full heap takes no new names until there is room', () => {
  const { pruned, make } = making(0.95);
  expect(() => make(1024)).toThrow('names are known');
  expect(() => make(1)).toThrow('names are known');
  expect(pruned.length).toBe(2);
});

it('the last of the heap is for others than who has most names', () => {
  const { make, use } = making(0.79, 1000);
  make(1024, 1000);
  use(0.8);
  expect(() => make(1024, 1000)).toThrow('names are known');
  make(3000, 1001);
  make(3000, 0);
  expect(() => make(1, 1000)).toThrow('names are known');
  use(0.9);
  expect(() => make(1024, 1001)).toThrow('names are known');
  use(0.7);
  make(3000, 1000);
});
