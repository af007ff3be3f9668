/**
 * What travels over descriptor 3 between the process that starts a command and the one that becomes it (become-command.ts): JSON lines.
 *
 * One EnterRequest in, then EnterReports out; after `terminal` and after `ready` the process waits for a line back.
 * Strings are text, but for names of bytes.
 */

import type { BindRecursion, Propagation } from '../../mounts/request/types.js';
import type { RuntimeOptions } from '../../store/container-record.js';
import type { Name } from '../../vfs/name.js';

/** A mount of the user's that the kernel makes in the container's mount namespace, over what the tree shows there. */
export interface NamespaceMount {
  /** Absolute and clean. */
  readonly target: string;
  /** As typed, for messages. */
  readonly spec: string;
  readonly readOnly: boolean;
  readonly source: HostSource | TmpfsSource | ShownByTree | ContentSource;
}

/** A directory of the host, or a file that is no ordinary one; an ordinary file is left to the tree where that can be. */
export interface HostSource {
  readonly kind: 'host';
  readonly path: Name;
  /** Below `path`, symlinks not followed. */
  readonly subpath?: Name;
  readonly recursive: BindRecursion;
  readonly propagation: Propagation;
  /** The user asked for it, so it is an error where the host's mount does not allow it. */
  readonly isAsked: boolean;
}

export interface TmpfsSource {
  readonly kind: 'tmpfs';
  readonly sizeBytes?: number;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly inodes?: number;
  readonly allows: readonly ('exec' | 'suid' | 'dev')[];
}

/** What only plyfs can show: with mapped owners, a time limit, from remote storage, an image. */
interface ShownByTree {
  readonly kind: 'tree';
}

/** A file that is in memory alone: a secret, which no disk may have. The tree shows an empty file in its place. */
export interface ContentSource {
  readonly kind: 'content';
  readonly base64: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** A mount by the numbers that the kernel has for it. */
export interface MountIds {
  /** That of /proc/PID/mountinfo; given to the next mount once this one is gone. */
  readonly mountId: number;
  /** Never given again; absent before Linux 6.8. */
  readonly uniqueId?: number;
}

/** Where a mount was attached. */
export interface AttachedMount extends MountIds {
  readonly target: string;
  /** A tmpfs of the container's own. */
  readonly isScratch: boolean;
}

export interface EnterRequest {
  /** The root directory to make: absent for who joins namespaces that have one. */
  readonly root?: string;
  /** Host pid of the process whose mount namespace is joined. */
  readonly joinPid?: number;
  readonly hostname: string;
  /** Files of the host to put over files of the container, where it has them. */
  readonly files: readonly { readonly source: string; readonly target: string }[];
  /** Mounts of the user's, all of them; ours come where he has none. */
  readonly mounts: readonly NamespaceMount[];
  readonly cgroups?: readonly ShownCgroup[];
  readonly args: readonly string[];
  /** `NAME=VALUE`; later ones win. */
  readonly environment: readonly string[];
  readonly workingDirectory: string;
  /** Whether it is made where it is missing. */
  readonly makeDirectory: boolean;
  /** `user[:group]`; empty: root. */
  readonly user: string;
  readonly terminal: boolean;
  /** Standard input, output and error were made for the command: they belong to its user. */
  readonly ownsStreams: boolean;
  /** All capabilities, nothing of /proc and /sys hidden. */
  readonly privileged: boolean;
  /** `none`: the network namespace is new, and its loopback is down. */
  readonly network?: 'none';
  readonly runtime: RuntimeOptions;
  /** Root of a user namespace that maps one id. */
  readonly rootless: boolean;
}

/** A cgroup of the container's, shown where programs look for what limits them. */
export interface ShownCgroup {
  /** On the host. */
  readonly source: string;
  /** `/sys/fs/cgroup`, or a directory in it. */
  readonly target: string;
}

export type EnterReport =
  /** Host pid of the process. */
  | { readonly at: 'begun'; readonly pid: number }
  /** Number of the descriptor, in the process, of a new terminal's master. */
  | { readonly at: 'terminal'; readonly masterFd: number }
  /** All is prepared; execve(2) comes next. */
  | { readonly at: 'ready'; readonly attached: readonly AttachedMount[] }
  | { readonly at: 'failed'; readonly code: 125 | 126 | 127; readonly message: string };
