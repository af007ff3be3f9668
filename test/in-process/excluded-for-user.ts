/** The cases that an ordinary user cannot have, beside those of `excluded.ts`, each with what he lacks. */

import type { KnownFailures } from '../conformance/run-suites.js';

const OTHERS = 'the case takes on another user, which needs root';
const OWNERS = 'only root gives objects another owner';
const REDIRECT =
  'without privileges directories of layers are not moved: user.overlay.redirect is not trusted';
const ATIME = 'without privileges layers are read by their own mount, which moves access times';
const ATTRIBUTES = 'attributes of trusted.* and security.* need root';
const FLAGS = 'the flags +i and +a need CAP_LINUX_IMMUTABLE';
const DEVICES = 'devices need CAP_MKNOD';

export const excludedForUser: KnownFailures = {
  'lookup: leaves the access times of the layers as they were': ATIME,
  'write: leaves the access times of the layers as they were': ATIME,
  'copy-up: chmod, chown, utimes and setxattr of a large file copy no data': OWNERS,
  'copy-up: symlinks, fifos and directories are copied up by chown and utimes': OWNERS,
  'copy-up: a refused change copies nothing': OTHERS,
  'copy-up: files read with the changes of metadata made through a descriptor of the layer': OWNERS,
  'copy-up: leaves the access times of the layers as they were': ATIME,
  'remove: a directory made where a lower one was removed is opaque in upper': ATTRIBUTES,
  'remove: leaves the access times of the layers as they were': ATIME,
  'rename: a lower directory moves with its tree': REDIRECT,
  'rename: a directory merged of three layers moves, and a new one takes its name': REDIRECT,
  'rename: leaves the access times of the layers as they were': ATIME,
  'rename-directory: EXCHANGE swaps directories of layers with each other and with merged ones, at any depth':
    REDIRECT,
  'rename-directory: EXCHANGE swaps a directory of a layer with a file and a symlink of one': REDIRECT,
  'rename-directory: NOREPLACE moves a directory of a layer or merged to a free name, and refuses one of any layer':
    REDIRECT,
  'rename-directory: directories that moved into moved ones, and back, keep their trees': REDIRECT,
  'rename-directory: a moved directory lies in upper without its tree, with a redirect of the form that overlayfs has':
    REDIRECT,
  'rename-directory: leaves the access times of the layers as they were': ATIME,
  'link: leaves the access times of the layers as they were': ATIME,
  'special: mknod makes each type with mode and device number': DEVICES,
  'special: leaves the access times of the layers as they were': ATIME,
  'permission: a directory wants x to pass, r to list, w and x to change': OTHERS,
  'permission: new objects belong to the caller and obey its umask': OTHERS,
  'permission: an ACL entry grants and the mask limits': OTHERS,
  'permission: a default ACL is inherited instead of the umask': OTHERS,
  'permission: root keeps setuid when it writes, not when it changes the owner': OWNERS,
  'permission: capabilities are dropped by a write and by a chown': ATTRIBUTES,
  'permission: an ordinary user makes fifos but no device nodes': OTHERS,
  'permission: a file opened before a chmod stays usable, a link of it may be refused later': OTHERS,
  'permission: the ACL of a directory decides who enters, lists and changes it': OTHERS,
  'xattr: user xattrs are refused on symlinks and fifos, trusted ones are not': ATTRIBUTES,
  'xattr: security xattrs pass through': ATTRIBUTES,
  'xattr: leaves the access times of the layers as they were': ATIME,
  'chattr: FS_IOC_FSSETXATTR sets the same flags': FLAGS,
  'chattr: an immutable file can be read and not changed, by root either, until the flag goes': FLAGS,
  'chattr: an append-only file is added to, and neither overwritten nor removed': FLAGS,
  'chattr: an immutable directory keeps its names, an append-only one takes new ones': FLAGS,
  'chattr: who has a file open for writing goes on when it becomes append-only, and others add after him':
    FLAGS,
  'chattr: leaves the access times of the layers as they were': ATIME,
  'nested: an attribute of an overlay is set, read, listed and removed like any other': ATTRIBUTES,
  'times: reading an object of a layer moves no access time, and its copy has the same': ATIME,
  'times: chmod, chown, link and rename move ctime alone': OWNERS,
  'times: leaves the access times of the layers as they were': ATIME,
  'space: leaves the access times of the layers as they were': ATIME,
  'held-open: leaves the access times of the layers as they were': ATIME,
  'directory: leaves the access times of the layers as they were': ATIME,
  'identity: st_ino stays through copy-up, rename and remount': OWNERS,
  'identity: a file or directory that moved has the st_ino of before, also after a remount': REDIRECT,
  'identity: leaves the access times of the layers as they were': ATIME,
};
