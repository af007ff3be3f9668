/**
 * What of a container's mounts the kernel makes in the mount namespace of its commands: all that needs nothing of plyfs'
 * own, so that sockets, fifos, locks and inotify work there as on the host. The others are named too: they may lie in one
 * that hides them (enter/namespace/plan-namespace.ts). Nothing here touches a source.
 */

import { remoteSourceOf } from '../../daemon/config/remote-source.js';
import { type MountEntry, readMountinfo } from '../../linux/mounts/mountinfo.js';
import { type ByMountType, callByType } from '../../mounts/request/kinds/mount-kind.js';
import type { MountRequest, TmpfsRequest } from '../../mounts/request/types.js';
import type { Rootfs } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { volumeData } from '../../store/volume-home.js';
import { type Name, nameFromText } from '../../vfs/name.js';
import { withVolumeOptions } from '../../volume/backing/driver-options.js';
import type { ContentSource, HostSource, NamespaceMount, TmpfsSource } from '../enter/enter-request.js';
import { realRoot } from '../record/real-root.js';

interface NamespaceOptions {
  /** Commands that have namespaces of their own share a tmpfs through the tree alone. */
  readonly sharesTmpfs: boolean;
  /** By target: what a mount shows in place of its source. */
  readonly contents?: ReadonlyMap<string, ContentSource> | undefined;
}

export function namespaceMounts(
  store: Store,
  { mounts }: Pick<Rootfs, 'mounts'>,
  { sharesTmpfs, contents }: NamespaceOptions,
): NamespaceMount[] {
  const context = { root: realRoot(store), entries: readMountinfo(), sharesTmpfs };
  return mounts.map(({ request }) => {
    const { target, spec, readOnly } = request;
    return {
      target,
      spec,
      readOnly,
      source: contents?.get(target) ?? sourceOf(request, context) ?? { kind: 'tree' },
    };
  });
}

interface Context extends Pick<NamespaceOptions, 'sharesTmpfs'> {
  /** Where the store is. */
  readonly root: string;
  readonly entries: readonly MountEntry[];
}

/** Undefined for what only the tree can show. */
function sourceOf(request: MountRequest, context: Context): HostSource | TmpfsSource | undefined {
  const full = request.type === 'volume' ? withVolumeOptions(context.root, request) : request;
  if (full.owners !== undefined || full.timeoutMs !== undefined) return undefined;
  return callByType(sources, full, context);
}

const sources: ByMountType<[Context], HostSource | TmpfsSource | undefined> = {
  bind(request, context) {
    if (request.cow || request.merge) return undefined;
    const path = nameFromText(request.source);
    if (isRemote(path, request, context)) return undefined;
    const { source, recursive, propagation } = request;
    const usual = holds(source, context.root) ? 'rslave' : 'rprivate';
    const isAsked = propagation !== undefined;
    return { kind: 'host', path, recursive, propagation: propagation ?? usual, isAsked };
  },
  volume(request, context) {
    const { source: name, subpath } = request;
    if (name === undefined) return undefined;
    const path = nameFromText(`${context.root}/${volumeData(name)}`);
    if (isRemote(path, request, context)) return undefined;
    return {
      kind: 'host',
      path,
      recursive: 'enabled',
      propagation: 'rprivate',
      isAsked: false,
      ...(subpath === undefined ? {} : { subpath: nameFromText(subpath) }),
    };
  },
  tmpfs: (request, { sharesTmpfs }) => (sharesTmpfs ? undefined : tmpfsSource(request)),
  image: () => undefined,
};

function isRemote(path: Name, { remote }: MountRequest, { entries }: Context): boolean {
  return remoteSourceOf(path, { remote }, entries) !== undefined;
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
