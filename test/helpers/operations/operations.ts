/** All that an operator can be asked to do; the client takes its types from here. */

import { attributeOperations } from './attributes.js';
import { build } from './build.js';
import { fileOperations } from './files.js';
import { nameOperations } from './names.js';
import { processOperations } from './process.js';
import { treeOperations } from './tree.js';

export const operations = {
  ...fileOperations,
  ...attributeOperations,
  ...nameOperations,
  ...processOperations,
  ...treeOperations,
  build,
};

export type Operations = typeof operations;
export type OperationName = keyof Operations;
