/**
 * Which cases prove which sentence of the contract, each claim in a few words of ours: the seven items of what is to be
 * as correct as the kernel, and section 2 of semantics.md. A folder of the same name has a file an item.
 *
 * INVARIANT: every case and every title exists, no sentence is without one, none stands twice (coverage.test.ts).
 */

import { attributes } from './coverage/attributes.js';
import { directoryRename } from './coverage/directory-rename.js';
import { files } from './coverage/files.js';
import { hardLinks } from './coverage/hard-links.js';
import { identity } from './coverage/identity.js';
import { interoperability } from './coverage/interoperability.js';
import { metadataCopyUp } from './coverage/metadata-copy-up.js';
import { names } from './coverage/names.js';
import { openFiles } from './coverage/open-files.js';
import type { Item } from './coverage/sentence.js';
import { union } from './coverage/union.js';

export const coverage: readonly Item[] = [
  directoryRename,
  hardLinks,
  metadataCopyUp,
  identity,
  openFiles,
  files,
  attributes,
  names,
  interoperability,
  union,
];
