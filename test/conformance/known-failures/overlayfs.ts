/** What kernel overlayfs (redirect_dir, index and metacopy on) does otherwise than the suites want, and why. */

import type { KnownFailures } from '../run-suites.js';
import { ofMaps } from './held-open.js';

export const overlayfsFailures: KnownFailures = {
  'lookup: a whiteout is not listed in a directory that merges with none either':
    'hands the listing of a directory that merges with none through as it is (readdir.c:ovl_iterate_real)',
  'copy-up: opening for writing after a metadata change keeps the times':
    'writes the data into the file made for the metadata and does not set its times again',
  'copy-up: holes stay holes':
    'copies in pieces of 1 MiB and leaves out only pieces that are holes as a whole (copy_up.c:ovl_copy_up_file)',
  'whiteout-forms: a directory with nothing but such whiteouts is empty, and can be removed':
    'rmdir counts them: it looks for the device alone (dir.c:ovl_check_empty_dir)',
  'link: a lower file unlinked while open for reading has no links':
    'the inode of a lower file keeps the link count of the layer',
  ...ofMaps(
    'a map made before the copy-up stays one of the lower file (Documentation/filesystems/overlayfs.rst)',
  ),
};

/** What differs between plyfs and overlayfs over one upper, whichever wrote it. */
export const readOtherwise: KnownFailures = {
  'lookup: a whiteout is not listed in a directory that merges with none either':
    'overlayfs lists a name there that it does not find',
};
