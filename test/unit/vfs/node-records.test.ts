/** Records of nodes: what one table writes another reads, after nodes have come, changed, moved and gone. */

import { beforeEach, describe, expect, it } from 'vitest';
import { type NodeId, ROOT_NODE } from '../../../src/vfs/node-id.js';
import { NODE_RECORDS_BYTES, type NodeRecord, NodeRecords } from '../../../src/vfs/node-records.js';
import { NodeTable, type TableNode } from '../../../src/vfs/node-table.js';

class PlainNode implements TableNode {
  readonly id: NodeId;
  nlookup = 1;
  children = 0;
  readonly openCount = 0;
  readonly parent: PlainNode | undefined;

  constructor(id: NodeId, parent: PlainNode | undefined) {
    this.id = id;
    this.parent = parent;
    if (parent !== undefined) parent.children++;
  }
}

let memory: Buffer;
let records: NodeRecords;
let givenBack = 0;
let table: NodeTable<PlainNode>;
let root: PlainNode;

beforeEach(() => {
  givenBack = 0;
  memory = Buffer.from(new SharedArrayBuffer(NODE_RECORDS_BYTES));
  records = new NodeRecords(memory, (from, bytes) => {
    memory.fill(0, from, from + bytes);
    givenBack += bytes;
  });
  table = new NodeTable<PlainNode>();
  root = table.add(undefined, (id) => new PlainNode(id, undefined));
  table.keep(records, 0);
});

function recordOf(over: Partial<NodeRecord> = {}): NodeRecord {
  const plain = { nlookup: 1, bits: 0, parent: 1, layer: 0, ino: 7, openCount: 0, writers: 0, backingId: 0 };
  return { ...plain, name: 'name', ...over };
}

function addNamed(name: string): PlainNode {
  const node = table.add(undefined, (id) => new PlainNode(id, root));
  records.writeNamed(table.recordPlace(node.id), recordOf({ name }));
  return node;
}

function left(): Map<number, NodeRecord> {
  return new Map(new NodeRecords(memory).read());
}

describe('records of nodes', () => {
  it('keep all fields and names of any length and bytes', () => {
    const whole = recordOf({
      ...{ nlookup: 2 ** 32 - 1, bits: 2 ** 30 - 1, parent: 2 ** 32 - 1, layer: 499, ino: 2 ** 52 + 1 },
      ...{ openCount: 3, writers: 2, backingId: 9 },
    });
    const names = ['x', 'a\xff\x80b', 'm'.repeat(56), 'n'.repeat(57), 'o'.repeat(255)];
    const ids = names.map((name) => {
      const node = addNamed(name);
      records.write(table.recordPlace(node.id), whole);
      return node.id;
    });
    expect(ids.map((id) => left().get(id))).toEqual(names.map((name) => ({ ...whole, name })));
  });

  it('go with their nodes, and the place of a page and of a long name is used again', () => {
    for (let round = 0; round < 3; round++) {
      const nodes = Array.from({ length: 200 }, (_, index) => addNamed(`${index}`.padEnd(200, 'l')));
      expect(left().size).toBe(200);
      for (const node of nodes) {
        node.nlookup = 0;
        table.release(node, () => undefined);
      }
      expect(left().size).toBe(0);
    }
    const last = addNamed('last'.padEnd(100, '.'));
    expect([...left()]).toEqual([[last.id, recordOf({ name: 'last'.padEnd(100, '.') })]]);
  });

  it('give their memory back but for some, and what comes and goes costs none', () => {
    const pages = 40;
    const nodes = Array.from({ length: pages * 64 }, (_, index) => addNamed(`${index}`));
    const remove = (node: PlainNode): void => {
      node.nlookup = 0;
      table.release(node, () => undefined);
    };
    nodes.forEach(remove);
    const before = givenBack;
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(pages * 64 * 96);
    for (let round = 0; round < 1000; round++) remove(addNamed('file'));
    expect(givenBack).toBe(before);
    expect(left().size).toBe(0);
  });

  it('follow a new name, and a count alone', () => {
    const { id } = addNamed('before'.padEnd(80, '.'));
    records.writeNamed(table.recordPlace(id), recordOf({ name: 'after' }));
    records.writeReferences(table.recordPlace(id), 12);
    expect(left().get(id)).toEqual(recordOf({ name: 'after', nlookup: 12 }));
  });

  it('are given to nodes that were there before, with a place for each', () => {
    const later = new NodeTable<PlainNode>();
    const ids = Array.from(
      { length: 130 },
      () => later.add(undefined, (id) => new PlainNode(id, undefined)).id,
    );
    expect(later.recordPlace(ROOT_NODE)).toBe(-1);
    later.keep(records, 0);
    expect(new Set(ids.map((id) => later.recordPlace(id))).size).toBe(130);
  });

  it('say when there was no room for one', () => {
    expect(records.isFull).toBe(false);
    for (let number = 0; number < 2 ** 14; number++) records.addPage(1000 + number, 0);
    expect(new NodeRecords(memory).isFull).toBe(true);
  });

  it('let a node have the id that another process gave it', () => {
    table.continueFrom(5000 as NodeId);
    expect(addNamed('restored').id).toBe(5000);
    expect([...left().keys()]).toEqual([5000]);
  });
});
