/**
 * What a conformance suite is: cases that need only a directory, so that they run on any file system.
 *
 * A case without `layers` gets an empty directory; one with `layers` gets their union (on the plain target: the same
 * tree in one directory). A case that looks into layers or upper says `needs: ['layers']` and exists only on targets
 * that have them. Nothing in a case touches the mount itself: all goes through operators.
 */

import type { DirSpec, Layers } from '../helpers/layers.js';
import type { Identity } from '../helpers/operations/process-operations.js';
import type { Tree } from '../helpers/operations/tree-operations.js';
import type { Fs } from '../helpers/operator-client.js';
import type { Feature } from '../helpers/targets.js';

export interface Case {
  /** States the behaviour; unique in its suite. */
  readonly name: string;
  readonly layers?: Layers;
  readonly needs?: readonly Feature[];
  /** Its tree is not read by another file system after the suite: that would take half a minute. */
  readonly isTooLargeToCompare?: boolean;
  /** What the host directory of the case holds, for cases with volumes. */
  readonly host?: DirSpec;
  /** `-v` specifications; `host` is the case's host directory, `at` its directory in the mount. */
  readonly volumes?: (host: string, at: string) => readonly string[];
  run(fs: Fs, t: CaseContext): Promise<void>;
}

export interface CaseContext {
  /** Name of the target, for messages only. */
  readonly target: string;
  /** Absolute path of the case's directory in the mount. */
  readonly root: string;
  /** The case's directory in upper; rejects where it was not copied up yet. */
  readonly upper: Fs;
  /** The case's directory in a layer, 0 the bottom. */
  lower(index: number): Fs;
  /** The host directory of the case. */
  readonly host: Fs;
  /** The same directory through another process, with another identity where one is given. */
  as(identity: Identity): Promise<Fs>;
  other(): Promise<Fs>;
  /** Unmounts and mounts again; what was open is closed. */
  remount(): Promise<void>;
  /** The tree that the union of the case's layers must show. */
  mergedTree(): Promise<Tree>;
}

export interface Suite {
  readonly name: string;
  readonly cases: readonly Case[];
}

export const ALICE: Identity = { uid: 1001, gid: 1001 };
export const BOB: Identity = { uid: 1002, gid: 1002 };
/** Bob with Alice's group among his others. */
export const BOB_IN_ALICES_GROUP: Identity = { uid: 1002, gid: 1002, groups: [1001] };
