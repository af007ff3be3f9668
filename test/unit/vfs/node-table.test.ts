/** The table of nodes: ids in the order of making, references, and who goes with whom. */

import { describe, expect, it } from 'vitest';
import type { Session } from '../../../src/vfs/file-system.js';
import type { NodeId } from '../../../src/vfs/node-id.js';
import { NodeTable, type TableNode } from '../../../src/vfs/node-table.js';

class Node implements TableNode {
  readonly id: NodeId;
  nlookup = 0;
  children = 0;
  readonly openCount = 0;
  readonly parent: Node | undefined;

  constructor(id: NodeId, parent: Node | undefined) {
    this.id = id;
    this.parent = parent;
    if (parent !== undefined) parent.children++;
  }
}

function table(): {
  readonly nodes: NodeTable<Node>;
  readonly make: (parent?: Node) => Node;
  readonly ended: number[];
  readonly release: (node: Node) => void;
} {
  const nodes = new NodeTable<Node>();
  const ended: number[] = [];
  return {
    nodes,
    make: (parent) => nodes.add(undefined, (id) => new Node(id, parent)),
    ended,
    release: (node) => nodes.release(node, (one) => ended.push(one.id)),
  };
}

describe('NodeTable', () => {
  it('gives the root id 1 and the others ids that follow', () => {
    const { make } = table();
    const root = make();
    const ids = Array.from({ length: 200 }, () => make(root).id);
    expect([root.id, ids[0], ids[199]]).toEqual([1, 2, 201]);
  });

  it('finds what is in it, and answers ESTALE for what is not', () => {
    const { nodes, make, release } = table();
    const root = make();
    const child = make(root);
    expect(nodes.get(child.id)).toBe(child);
    release(child);
    expect(nodes.find(child.id)).toBeUndefined();
    expect(nodes.has(child.id)).toBe(false);
    expect(() => nodes.get(child.id)).toThrow(expect.objectContaining({ code: 'ESTALE' }));
    expect(nodes.size).toBe(1);
  });

  it('keeps a node as long as the kernel or a child refers to it', () => {
    const { nodes, make, ended, release } = table();
    const root = make();
    const directory = make(root);
    const file = make(directory);
    directory.nlookup = 2;
    file.nlookup = 1;
    expect(nodes.forget(directory.id, 1)).toBeUndefined();
    expect(nodes.forget(directory.id, 1)).toBe(directory);
    release(directory);
    expect(ended).toEqual([]);
    expect(nodes.forget(file.id, 1)).toBe(file);
    release(file);
    expect(ended).toEqual([file.id, directory.id]);
    expect([root.children, nodes.size]).toEqual([0, 1]);
  });

  it('lists from the oldest on while nodes come and go', () => {
    const { nodes, make, release } = table();
    const root = make();
    const made = Array.from({ length: 300 }, () => make(root));
    const seen: number[] = [];
    for (const node of nodes.values()) {
      seen.push(node.id);
      if (node === made[9]) {
        for (const one of made.slice(10, 290)) release(one);
        make(root);
      }
    }
    expect(seen).toEqual([
      1,
      ...made.slice(0, 10).map(({ id }) => id),
      ...made.slice(290).map(({ id }) => id),
      302,
    ]);
  });

  it('knows who has had more than half of the nodes made', () => {
    const nodes = new NodeTable<Node>();
    const made = (uid: number, count: number): Node[] =>
      Array.from({ length: count }, () =>
        nodes.add({ caller: { uid } } as unknown as Session, (id) => new Node(id, root)),
      );
    const root = nodes.add(undefined, (id) => new Node(id, undefined));
    made(0, 4);
    const his = made(1000, 5);
    expect(nodes.largestUser).toBeUndefined();
    his.push(...made(1000, 1), ...made(1001, 0));
    expect(nodes.largestUser).toBe(1000);
    made(1001, 3);
    expect(nodes.largestUser).toBeUndefined();
    made(1001, 10);
    for (const node of his) nodes.release(node, () => undefined);
    expect(nodes.largestUser).toBe(1001);
  });
});
