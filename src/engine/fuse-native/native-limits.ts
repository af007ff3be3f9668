/**
 * What a mount by fuse-native lacks, in the words that users read: in `plyfs doctor`, in a mount's status and, as one
 * line, before each mount. Each was found in the source of fuse-native 2.2.6 and libfuse 2.9.9, or by the conformance
 * suites (test/conformance/known-failures/plyfs-fuse-native.ts names the limit of each case that fails).
 */

interface Limit {
  /** Short name, for the list of known failures. */
  readonly key: string;
  readonly text: string;
}

export const LIMITS = [
  {
    key: 'one-user',
    text: 'only the user who mounts can enter, and owns what is made in it (no allow_other)',
  },
  { key: 'x86-64', text: 'x86-64 only: the package has no binary for arm64' },
  {
    key: 'milliseconds',
    text: 'times are cut to milliseconds, and dates before 1970 show as 1970',
  },
  {
    key: 'both-times',
    text: 'setting the access time alone, or the modification time alone, does nothing (libfuse drops it)',
  },
  {
    key: 'hard-links',
    text: 'the names of a hard-linked file are separate files to the page cache: what is written or mapped through one shows through another after it is opened again',
  },
  {
    key: 'host-changes',
    text: 'a file of a bind that the host changes or replaces shows it to those who have it open when they open it again',
  },
  {
    key: 'open-unlinked',
    text: 'a file deleted while open stays as .fuse_hidden* until it is closed, so its directory cannot be removed, and it counts a link; a directory removed under a process is gone for it',
  },
  {
    key: 'inode-numbers',
    text: 'inode numbers have 32 bits: those of layers on further file systems are mixed into that, and two may meet',
  },
  {
    key: 'no-such-operation',
    text: 'missing: rename with flags, fallocate, SEEK_DATA and SEEK_HOLE, copy_file_range, O_TMPFILE, ioctl (lsattr, chattr), birth times',
  },
  {
    key: 'acl',
    text: 'POSIX ACLs are kept and not enforced by the kernel; a default ACL is inherited, but the umask still applies',
  },
  { key: 'utf-8', text: 'names that are not UTF-8 show with U+FFFD and cannot be used (EILSEQ)' },
  { key: 'interrupt', text: 'a request that waits for a long copy cannot be interrupted' },
  {
    key: 'remote-storage',
    text: 'storage that hangs below one bind hangs the whole mount: timeout= and remote= do nothing, and mounts cannot change while it runs',
  },
  {
    key: 'no-passthrough',
    text: 'every read and write comes to the daemon, at about ten times the cost of a request; access times move when it reads for the page cache, and a write through a map takes capabilities away',
  },
] as const satisfies readonly Limit[];

/** Printed before a mount. */
export const WARNING =
  "engine 'fuse-native' is for one user and keeps times to the millisecond; 'plyfs doctor' lists its limits";
