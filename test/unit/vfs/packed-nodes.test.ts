/** Nodes that are but records: which are packed, and that they are the same when they are found again. */

import { beforeEach, describe, expect, it } from 'vitest';
import type { NodeId } from '../../../src/vfs/node-id.js';
import { NODE_RECORDS_BYTES, NodeRecords } from '../../../src/vfs/node-records.js';
import { type NodePacker, NodeTable, type TableNode } from '../../../src/vfs/node-table.js';

const MOST_WHOLE = 100;
const MANY = 1000;

class Named implements TableNode {
  readonly id: NodeId;
  nlookup = 1;
  children = 0;
  openCount = 0;
  word = 0;
  readonly ino = 7;
  readonly name: string;
  readonly parent: Named | undefined;

  constructor(id: NodeId, parent: Named | undefined, name: string) {
    this.id = id;
    this.parent = parent;
    this.name = name;
    if (parent !== undefined) parent.children++;
  }
}

let records: NodeRecords;
let table: NodeTable<Named>;
let root: Named;

beforeEach(() => {
  records = new NodeRecords(Buffer.from(new SharedArrayBuffer(NODE_RECORDS_BYTES)));
  table = new NodeTable<Named>();
  root = table.add(undefined, (id) => new Named(id, undefined, ''));
  table.keep(records, 0);
  const packer: NodePacker<Named> = {
    mostWhole: MOST_WHOLE,
    pack: (node, place) =>
      node.openCount === 0 &&
      records.pack(place, node, { layer: 3, bits: 5, word: node.word, sizeBytes: 11 }),
    unpack: (id, place) => {
      const { nlookup, name, word, ...rest } = records.unpack(place);
      expect(rest).toMatchObject({ parent: root.id, layer: 3, ino: 7, sizeBytes: 11 });
      const node = new Named(id, root, name);
      root.children--;
      return Object.assign(node, { nlookup, word });
    },
  };
  table.packer = packer;
});

function make(name: string, over: Partial<Named> = {}): NodeId {
  const node = table.add(undefined, (id) => new Named(id, root, name));
  Object.assign(node, over);
  table.packSome();
  return node.id;
}

function makeMany(): NodeId[] {
  return Array.from({ length: MANY }, (_, n) =>
    make(`${n}`.padEnd(n % 80, '-'), { word: n, nlookup: n + 1 }),
  );
}

const wholeCount = (): number => [...table.whole()].length;

describe('a table of many nodes', () => {
  it('keeps the last ones, and gives back the others as they were', () => {
    const ids = makeMany();
    expect(table.size).toBe(MANY + 1);
    expect(wholeCount()).toBeLessThan(MOST_WHOLE * 4);
    expect([...table.limited()].map(({ id }) => id)).toEqual([root.id, ...ids]);
    const before = wholeCount();
    for (const [n, id] of ids.entries()) {
      expect(table.has(id)).toBe(true);
      expect(table.find(id)).toMatchObject({ word: n, nlookup: n + 1, name: `${n}`.padEnd(n % 80, '-') });
      expect(table.find(id)).toBe(table.find(id));
    }
    expect(wholeCount()).toBeGreaterThan(before);
    expect(root.children).toBe(MANY);
  });

  it('packs no node that has something beside its record, and not the parents of others', () => {
    const open = make('open', { openCount: 1 });
    const first = table.find(open);
    makeMany();
    expect([...table.whole()].slice(0, 2)).toEqual([root, first]);
  });

  it('takes out packed ones as others, and uses their places again', () => {
    for (let round = 0; round < 3; round++) {
      for (const id of makeMany()) {
        const node = table.find(id)!;
        node.nlookup = 0;
        table.release(node, () => undefined);
        expect(table.has(id)).toBe(false);
      }
      expect([table.size, root.children, [...records.read()].length]).toEqual([1, 0, 0]);
    }
  });

  it('leaves records that a process which takes over reads as of files that nobody has open', () => {
    makeMany();
    const packed = [...records.read()];
    expect(packed.length).toBeGreaterThan(MANY / 2);
    for (const [id, record] of packed)
      expect(record).toMatchObject({ bits: 5, openCount: 0, writers: 0, backingId: 0, nlookup: id - 1 });
  });

  it('packs none while there are few', () => {
    for (let n = 0; n < MOST_WHOLE - 1; n++) make(`${n}`);
    expect(table.isPackingDue).toBe(false);
    expect(wholeCount()).toBe(MOST_WHOLE);
  });
});
