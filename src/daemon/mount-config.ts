/**
 * One mount, as the daemon that serves it gets it: everything resolved, nothing left to parse.
 *
 * The record travels as JSON from the command to the daemon and as workerData to the session worker. All paths are
 * absolute names of bytes (latin1, one char a byte; see vfs/name.ts), so the JSON text must be written and read as
 * latin1 too: then it is plain UTF-8 for names that are.
 */

import type { MountRequest } from '../mounts/spec/types.js';
import type { Name } from '../vfs/name.js';

export type EngineName = 'kernel' | 'fuse-native';

export interface ResolvedMount {
  readonly request: MountRequest;
  /** The directory that holds a volume's files; absent for binds (their source is the path) and tmpfs. */
  readonly hostPath?: Name;
}

export interface MountConfig {
  /** Free of symbolic links. */
  readonly mountpoint: Name;
  /** Bottom first. */
  readonly layers: readonly Name[];
  /** Absent: the union is read-only. */
  readonly upper?: Name;
  /** Present exactly when `upper` is. */
  readonly work?: Name;
  /** In order of precedence, weakest first. */
  readonly mounts: readonly ResolvedMount[];
  readonly readOnly: boolean;
  readonly engine: EngineName;
  /** Where the union keeps opaque, redirect, origin: `trusted.overlay.*` or `user.overlay.*`. */
  readonly xattrNamespace: 'trusted' | 'user';
  /** No fsync of upper at all: fast, and lost with the host. */
  readonly volatile: boolean;
  /** Users other than the one who mounts may enter; always so for privileged mounts. */
  readonly allowOther: boolean;
  /** Stack traces and a line for each request in the log. */
  readonly debug: boolean;
}
