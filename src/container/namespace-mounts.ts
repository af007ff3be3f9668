/**
 * What of a container's mounts the kernel makes in the mount namespace of its commands: all that needs nothing of plyfs'
 * own, so that sockets, fifos, locks and inotify work there as on the host. The others are named too: they may lie in one
 * that hides them (enter/namespace/plan-namespace.ts). Nothing here touches a source.
 */

import { farSourceOf } from '../daemon/far-source.js';
import { type MountEntry, readMountinfo } from '../linux/mountinfo.js';
import type { BindRequest, MountRequest, TmpfsRequest, VolumeRequest } from '../mounts/spec/types.js';
import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { type Name, nameFromText } from '../vfs/name.js';
import type { HostSource, NamespaceMount, TmpfsSource } from './enter/order.js';
import { realRoot } from './real-root.js';

export interface NamespaceOptions {
  /** Commands that have namespaces of their own share a tmpfs through the tree alone. */
  readonly sharesTmpfs: boolean;
}

export function namespaceMounts(
  store: Store,
  { mounts }: Pick<ContainerRecord, 'mounts'>,
  { sharesTmpfs }: NamespaceOptions,
): NamespaceMount[] {
  const context = { root: realRoot(store), entries: readMountinfo(), sharesTmpfs };
  return mounts.map(({ request }) => {
    const { target, spec, readOnly } = request;
    return { target, spec, readOnly, source: sourceOf(request, context) ?? { kind: 'tree' } };
  });
}

interface Context extends NamespaceOptions {
  /** Of the store. */
  readonly root: string;
  readonly entries: readonly MountEntry[];
}

/** Undefined for what only the tree can show. */
function sourceOf(request: MountRequest, context: Context): HostSource | TmpfsSource | undefined {
  if (request.owners !== undefined || request.timeoutMs !== undefined) return undefined;
  switch (request.type) {
    case 'bind':
      return hostSource(request, nameFromText(request.source), context);
    case 'volume': {
      const { source: name, subpath } = request;
      if (name === undefined) return undefined;
      const found = hostSource(request, nameFromText(`${context.root}/volumes/${name}/_data`), context);
      return found && subpath !== undefined ? { ...found, subpath: nameFromText(subpath) } : found;
    }
    case 'tmpfs':
      return context.sharesTmpfs ? undefined : tmpfsSource(request);
    case 'image':
      return undefined;
  }
}

function hostSource(
  request: BindRequest | VolumeRequest,
  path: Name,
  { root, entries }: Context,
): HostSource | undefined {
  if (farSourceOf(path, request.remote, entries) !== undefined) return undefined;
  if (request.type === 'volume') {
    return { kind: 'host', path, recursive: 'enabled', propagation: 'rprivate', isAsked: false };
  }
  const { source, recursive, propagation } = request;
  const usual = holds(source, root) ? 'rslave' : 'rprivate';
  const isAsked = propagation !== undefined;
  return { kind: 'host', path, recursive, propagation: propagation ?? usual, isAsked };
}

/** Where mounts of containers come and go, one that is gone must not be kept alive: Docker's rule for its own root. */
function holds(source: string, root: string): boolean {
  return root === source || root.startsWith(source === '/' ? '/' : `${source}/`);
}

function tmpfsSource({ sizeBytes, mode, uid, gid, maxInodes, allows = [] }: TmpfsRequest): TmpfsSource {
  return {
    kind: 'tmpfs',
    allows,
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(mode === undefined ? {} : { mode }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(maxInodes === undefined ? {} : { inodes: maxInodes }),
  };
}
