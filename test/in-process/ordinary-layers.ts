/** Layers with less in them: without devices, which the kernel opens itself; and such as an ordinary user can make. */

import { type DirSpec, fifo, type NodeSpec } from '../helpers/layers.js';

/** Fifos in place of devices. */
export function withoutDevices(directory: DirSpec): DirSpec {
  const entries = Object.entries(directory.entries).map(([name, node]) => [
    name,
    node.type === 'dir'
      ? withoutDevices(node)
      : node.type === 'char' || node.type === 'block'
        ? fifo()
        : node,
  ]);
  return { ...directory, entries: Object.fromEntries(entries) };
}

/** Nobody else's objects, attributes of user.* alone. */
export function forUser(directory: DirSpec): DirSpec {
  const entries = Object.entries(directory.entries).map(([name, node]) => [
    name,
    node.type === 'dir' ? forUser(node) : own(node),
  ]);
  const opaque = directory.opaque === undefined ? undefined : 'user';
  return { ...own(directory), entries: Object.fromEntries(entries), opaque };
}

function own<T extends NodeSpec>(node: T): T {
  const { uid: _uid, gid: _gid, xattrs = {}, ...rest } = node as NodeSpec & { type: string };
  const kept = Object.entries(xattrs).filter(([name]) => !/^(trusted|security)\./.test(name));
  return { ...rest, xattrs: Object.fromEntries(kept) } as unknown as T;
}
