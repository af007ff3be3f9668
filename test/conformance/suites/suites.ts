/** All suites, in the order in which they run. */

import type { Suite } from '../suite.js';
import { chattr } from './chattr.suite.js';
import { copyUp } from './copy-up.suite.js';
import { directory } from './directory.suite.js';
import { heldOpen } from './held-open.suite.js';
import { hostChanges } from './host-changes.suite.js';
import { identity } from './identity.suite.js';
import { link } from './link.suite.js';
import { lookup } from './lookup.suite.js';
import { mounts } from './mounts.suite.js';
import { nested } from './nested.suite.js';
import { permission } from './permission.suite.js';
import { remove } from './remove.suite.js';
import { rename } from './rename.suite.js';
import { renameDirectory } from './rename-directory.suite.js';
import { largeDirectory, manyLayers } from './scale.suite.js';
import { setId } from './set-id.suite.js';
import { sharing } from './sharing.suite.js';
import { space } from './space.suite.js';
import { special } from './special.suite.js';
import { times } from './times.suite.js';
import { whiteoutForms } from './whiteout-forms.suite.js';
import { write } from './write.suite.js';
import { xattr } from './xattr.suite.js';

export const allSuites: readonly Suite[] = [
  lookup,
  whiteoutForms,
  write,
  copyUp,
  remove,
  rename,
  renameDirectory,
  link,
  special,
  permission,
  setId,
  xattr,
  chattr,
  nested,
  times,
  space,
  sharing,
  heldOpen,
  directory,
  largeDirectory,
  manyLayers,
  identity,
  mounts,
  hostChanges,
];
