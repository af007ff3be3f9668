/** `inspect`: all that is known of one mount. Storage that hangs is not waited for. */

import { UserError } from '../errno/user-error.js';
import { displayName, type Name } from '../vfs/name.js';
import { askDaemon } from './control-client.js';
import { findMount } from './find-mount.js';
import type { MountReport } from './mount-report.js';

const ANSWER_LIMIT_MS = 1_000;

/** All strings are text. */
export interface Inspection {
  readonly id: string;
  readonly mountpoint: string;
  readonly pid: number;
  readonly engine: string;
  readonly readOnly: boolean;
  readonly createdAt: string;
  /** Bottom first. */
  readonly layers: readonly string[];
  readonly upper?: string;
  readonly work?: string;
  /** What was agreed upon with the kernel. */
  readonly features: Readonly<Record<string, boolean>>;
  /** What the engine does not offer. */
  readonly limits: readonly string[];
  readonly mounts: readonly MountReport[];
}

/**
 * @param absolute the mount point, or a path in the mount; not yet normalised.
 * @throws UserError when no daemon of this user serves it, or it does not answer.
 */
export async function inspectMount(absolute: Name): Promise<Inspection> {
  const { state, directory } = findMount(absolute, 'inspect');
  const status = await askDaemon(directory, 'status', {}, { timeoutMs: ANSWER_LIMIT_MS });
  const tree = await askDaemon(directory, 'inspect', {}, { timeoutMs: ANSWER_LIMIT_MS });
  const { features, limits } = status as Pick<Inspection, 'features' | 'limits'>;
  const { mounts } = tree as Pick<Inspection, 'mounts'>;
  if (!Array.isArray(mounts)) throw new UserError('the daemon is of another version of plyfs');
  return {
    id: state.id,
    mountpoint: displayName(state.mountpoint),
    pid: state.pid,
    engine: state.engine,
    readOnly: state.readOnly,
    createdAt: state.createdAt,
    layers: state.layers.map(displayName),
    ...(state.upper === undefined ? {} : { upper: displayName(state.upper) }),
    ...(state.work === undefined ? {} : { work: displayName(state.work) }),
    features,
    limits,
    mounts,
  };
}
