/**
 * What a user asked to be mounted over the union: the result of parsing `-v`, `--mount` or `--tmpfs`.
 *
 * Plain data, so that it passes through JSON to the daemon. All strings are text as it was typed; who attaches a
 * mount turns paths into bytes with `nameFromText()`.
 * INVARIANT: `target` is absolute, clean (no `.`, `..`, `//`, trailing slash), never `/`, and holds no NUL.
 */

import type { IdRange } from '../../realfs/id-ranges.js';

export type MountType = 'bind' | 'volume' | 'tmpfs' | 'image';

/** Everything in the mount shows as this owner; new files are stored as the owner of the source's root. */
export interface Squash {
  readonly uid: number;
  readonly gid: number;
}

/** INVARIANT: either maps or squash, never both; ranges overlap on neither side. */
export interface OwnerMapping {
  readonly uidmap?: readonly IdRange[];
  readonly gidmap?: readonly IdRange[];
  readonly squash?: Squash;
}

export interface MountCommon {
  /** Where in the union. */
  readonly target: string;
  readonly readOnly: boolean;
  /** The option's value as typed, for messages and `inspect`. */
  readonly spec: string;
  readonly origin: 'v' | 'mount' | 'tmpfs';
  readonly owners?: OwnerMapping;
  /** After so long without an answer of the storage: EIO. */
  readonly timeoutMs?: number;
  /** Serve it from a worker of its own, whatever the file system looks like; false: never. Unset: decide by statfs. */
  readonly remote?: boolean;
  /** Options that were accepted and do nothing here; `collectNotices()` makes each appear once. */
  readonly notices: readonly string[];
}

export interface BindRequest extends MountCommon {
  readonly type: 'bind';
  /** Absolute, clean host path. */
  readonly source: string;
  /** Changes go to an upper of the mount's own, and not to the source. */
  readonly cow?: boolean;
  /** What the image has at the target shows below; with `cow`, unless it is read-only. */
  readonly merge?: boolean;
  /** Directories below the target that are the container's own, as paths or globs. */
  readonly exclude?: readonly string[];
  /** Make the source directory, with its parents, where it is missing. */
  readonly createSource: boolean;
  /**
   * File systems mounted below the source: `enabled` shows them (read-only with the bind), `disabled` hides them,
   * `writable` leaves them writable under a read-only bind, `readonly` is `enabled` said aloud.
   */
  readonly recursive: BindRecursion;
  /** How mounts made below the source or the target later reach the other side; `rprivate` by default. */
  readonly propagation?: Propagation;
  /** Set by `planMounts()`; `file` is all that is no directory (socket, device). */
  readonly sourceType?: SourceType;
}

export type BindRecursion = 'enabled' | 'disabled' | 'writable' | 'readonly';
export type Propagation = 'private' | 'rprivate' | 'shared' | 'rshared' | 'slave' | 'rslave';
export type SourceType = 'directory' | 'file';

export interface VolumeRequest extends MountCommon {
  readonly type: 'volume';
  /** The volume's name; undefined: a new anonymous volume. */
  readonly source: string | undefined;
  /** Clean relative path inside the volume. */
  readonly subpath?: string;
  readonly noCopy: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly driver?: string;
  readonly driverOptions: Readonly<Record<string, string>>;
}

export interface TmpfsRequest extends MountCommon {
  readonly type: 'tmpfs';
  readonly source: undefined;
  /** Undefined: no limit. */
  readonly sizeBytes?: number;
  /** Permission bits of the root, at most 0o7777. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** The most files it may hold. */
  readonly maxInodes?: number;
  /** What it lets do, where the kernel mounts it (`run`, `exec`): by default nothing of it, as with Docker. */
  readonly allows?: readonly ('exec' | 'suid' | 'dev')[];
}

export interface ImageRequest extends MountCommon {
  readonly type: 'image';
  /** Image reference, unchecked. */
  readonly source: string;
  /** Clean relative path inside the image. */
  readonly subpath?: string;
}

export type MountRequest = BindRequest | VolumeRequest | TmpfsRequest | ImageRequest;

/** What parsing needs to know of the world. */
export interface SpecContext {
  /** Absolute; `./x` is resolved against it. */
  readonly cwd: string;
  /** Main memory, for `size=50%` of a tmpfs; without it a percentage is refused. */
  readonly memoryBytes?: number;
}

/** Looks at a host path, following symlinks; undefined: it does not exist. */
export type Exists = (path: string) => SourceType | undefined;
