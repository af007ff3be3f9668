/** A FileSystem of names in memory that counts references, for tests of what stands between it and an engine. */

import type { Entry } from '../../../src/vfs/attr.js';
import type { FileSystem } from '../../../src/vfs/file-system.js';
import { type NodeId, nodeId } from '../../../src/vfs/node-id.js';

/** Only what the tests call; all else is absent. */
export class FakeFileSystem {
  /** `parent id/name` to node id. */
  readonly names = new Map<string, number>();
  readonly references = new Map<number, number>();
  ttlMs = Number.MAX_SAFE_INTEGER;
  lookups = 0;

  constructor(names: Readonly<Record<string, number>>) {
    for (const [name, id] of Object.entries(names)) this.names.set(name, id);
  }

  get fileSystem(): FileSystem {
    return this as unknown as FileSystem;
  }

  lookup(parent: NodeId, name: string, out: Entry): boolean {
    this.lookups++;
    const id = this.names.get(`${parent}/${name}`);
    if (id === undefined) return false;
    out.nodeId = nodeId(0, id);
    out.ttlMs = this.ttlMs;
    this.references.set(id, (this.references.get(id) ?? 0) + 1);
    return true;
  }

  forget(node: NodeId, count: number): void {
    const left = (this.references.get(node) ?? 0) - count;
    if (left < 0) throw new Error(`node ${node}: ${-left} references too many given back`);
    if (left === 0) this.references.delete(node);
    else this.references.set(node, left);
  }
}
