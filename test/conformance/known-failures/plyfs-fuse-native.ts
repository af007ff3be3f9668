/**
 * What plyfs with the engine fuse-native fails, by the limit of the package or of libfuse 2 that causes it: the keys are
 * those of src/engine/fuse-native/limits.ts (held together by test/unit/engine/fuse-native-limits.test.ts).
 *
 * A case stands under the first limit that it meets. Times of the layers have nanoseconds, so that every case that
 * compares them with what the mount shows is under `milliseconds`.
 */

import type { KnownFailures } from '../run-suites.js';

export const limitedCases: Readonly<Record<string, readonly string[]>> = {
  'one-user': [
    'copy-up: a refused change copies nothing',
    'permission: mode bits decide for owner, group and others',
    'permission: a directory wants x to pass, r to list, w and x to change',
    'permission: new objects belong to the caller and obey its umask',
    'permission: a copy-up by another user keeps the owner of the file',
    'permission: in a setgid directory new objects take its group, new directories the bit as well',
    'permission: in a sticky directory only the owner removes and renames',
    'permission: only the owner changes mode and times, only root the owner',
    'permission: the owner may give a file to a group of his',
    'permission: an ACL entry grants and the mask limits',
    'permission: a default ACL is inherited instead of the umask',
    'permission: a write, a truncate and a chown by an ordinary user clear setuid and setgid',
    'permission: a change by no member of the group clears setgid also where the group may not execute',
    'permission: who asks for the mode alone sees at once that a write or O_TRUNC cleared setuid',
    'permission: setgid is dropped when the owner sets a mode and is not in the group',
    'permission: a fallocate and a copied range by an ordinary user clear setuid and setgid, by root not',
    'permission: capabilities are dropped by a write and by a chown',
    'permission: an ordinary user makes fifos but no device nodes',
    'permission: a file opened before a chmod stays usable, a link of it may be refused later',
    'permission: a new object where one was deleted inherits like any other: group, bits, default ACL, umask',
    'permission: a member of the group of a setgid directory keeps setgid on new files, another loses it',
    'permission: a supplementary group opens files and directories, and no others',
    'permission: in a sticky directory of his own the owner removes the files of others',
    'permission: the ACL of a directory decides who enters, lists and changes it',
    'host-changes: uidmap and gidmap translate owners both ways, an owner outside them is nobody',
    'host-changes: a bind of a file system without ACLs lets users pass',
    'host-changes: squash shows one owner and stores as the owner of the source',
    'host-changes: in a bind new objects belong to the caller, with umask, setgid directory and sticky bit as anywhere',
    'set-id: a chown by an owner who is not in the group drops setgid also where the group may not execute',
    'set-id: while somebody writes to the file, one by who may not change the mode drops nothing',
    'set-id: one by who may not change the mode is refused and drops nothing',
    'xattr: trusted xattrs are for root alone, user xattrs follow the mode',
  ],
  milliseconds: [
    'lookup: a file of a later layer wins with content and attributes',
    'lookup: directories merge names and take attributes from the topmost',
    'lookup: a file hides a directory below, and what a layer above adds does not bring it back',
    'lookup: a symlink hides a directory below and is not followed for merging',
    'lookup: a directory hides a file below',
    'lookup: a whiteout hides a file and a directory below and is not listed',
    'lookup: a name whited out in the middle comes back in a layer above',
    'lookup: an opaque directory hides all of it below, however deep',
    'lookup: hard links of a layer show one inode',
    'lookup: a tree of four layers equals the merged tree, before and after a remount',
    'copy-up: opening for writing without writing keeps the times to the nanosecond',
    'copy-up: chmod keeps content, owner, times and xattrs',
    'copy-up: chown and utimes of a file of a layer change only that',
    'copy-up: opening for writing after a metadata change keeps the times',
    'copy-up: parents are made with the attributes of the lower directory, and their times stay',
    'copy-up: symlinks, fifos and directories are copied up by chown and utimes',
    'copy-up: files read with the changes of metadata made through a descriptor of the layer',
    'rename: a lower file moves with content and attributes, within and between directories',
    'rename: a rename changes ctime of the file and times of both parents, not mtime of the file',
    'times: utimens sets both times to the nanosecond, before 1970 and far ahead too',
    'times: times of a layer before 1970 and after 2038 are shown, and kept by copy-up',
    'times: a time set after a write stays, also when the file is closed and mounted again',
    'times: reading an object of a layer moves no access time, and its copy has the same',
    'times: cp -a and tar keep times, owners and modes',
    'mounts: owners, modes, times and xattrs of a bind pass through both ways',
  ],
  'both-times': [
    'times: UTIME_NOW and UTIME_OMIT set one time and leave the other',
    'times: chmod, chown, link and rename move ctime alone',
  ],
  'host-changes': [
    'host-changes: a file changed on the host changes in descriptors and shared maps, and the reverse',
    'host-changes: a file deleted or replaced on the host stays with those who have it open',
    'host-changes: a directory moved on the host stays the working directory, and is found at its new place',
  ],
  'no-such-operation': [
    'host-changes: between two mounts of one directory names move, are linked, exchanged and replaced',
    'copy-up: holes stay holes',
    'rename: NOREPLACE refuses an existing name and takes a free or whited out one',
    'rename-directory: EXCHANGE swaps directories of layers with each other and with merged ones, at any depth',
    'rename-directory: EXCHANGE swaps a directory of a layer with a file and a symlink of one',
    'rename-directory: NOREPLACE moves a directory of a layer or merged to a free name, and refuses one of any layer',
    'rename: EXCHANGE swaps two files, whichever layer they are in',
    'rename: EXCHANGE swaps a file with a directory, and two directories, of upper',
    'special: O_TMPFILE makes a file without a name that link names',
    'special: O_TMPFILE with O_EXCL can never be named, and needs a directory and write access',
    'special: a tmpfile takes the place of a whited out name',
    'space: fallocate lengthens with zeros, KEEP_SIZE only takes the space',
    'space: a punched hole and a zeroed range read as zeros',
    'held-open: a descriptor open for reading sees a hole punched into it',
    'held-open: maps made before show a hole punched into it',
    'space: SEEK_DATA and SEEK_HOLE find the pieces of a file of a layer and of upper',
    'space: SEEK_DATA and SEEK_HOLE find them also where metadata alone was copied',
  ],
  'hard-links': [
    'held-open: a descriptor open for reading sees a write by another of its names',
    'held-open: a descriptor open for reading sees a rename over it, of a link made before, and a write',
    'held-open: maps made before show a write by another of its names',
    'held-open: maps made before show a rename over it, of a link made before, and a write',
  ],
  'open-unlinked': [
    'link: an unlinked file that is open is read, written and counted with no names',
    'link: the working directory can be removed under a process',
  ],
  'no-passthrough': [
    'times: reading a file moves its access time once after each change, as relatime has it',
    'times: mapping a file moves its access time, stat and open do not',
  ],
  'utf-8': [
    'link: readlink gives the bytes of the symlink, long, dangling and odd ones',
    'directory: names of 255 bytes of any value live in layers and upper',
  ],
};

export const plyfsFuseNativeFailures: KnownFailures = Object.fromEntries(
  Object.entries(limitedCases).flatMap(([limit, cases]) =>
    cases.map((name) => [name, `the limit '${limit}' of fuse-native`]),
  ),
);
