/**
 * One mount, as the daemon that serves it gets it: everything resolved, nothing left to parse.
 *
 * The record travels as JSON from the command to the daemon and as workerData to the session worker. All paths are
 * absolute names of bytes (latin1, one char a byte; see vfs/name.ts); the strings of a MountRequest are text.
 */

import type { MountRequest } from '../../mounts/request/types.js';
import type { PresentationOptions } from '../../union/nodes/presentation.js';
import type { Name } from '../../vfs/name.js';

/** What serves a mount: the kernel protocol, or the package fuse-native. */
export type EngineName = 'kernel' | 'fuse-native';

/** Storage that may hang, and is served by a thread of its own. */
export interface RemoteSource {
  /** File system type as mountinfo has it. */
  readonly type: string;
  /** `major:minor`: mounts of one storage share the thread. */
  readonly device: string;
}

export interface ResolvedMount {
  readonly request: MountRequest;
  /**
   * The `_data` directory of a volume (a `subpath` of the request is not in it), or the source of a bind; absent for
   * a tmpfs. Bytes, where the strings of `request` are text.
   */
  readonly hostPath?: Name;
  readonly remote?: RemoteSource;
  /** The volume that is mounted. The daemon makes it where it is missing, and uses it for as long as it serves. */
  readonly volume?: VolumeId;
  /** Where the changes of a bind with `cow` go. */
  readonly own?: OwnUpper;
  /** The directories of the layers of an image mount, bottom first. */
  readonly imageLayers?: readonly Name[];
  /** What asked for it where that was not its `spec`: `--volumes-from web:ro`. */
  readonly via?: string;
}

/** @throws Error for a type of mount that has no path of the host. */
export function requireHostPath({ request, hostPath }: ResolvedMount): Name {
  if (hostPath === undefined) throw new Error(`'${request.spec}' came without its host path`);
  return hostPath;
}

/** An upper with its work directory: both are made where they are missing. */
export interface OwnUpper {
  readonly upper: Name;
  readonly work: Name;
}

/** Text. */
export interface VolumeId {
  /** Where the store is. */
  readonly root: string;
  readonly name: string;
}

export interface MountConfig {
  /** Free of symbolic links. */
  readonly mountpoint: Name;
  /** Bottom first. */
  readonly layers: readonly Name[];
  /** Topmost first: hold the data of files of the layers, and show nothing themselves. */
  readonly dataLayers?: readonly Name[];
  /**
   * Layers are directories of the host that others go on changing, and upper, work and mount point may lie below them: nothing is
   * cached for long, and copies record what they were made of (union/form/base.ts).
   */
  readonly liveLayers?: boolean;
  /** No path leads to it: who asks a shared daemon for it gets a descriptor, and `mountpoint` only tells it from others. */
  readonly isDetached?: true;
  /** Absent: the union is read-only. */
  readonly upper?: Name;
  /** Present exactly when `upper` is. */
  readonly work?: Name;
  /** In the order in which to attach them: shallower targets first. */
  readonly mounts: readonly ResolvedMount[];
  readonly readOnly: boolean;
  readonly engine: EngineName;
  /** Where the union keeps opaque, redirect, origin: `trusted.overlay.*` or `user.overlay.*`. */
  readonly xattrNamespace: 'trusted' | 'user';
  /** `compat`, `index`, `metacopy`, `redirect_dir`, `xino` ... of `-o`, as given. */
  readonly unionOptions: Readonly<Record<string, string>>;
  /** What is shown otherwise than it is stored. */
  readonly presentation?: PresentationOptions;
  /** Switches of the mount itself that the kernel keeps: `nosuid`, `nodev`, `noexec`, `noatime` ... */
  readonly vfsOptions: readonly string[];
  /** What `df` and mountinfo show as the source, as bytes. */
  readonly fsname: Name;
  /** No fsync of upper at all: fast, and lost with the host. */
  readonly volatile: boolean;
  /** By overlayfs's option, which has upper refused afterwards; not by `fsync=0`, fuse-overlayfs's, which has not. */
  readonly marksVolatile?: true;
  /** Which files of the layers the kernel reads itself: see LayerPassthrough in union/nodes/union-state.ts. */
  readonly passthrough: 'programs' | 'all';
  /** How CPUs are kept awake between requests that come close together: not at all, or by a process of idle priority alone. */
  readonly awake?: 'off' | 'process';
  /** Users other than the one who mounts may enter; always so for privileged mounts. */
  readonly allowOther: boolean;
  /** Stack traces and a line for each request in the log. */
  readonly debug: boolean;
  /** Where it is noted for `plyfs events` that operations fail. */
  readonly events?: EventsOf;
}

/** A store, and what its events name: a container, else the mount. Text. */
export interface EventsOf {
  readonly root: string;
  readonly container?: { readonly id: string; readonly attributes: Readonly<Record<string, string>> };
}

/** What a command tells the daemon that it starts. */
export interface ServeRequest {
  readonly id: string;
  /** The run root; the directory of `id` in it exists. */
  readonly runRoot: string;
  readonly config: MountConfig;
}

/** Read-only at the VFS, which is right only when no mount over the union may be written. */
export function isWhollyReadOnly(config: MountConfig): boolean {
  const isUnionReadOnly = config.readOnly || config.upper === undefined;
  return isUnionReadOnly && config.mounts.every((mount) => mount.request.readOnly);
}

/** Whether something but this mount may change what it shows: a bind or a volume. */
export function hasOutsideChanges(config: MountConfig): boolean {
  return config.mounts.some((mount) => mount.hostPath !== undefined);
}
