/**
 * Where everything is below the root of a store (`--root`):
 *
 * images/             an OCI image layout: oci-layout, index.json, blobs/sha256/HEX
 * layers/HEX/         an unpacked layer, HEX its chainID: layer.json, tree/
 * containers/ID/      container.json, upper/, work/, merged/ (the mount point)
 * volumes/NAME/       volume.json, _data/
 * pending/ID.json     what has to be done when its owner dies (intent.ts)
 * trash/              what is being deleted
 * lock                flock(2)ed by who changes something (lock.ts)
 */

import { homedir } from 'node:os';
import { join } from 'node:path';

/** Relative to the store's root, without `..`; what an intent names. */
export type StorePath = string;

export type ObjectKind = 'containers' | 'layers' | 'volumes';

export const STORE_FOLDERS = ['images', 'layers', 'containers', 'volumes', 'pending', 'trash'] as const;

/** `/var/lib/plyfs` for root, else `$XDG_DATA_HOME/plyfs` or `~/.local/share/plyfs`. */
export function stateRoot(env: NodeJS.ProcessEnv = process.env, uid = process.geteuid?.() ?? 0): string {
  if (uid === 0) return '/var/lib/plyfs';
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
