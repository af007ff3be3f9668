/** `inspect`: all that is known of one mount. Storage that hangs is not waited for. */

import { UserError } from '../../errno/user-error.js';
import { displayName, type Name } from '../../vfs/name.js';
import { askDaemon } from '../messages/control-client.js';
import type { MountReport } from '../messages/mount-report.js';
import { findMount } from '../run-directory/find-mount.js';

const ANSWER_LIMIT_MS = 1_000;

/** All strings are text. */
interface InspectedMount {
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
  /** Whether the CPUs are kept awake while requests come close together: `on:` by what, or `off:` and why; null: not by this engine. */
  readonly awake: string | null;
  /** What the engine does not offer. */
  readonly limits: readonly string[];
  readonly mounts: readonly MountReport[];
}

/**
 * @param absolute the mount point, or a path in the mount; not yet normalised.
 * @throws UserError when no daemon of this user serves it, or it does not answer.
 */
export async function inspectMount(absolute: Name): Promise<InspectedMount> {
  const { state, directory } = findMount(absolute, 'inspect');
  const status = await askDaemon(directory, 'status', {}, { timeoutMs: ANSWER_LIMIT_MS });
  const tree = await askDaemon(directory, 'inspect', {}, { timeoutMs: ANSWER_LIMIT_MS });
  const { features, limits } = status as Pick<InspectedMount, 'features' | 'limits'>;
  const { mounts, awake } = tree as Pick<InspectedMount, 'mounts'> & { readonly awake?: string };
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
    awake: awake ?? null,
    limits,
    mounts,
  };
}
