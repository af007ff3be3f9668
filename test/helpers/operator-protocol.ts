/** What a test and its operator say to each other, as structured clones over Node's IPC channel. */

import type { OperationName } from './operations/all-operations.js';

export interface Request {
  readonly id: number;
  /** Absolute directory that string paths are below of. */
  readonly root: string;
  readonly operation: OperationName;
  readonly args: readonly unknown[];
}

export type Reply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly code: string; readonly message: string };

/** Environment variable naming operations (comma between) that the operator answers without doing them. */
export const SABOTAGE = 'PLYFS_TEST_SABOTAGE';
