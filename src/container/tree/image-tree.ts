/**
 * The merged tree of layers, read in this process and without a mount: what is at a path, and what a directory lists.
 *
 * It is the union of the mount itself, so whiteouts, redirects and the like mean the same. A container's upper may be on
 * top, also while its daemon writes there.
 */

import { S_IFDIR, S_IFLNK, S_IFMT } from '../../linux/constants.js';
import { openView } from '../../union/open-view.js';
import type { UnionFileSystem } from '../../union/union-file-system.js';
import { type Attr, Entry } from '../../vfs/attr.js';
import type { DirentSink } from '../../vfs/file-system.js';
import { displayName, type Name, nameFromText } from '../../vfs/name.js';
import { type NodeId, ROOT_NODE } from '../../vfs/node-id.js';
import { PathNames } from '../../vfs/path-names.js';

interface ResolvedImage {
  /** Free of symlinks as far as it exists; text. */
  readonly path: string;
  readonly type: 'directory' | 'file' | undefined;
}

export class ImageTree implements Disposable {
  readonly #union: UnionFileSystem;
  readonly #entry = new Entry();

  /**
   * @param layers directories, bottom first.
   * @param home of a container, whose upper lies on top.
   */
  constructor(layers: readonly string[], home?: string) {
    const below = layers.map(nameFromText);
    const own = home === undefined ? undefined : nameFromText(home);
    this.#union = openView(
      own === undefined
        ? { layers: below }
        : { layers: below, upper: { path: `${own}/upper`, work: `${own}/work` } },
    );
  }

  get fs(): UnionFileSystem {
    return this.#union;
  }

  /** Where an absolute path leads, symlinks followed within the root. */
  resolve(path: string): ResolvedImage {
    const todo = new PathNames(nameFromText(path));
    const done: { name: Name; node: NodeId }[] = [];
    for (let name = todo.next(); name !== undefined; name = todo.next()) {
      if (name === '..') {
        done.pop();
        continue;
      }
      const here = done.at(-1)?.node ?? ROOT_NODE;
      const found = this.#union.lookup(here, name, this.#entry);
      const type = found ? this.#entry.attr.mode & S_IFMT : undefined;
      const from = type === S_IFLNK ? todo.follow(this.#union.readlink(this.#entry.nodeId)) : undefined;
      if (from === 'root') done.length = 0;
      if (from !== undefined) continue;
      done.push({ name, node: this.#entry.nodeId });
      if (type !== S_IFDIR) {
        const rest = [...done.map((part) => part.name), ...todo.rest.filter((one) => one !== '..')];
        return { path: text(rest), type: type === undefined || !todo.isEmpty ? undefined : 'file' };
      }
    }
    return { path: text(done.map(({ name }) => name)), type: 'directory' };
  }

  /** Valid until the next call. */
  attributes(node: NodeId): Attr {
    this.#union.getattr(node, undefined, this.#entry.attr);
    return this.#entry.attr;
  }

  /** Attributes of a name in a directory; undefined when there is none. Valid until the next call. */
  lookup(directory: NodeId, name: Name): { readonly node: NodeId; readonly attr: Attr } | undefined {
    if (!this.#union.lookup(directory, name, this.#entry)) return undefined;
    return { node: this.#entry.nodeId, attr: this.#entry.attr };
  }

  /** Names in a directory, unsorted. */
  list(directory: NodeId): Name[] {
    const found: Name[] = [];
    let offset = 0;
    for (;;) {
      const before = found.length;
      const sink: DirentSink = {
        plus: false,
        fits: () => true,
        add: (name, _ino, _type, nextOffset) => {
          if (name !== '.' && name !== '..') found.push(name);
          offset = nextOffset;
        },
        addPlus: () => undefined,
      };
      const from = offset;
      this.#union.readdir(directory, offset, sink);
      if (offset === from || found.length === before) return found;
    }
  }

  xattrs(node: NodeId): Map<Name, string> {
    const caller = { uid: 0, gid: 0, pid: 0 };
    const list = Buffer.from(this.#union.listxattr(node, caller)).toString('latin1');
    return new Map(
      list
        .split('\0')
        .filter((name) => name !== '')
        .map((name) => [name, Buffer.from(this.#union.getxattr(node, name) ?? []).toString('latin1')]),
    );
  }

  [Symbol.dispose](): void {
    this.#union.detach();
  }
}

function text(parts: readonly Name[]): string {
  return `/${displayName(parts.join('/'))}`;
}
