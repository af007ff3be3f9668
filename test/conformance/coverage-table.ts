/**
 * Which cases prove which sentence of the contract, each claim in a few words of ours: the seven items of what is to be
 * as correct as the kernel, and section 2 of docs/SEMANTICS.md. The folder coverage/ has a file an item.
 *
 * INVARIANT: every case and every title exists, no sentence is without one, none stands twice; each statement of that section
 * has an item that quotes it (coverage.test.ts).
 */

import { attributes } from './coverage/attribute-claims.js';
import { directoryRename } from './coverage/directory-rename.js';
import { files } from './coverage/file-claims.js';
import { hardLinks } from './coverage/hard-links.js';
import { identity } from './coverage/identity.js';
import { interoperability } from './coverage/interoperability.js';
import { metadataCopyUp } from './coverage/metadata-copy-up.js';
import { names } from './coverage/name-claims.js';
import { openFiles } from './coverage/open-file-claims.js';
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
