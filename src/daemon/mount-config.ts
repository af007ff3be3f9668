/**
 * One mount, as the daemon that serves it gets it: everything resolved, nothing left to parse.
 *
 * The record travels as JSON from the command to the daemon and as workerData to the session worker. All paths are
 * absolute names of bytes (latin1, one char a byte; see vfs/name.ts); the strings of a MountRequest are text.
 */

import type { MountRequest } from '../mounts/spec/types.js';
import type { Name } from '../vfs/name.js';

export type EngineName = 'kernel' | 'fuse-native';

/** Storage that may hang, and is served by a thread of its own. */
export interface FarSource {
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
  readonly far?: FarSource;
  /** Of a volume: which one. The daemon makes it where it is missing, and uses it for as long as it serves. */
  readonly volume?: VolumePlace;
  /** Of an image mount: the directories of its layers, bottom first. */
  readonly imageLayers?: readonly Name[];
}

/** Text. */
export interface VolumePlace {
  /** Of the store. */
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
  /** Switches of the mount itself that the kernel keeps: `nosuid`, `nodev`, `noexec`, `noatime` ... */
  readonly vfsOptions: readonly string[];
  /** What `df` and mountinfo show as the source, as bytes. */
  readonly fsname: Name;
  /** No fsync of upper at all: fast, and lost with the host. */
  readonly volatile: boolean;
  /** Which files of the layers the kernel reads itself: see LayerPassthrough in union/union-state.ts. */
  readonly passthrough: 'programs' | 'all';
  /** Users other than the one who mounts may enter; always so for privileged mounts. */
  readonly allowOther: boolean;
  /** Stack traces and a line for each request in the log. */
  readonly debug: boolean;
}

/** What a command tells the daemon that it starts. */
export interface MountOrder {
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
