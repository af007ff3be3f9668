/** Section 2 of semantics.md, but for what the items have already. */

import { type Item, testOf } from './sentence.js';

export const union: Item = {
  item: 'section 2 of the contract: the union',
  contract: [
    'A name shows the topmost layer that has it',
    'Layers are never written',
    'Copy-up keeps mode, owner, times',
    'open-unlinked files',
    'A call fails with EINTR only where it does on ext4',
    '`mount -o remount,ro` works',
    '`statfs` of the mount shows one disk',
  ],
  sentences: [
    {
      sentence: 'a name shows the topmost layer that has it',
      cases: [
        'lookup: a file of a later layer wins with content and attributes',
        'lookup: a directory hides a file below',
        'lookup: a tree of four layers equals the merged tree, before and after a remount',
      ],
    },
    {
      sentence: 'a non-directory hides all below',
      cases: [
        'lookup: a file hides a directory below, and what a layer above adds does not bring it back',
        'lookup: a symlink hides a directory below and is not followed for merging',
      ],
    },
    {
      sentence: 'directories merge names and take attributes from the topmost',
      cases: ['lookup: directories merge names and take attributes from the topmost'],
    },
    {
      sentence: 'a whiteout hides a name below',
      cases: [
        'lookup: a whiteout hides a file and a directory below and is not listed',
        'lookup: a name whited out in the middle comes back in a layer above',
      ],
    },
    {
      sentence: 'opaque hides a whole directory below',
      cases: ['lookup: an opaque directory hides all of it below, however deep'],
    },
    {
      sentence: 'whiteouts are never listed or visible',
      cases: [
        'lookup: a whiteout hides a file and a directory below and is not listed',
        'lookup: a whiteout is not listed in a directory that merges with none either',
        'remove: a directory with nothing but whiteouts is empty',
      ],
    },
    {
      sentence: 'a .wh. name is an ordinary name',
      cases: ['lookup: a .wh. name in a directory is an ordinary name'],
    },
    {
      sentence: 'layers are never written',
      cases: [
        testOf('test/conformance/harness.test.ts', 'catches a change of a layer'),
        'write: writing a file of a layer changes the union and not the layer',
      ],
    },
    {
      sentence: 'not even the atime of layers',
      cases: [
        testOf('test/conformance/run-suites.ts', 'leaves the access times of the layers as they were'),
        'times: reading an object of a layer moves no access time, and its copy has the same',
      ],
    },
    {
      sentence: 'deleting a lower file or directory leaves a whiteout in upper',
      cases: [
        'remove: removing a lower file or directory leaves a whiteout in upper, one of upper nothing',
        'rename: an upper file moves and leaves nothing',
      ],
    },
    {
      sentence: 'deleting something only in upper leaves nothing',
      cases: ['remove: removing a lower file or directory leaves a whiteout in upper, one of upper nothing'],
    },
    {
      sentence: 'a directory made where a lower one was deleted is opaque',
      cases: [
        'remove: a directory made where a lower one was removed is opaque in upper',
        'remove: a directory made again where a lower one was removed is empty',
      ],
    },
    {
      sentence: 'what was deleted stays so, and what is made there is new',
      cases: [
        'remove: unlink of a lower file hides it for good',
        'remove: a file made again where a lower one was removed is new',
        'remove: a file replaces a removed lower directory, and the reverse',
        'remove: rm -rf removes a tree of several layers',
      ],
    },
    {
      sentence: 'copy-up keeps mode, owner and xattrs',
      cases: [
        'copy-up: an append keeps mode, owner and xattrs and adds to the content',
        'copy-up: chown and utimes of a file of a layer change only that',
        'copy-up: symlinks, fifos and directories are copied up by chown and utimes',
        'permission: a copy-up by another user keeps the owner of the file',
      ],
    },
    {
      sentence: 'copy-up keeps times to the nanosecond',
      cases: [
        'copy-up: opening for writing without writing keeps the times to the nanosecond',
        'copy-up: opening for writing after a metadata change keeps the times',
      ],
    },
    {
      sentence: 'copy-up keeps ACLs',
      cases: [
        'copy-up: capabilities and POSIX ACLs come along',
        'copy-up: ACLs come along where data is copied, and with parents that are made',
      ],
    },
    {
      sentence: 'copy-up keeps holes',
      cases: [
        'copy-up: holes stay holes',
        testOf('test/unit/realfs/copy-data.test.ts', 'copies any mixture of data and holes, up to any limit'),
      ],
    },
    {
      sentence: 'parents are made with the attributes of the lower directory',
      cases: [
        'copy-up: parents are made with the attributes of the lower directory, and their times stay',
        'copy-up: parents in upper carry the attributes of the lower directory themselves',
      ],
    },
    {
      sentence: 'opening for reading never copies',
      cases: ['write: opening for reading makes no copy', 'copy-up: a refused change copies nothing'],
    },
    {
      sentence: 'O_TRUNC never copies data',
      cases: [
        'write: O_TRUNC of a large file of a layer copies none of its data',
        'write: O_TRUNC empties a file of a layer and keeps its mode and owner',
      ],
    },
    {
      sentence: 'rename of files as on ext4',
      cases: [
        'rename: a lower file moves with content and attributes, within and between directories',
        'rename: a rename over an existing file replaces it, upper or lower',
        'rename: a rename onto itself or onto another link of the same file does nothing',
        'rename: types must agree',
      ],
    },
    {
      sentence: 'rename of files with flags',
      cases: [
        'rename: NOREPLACE refuses an existing name and takes a free or whited out one',
        'rename: EXCHANGE swaps two files, whichever layer they are in',
        'rename: EXCHANGE with NOREPLACE and unknown flags are refused',
      ],
    },
    {
      sentence: 'open-unlinked files',
      cases: [
        'link: an unlinked file that is open is read, written and counted with no names',
        'link: a lower file unlinked while open for reading is still read',
        'rename: the replaced file stays readable where it is open',
        'link: an unlinked file gets no name again',
      ],
    },
    {
      sentence: 'O_APPEND',
      cases: [
        'write: two writers with O_APPEND lose nothing',
        'write: an append descriptor writes at the end even after a seek',
      ],
    },
    {
      sentence: 'truncate',
      cases: [
        'write: truncate shortens and lengthens a file of a layer, with zeros',
        'write: ftruncate and a write beyond the end agree about what lies between',
      ],
    },
    {
      sentence: 'symlinks',
      cases: [
        'link: readlink gives the bytes of the symlink, long, dangling and odd ones',
        'link: symlinks are followed through layers, loops are ELOOP',
      ],
    },
    {
      sentence: 'modes decide who may do what',
      cases: [
        'permission: mode bits decide for owner, group and others',
        'permission: a directory wants x to pass, r to list, w and x to change',
        'permission: only the owner changes mode and times, only root the owner',
        'permission: a supplementary group opens files and directories, and no others',
      ],
    },
    {
      sentence: 'new objects belong to the caller and obey its umask',
      cases: ['permission: new objects belong to the caller and obey its umask'],
    },
    {
      sentence: 'mknod by root and by others',
      cases: [
        'special: mknod makes each type with mode and device number',
        'permission: an ordinary user makes fifos but no device nodes',
      ],
    },
    { sentence: 'statfs shows the file system of upper', cases: ['space: statfs shows the disk of upper'] },
    {
      sentence: 'signals interrupt no call that ext4 does not let them interrupt',
      cases: [testOf('test/acceptance/signals.test.ts', 'all succeed on')],
    },
    {
      sentence: 'a mount becomes read-only and writable again by remount',
      cases: [testOf('test/cli/mount-helper-command.long.test.ts', '-o remount,ro and rw hold, %s helpers')],
    },
  ],
};
