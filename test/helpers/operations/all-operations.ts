/** All that an operator can be asked to do; the client takes its types from here. */

import { attributeOperations } from './attribute-operations.js';
import { build } from './build-layers.js';
import { fileOperations } from './file-operations.js';
import { nameOperations } from './name-operations.js';
import { processOperations } from './process-operations.js';
import { treeOperations } from './tree-operations.js';

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
