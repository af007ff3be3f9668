/**
 * Mounts more over a running mount, and takes mounts away from it: what the commands of containers call.
 *
 * Open files of a mount that is taken away go on until they are closed. Nothing here touches the mount or its storage.
 */

import { totalmem } from 'node:os';
import { parseMountSpec } from '../mounts/spec/mount-spec.js';
import { parseTmpfsSpec } from '../mounts/spec/tmpfs-spec.js';
import type { MountRequest } from '../mounts/spec/types.js';
import { parseVolumeSpec } from '../mounts/spec/volume-spec.js';
import { stateRoot } from '../store/layout.js';
import type { Name } from '../vfs/name.js';
import { resolveRequests } from './build-config.js';
import { askDaemon } from './control-client.js';
import { findMount } from './find-mount.js';
import type { EngineName } from './mount-config.js';

/** Far storage may take its `timeout=`; the daemon answers when that is over. */
const SPARE_MS = 15_000;

/** One of them, as the options of `plyfs mount` are written. */
export type MountSpec = { readonly volume: string } | { readonly mount: string } | { readonly tmpfs: string };

export interface AddOptions {
  /** Relative sources are taken from here. */
  readonly cwd?: string;
  /** Where volumes are kept. */
  readonly root?: string;
}

/** @throws UserError when the specification is wrong, the target taken, or the source cannot be mounted. */
export function addMount(
  mountpoint: Name,
  spec: MountSpec,
  { cwd = process.cwd(), root = stateRoot() }: AddOptions = {},
): Promise<void> {
  return addRequest(mountpoint, parse(spec, cwd), root);
}

/** The same for a specification that is parsed already. */
export async function addRequest(mountpoint: Name, request: MountRequest, root: string): Promise<void> {
  const { state, directory } = findMount(mountpoint, 'add a mount to');
  const [mount] = resolveRequests([request], { root, engine: state.engine as EngineName });
  await askDaemon(directory, 'mountAdd', { mount }, { timeoutMs: (request.timeoutMs ?? 0) + SPARE_MS });
}

/**
 * @param target as it was given when it was mounted, absolute and clean.
 * @throws UserError when nothing is mounted there, or something inside of it.
 */
export async function removeMount(mountpoint: Name, target: string): Promise<void> {
  const { directory } = findMount(mountpoint, 'remove a mount of');
  await askDaemon(directory, 'mountRemove', { target }, { timeoutMs: SPARE_MS });
}

function parse(spec: MountSpec, cwd: string): MountRequest {
  const context = { cwd, memoryBytes: totalmem() };
  if ('volume' in spec) return parseVolumeSpec(spec.volume, context);
  return 'mount' in spec ? parseMountSpec(spec.mount, context) : parseTmpfsSpec(spec.tmpfs, context);
}
