/**
 * Where everything is below the root of a store (`--root`):
 *
 * images/             an OCI image layout: oci-layout, index.json, blobs/sha256/HEX
 * layers/HEX/         an unpacked layer, HEX its chainID, or what a container's upper was: layer.json, tree/
 * containers/ID/      container.json, upper/, work/, merged/ (the mount point)
 * volumes/NAME/       volume.json, _data/, snapshots/NAME/ (state.json, tree/)
 * drafts/NAME/        draft.json, areas/ID/ (upper/, work/, merged/), snapshots/NAME/ (state.json, areas/), discarding/
 * drafts/.applied/ID/ what `plyfs undo` needs
 * drafts/.binds/      where binds with `cow` of mounts have their changes (uppers/cow-binds.ts)
 * containerd/ID/      a snapshot of containerd's (serve/containerd): snapshot.json, fs/, work/, merged/
 * pending/ID.json     what has to be done when its owner dies (intent.ts)
 * trash/              what is being deleted
 * events.jsonl        what became of containers, images and volumes (event-log.ts), events.jsonl.1 what did before
 * lock                flock(2)ed by who changes something (lock.ts)
 */

import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { isRootsOwn } from '../linux/process/user-namespace.js';

/** Relative to the store's root, without `..`; what an intent names. */
export type StorePath = string;

export type ObjectKind = 'containers' | 'drafts' | 'layers' | 'volumes';

export const STORE_FOLDERS = [
  'images',
  'layers',
  'containers',
  'volumes',
  'drafts',
  'pending',
  'trash',
] as const;

/**
 * $PLYFS_ROOT, or `/var/lib/plyfs` for root (of the host, not of a user's namespace), else `$XDG_DATA_HOME/plyfs` or
 * `~/.local/share/plyfs`.
 */
export function stateRoot(env: NodeJS.ProcessEnv = process.env, uid = process.geteuid?.() ?? 0): string {
  const { PLYFS_ROOT: chosen = '' } = env;
  if (chosen !== '') return resolve(chosen);
  if (uid === 0 && isRootsOwn('/var/lib')) return '/var/lib/plyfs';
  const data = env.XDG_DATA_HOME?.startsWith('/') ? env.XDG_DATA_HOME : join(homedir(), '.local/share');
  return join(data, 'plyfs');
}

/** A name that is being built or was left half-built: no command lists it. */
export function isHidden(name: string): boolean {
  return name.startsWith('.');
}

/**
 * Nobody but the owner's user and group gets below: what images hold (setuid programs, devices) is for containers, and the
 * daemon reaches it by descriptor, whoever asks. Docker's data root has the same mode.
 */
export const FOLDER_MODE = 0o710;
/** What a folder of the store never has. */
export const OTHERS_BITS = 0o007;
