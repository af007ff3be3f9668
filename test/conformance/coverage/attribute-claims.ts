/** Item 6, of attributes: permissions, xattrs, times. */

import { type Item, testOf } from './sentence.js';

export const attributes: Item = {
  item: '6. the rest: permissions, attributes and times',
  contract: [
    'xattr, POSIX ACL',
    'setgid directories, sticky bit, setuid cleared on write',
    'timestamps in ns',
    "lsattr and chattr work where upper's file system has them",
  ],
  sentences: [
    {
      sentence: 'POSIX ACL',
      cases: [
        'permission: an ACL entry grants and the mask limits',
        'permission: a new ACL sets the group bits of the mode, a chmod the mask of the ACL',
        'permission: the ACL of a directory decides who enters, lists and changes it',
      ],
    },
    {
      sentence: 'default ACL inheritance',
      cases: [
        'permission: a default ACL is inherited instead of the umask',
        'permission: a new object where one was deleted inherits like any other: group, bits, default ACL, umask',
        testOf(
          'test/unit/union/posix-acl.test.ts',
          'of a default ACL that is %s, with mode %s, is what the kernel does',
        ),
      ],
    },
    {
      sentence: 'setgid directories',
      cases: [
        'permission: in a setgid directory new objects take its group, new directories the bit as well',
        'permission: a member of the group of a setgid directory keeps setgid on new files, another loses it',
      ],
    },
    {
      sentence: 'sticky',
      cases: [
        'permission: in a sticky directory only the owner removes and renames',
        'permission: in a sticky directory of his own the owner removes the files of others',
      ],
    },
    {
      sentence: 'killpriv: setuid and setgid cleared by write, truncate and chown',
      cases: [
        'permission: a write, a truncate and a chown by an ordinary user clear setuid and setgid',
        'permission: who asks for the mode alone sees at once that a write or O_TRUNC cleared setuid',
        'permission: a change by no member of the group clears setgid also where the group may not execute',
        'permission: root keeps setuid when it writes, not when it changes the owner',
        'set-id: a chown that keeps both ids drops setuid, setgid and capabilities',
      ],
    },
    {
      sentence: 'killpriv: by fallocate and copy_file_range',
      cases: [
        'permission: a fallocate and a copied range by an ordinary user clear setuid and setgid, by root not',
      ],
    },
    {
      sentence: 'security.capability kept by copy-up',
      cases: [
        'copy-up: capabilities and POSIX ACLs come along',
        'set-id: an open for writing copies capabilities with the data, and the write drops them',
      ],
    },
    {
      sentence: 'security.capability dropped by write',
      cases: [
        'set-id: an open for writing copies capabilities with the data, and the write drops them',
        'set-id: a write and a truncation by root drop capabilities and leave setuid',
        'permission: capabilities are dropped by a write and by a chown',
      ],
    },
    {
      sentence: 'xattr name spaces',
      cases: [
        'xattr: trusted xattrs are for root alone, user xattrs follow the mode',
        'xattr: security xattrs pass through',
        'xattr: user xattrs are refused on symlinks and fifos, trusted ones are not',
        'xattr: names and values are limited',
      ],
    },
    {
      sentence: 'xattr sizes',
      cases: [
        'xattr: a value that fills most of a block, and a hundred small ones, are kept by copy-up',
        'xattr: sizes are told without a buffer, too small a buffer is ERANGE',
        'xattr: names and values are limited',
        'xattr: many xattrs fit in one list',
      ],
    },
    {
      sentence: 'xattrs of a layer set, replaced and removed',
      cases: [
        'xattr: a value is set, read, listed and removed, on files and directories of a layer',
        'xattr: an xattr of a layer is removed for good',
        'xattr: XATTR_CREATE and XATTR_REPLACE hold, also against a layer',
      ],
    },
    {
      sentence: 'timestamps before 1970 and after 2038',
      cases: [
        'times: utimens sets both times to the nanosecond, before 1970 and far ahead too',
        'times: times of a layer before 1970 and after 2038 are shown, and kept by copy-up',
      ],
    },
    {
      sentence: 'timestamps to the nanosecond',
      cases: [
        'times: utimens sets both times to the nanosecond, before 1970 and far ahead too',
        'times: UTIME_NOW and UTIME_OMIT set one time and leave the other',
        'times: a time set after a write stays, also when the file is closed and mounted again',
      ],
    },
    {
      sentence: 'each change moves the times that it should',
      cases: [
        'times: writing, truncating and O_TRUNC move mtime and ctime',
        'times: chmod, chown, link and rename move ctime alone',
        'times: a directory moves its times when a name in it comes or goes, not when a file in it changes',
        'times: a write through a shared map moves mtime and ctime, before and after close',
        'rename: a rename changes ctime of the file and times of both parents, not mtime of the file',
        'xattr: setting one changes ctime and not mtime',
      ],
    },
    {
      sentence: 'birth time by statx',
      cases: ['times: statx tells when an object was born, and no change moves that'],
    },
    {
      sentence: 'lsattr and chattr',
      cases: [
        'chattr: flags of files and directories are set and read back, also after a remount',
        'chattr: FS_IOC_FSSETXATTR sets the same flags',
        'chattr: objects that are neither files nor directories have no flags',
        'chattr: who is not root sets flags of his own files, but not +i and +a, and none of others',
      ],
    },
    {
      sentence: 'chattr +i and +a hold, through upper, layers and binds',
      cases: [
        'chattr: an immutable file can be read and not changed, by root either, until the flag goes',
        'chattr: an append-only file is added to, and neither overwritten nor removed',
        'chattr: a map changes nothing of an append-only file',
        'chattr: an immutable directory keeps its names, an append-only one takes new ones',
        'chattr: who has a file open for writing goes on when it becomes append-only, and others add after him',
        testOf(
          'test/acceptance/inode-flags.test.ts',
          '+a and +i of a layer, of upper and of a bind hold as on overlayfs',
        ),
        testOf(
          'test/acceptance/inode-flags.test.ts',
          'flags of directories of a layer hold, and a copy-up keeps',
        ),
        testOf('test/acceptance/inode-flags.test.ts', 'what %s keeps of flags in upper, %s heeds'),
      ],
    },
    {
      sentence: 'relatime',
      cases: [
        'times: reading a file moves its access time once after each change, as relatime has it',
        'times: mapping a file moves its access time, stat and open do not',
        'times: listing a directory and reading a symlink move their access times',
      ],
    },
    {
      sentence: 'noatime',
      cases: [
        testOf('test/cli/access-times.long.test.ts', 'with %s moves access times as the option says'),
        testOf('test/cli/access-times.long.test.ts', 'takes noatime where upper and work are on a mount'),
      ],
    },
  ],
};
