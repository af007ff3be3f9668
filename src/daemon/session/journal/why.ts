/** Answers `why PATH`: the union's chain of layers, and the mount that covers it. */

import { UserError } from '../../../errno/user-error.js';
import { S_IFDIR, S_IFMT } from '../../../linux/constants.js';
import type { MountedFileSystem } from '../../../mounts/points/mounted-file-system.js';
import type { UnionFileSystem } from '../../../union/union-file-system.js';
import { type Attr, Entry } from '../../../vfs/attr.js';
import type { FileSystem } from '../../../vfs/file-system.js';
import { displayName, type Name } from '../../../vfs/name.js';
import { type NodeId, ROOT_NODE } from '../../../vfs/node-id.js';
import type { WayStep, WhyReply, WhyStep } from '../../messages/why-reply.js';

interface Explained {
  readonly union: UnionFileSystem;
  readonly mounted?: MountedFileSystem;
}

/**
 * @param args `path`: within the mount, as bytes; `withWay`: whether owners and modes are told.
 * @throws UserError without a path.
 */
export function why(explained: Explained, args: Readonly<Record<string, unknown>>): WhyReply {
  const { path, withWay } = args;
  if (typeof path !== 'string') throw new UserError("'why' needs a path");
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  const reply = explainNames(explained, names);
  return withWay === true ? { ...reply, way: wayTo(explained, names) } : reply;
}

function explainNames({ union, mounted }: Explained, names: readonly Name[]): WhyReply {
  const shownPath = `/${names.map(displayName).join('/')}`;
  const { chain, shown, writable } = union.explain(names);
  const cover = mounted === undefined ? undefined : findMount(mounted, names);
  if (cover === undefined) {
    const kind = writable ? 'upper' : 'layer';
    return { path: shownPath, shown: shown === undefined ? null : { kind, where: shown }, chain };
  }
  const by = `the mount '${cover.label}'`;
  const hidden: WhyStep[] = chain.map(({ layer, path: at }) => ({ layer, path: at, what: 'hidden', by }));
  const mount: WhyStep = {
    layer: cover.label,
    path: shownPath,
    what: cover.exists ? 'mount' : 'missing',
    note: `mounted at '/${names.slice(0, cover.depth).map(displayName).join('/')}'`,
  };
  return {
    path: shownPath,
    shown: cover.exists ? { kind: 'mount', where: cover.label } : null,
    chain: [mount, ...hidden],
  };
}

/** As far as it is there; remote storage is not asked. */
function wayTo({ union, mounted }: Explained, names: readonly Name[]): WayStep[] {
  const fs = mounted ?? union;
  const entry = new Entry();
  const held: NodeId[] = [];
  const way: WayStep[] = [];
  let node = ROOT_NODE;
  try {
    fs.getattr(ROOT_NODE, undefined, entry.attr);
    way.push(stepOf(fs, ROOT_NODE, '/', entry.attr));
    for (const [depth, name] of names.entries()) {
      const point = mounted?.table.get(node, name);
      if (point !== undefined && mounted?.isRemote(point.owner) === true) break;
      if ((entry.attr.mode & S_IFMT) !== S_IFDIR || !fs.lookup(node, name, entry)) break;
      node = entry.nodeId;
      held.push(node);
      const path = `/${names
        .slice(0, depth + 1)
        .map(displayName)
        .join('/')}`;
      way.push(stepOf(fs, node, path, entry.attr));
    }
  } finally {
    for (const one of held) fs.forget(one, 1);
  }
  return way;
}

function stepOf(fs: FileSystem, node: NodeId, path: string, { mode, uid, gid }: Attr): WayStep {
  return { path, mode, uid, gid, hasAcl: fs.getxattr(node, 'system.posix_acl_access') !== undefined };
}

interface Cover {
  readonly label: string;
  /** How many names lead to its mount point. */
  readonly depth: number;
  /** Whether the whole path exists. */
  readonly exists: boolean;
}

/** The last mount point on the way. */
function findMount(mounted: MountedFileSystem, names: readonly Name[]): Cover | undefined {
  const entry = new Entry();
  const held: NodeId[] = [];
  let node = ROOT_NODE;
  let cover: Omit<Cover, 'exists'> | undefined;
  let exists = true;
  for (const [depth, name] of names.entries()) {
    const point = mounted.table.get(node, name);
    if (point !== undefined) {
      const label = point.label ?? 'a directory made for a mount below it';
      cover = { label, depth: depth + 1 };
      // Remote storage is not asked: it may hang, and we with it.
      if (mounted.isRemote(point.owner)) break;
    }
    exists = mounted.lookup(node, name, entry);
    if (!exists) break;
    node = entry.nodeId;
    held.push(node);
  }
  for (const one of held) mounted.forget(one, 1);
  return cover === undefined ? undefined : { ...cover, exists };
}
