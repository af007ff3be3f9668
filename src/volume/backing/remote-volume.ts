/** Volumes whose storage may hang: whether it answers, before a command reads or writes there by itself. */

import { probeSource } from '../../mounts/remote/probe-source.js';
import { isRemoteType } from '../../mounts/remote/remote-types.js';
import type { Store } from '../../store/store.js';
import { volumeHome } from '../../store/volume-home.js';
import { mountedType } from './mount-backing.js';

export interface StorageLook {
  /** What is to be done, as in `cannot export volume 'data'`. */
  readonly what: string;
  /** Undefined: 10 s. */
  readonly limitMs?: number | undefined;
}

/**
 * Does nothing for a volume on local storage, or on storage that is not mounted yet: mount(8) finds out then.
 * @returns whether it was asked.
 * @throws UserError when its storage does not answer.
 */
export async function assertAnswers(
  store: Store,
  name: string,
  { what, limitMs }: StorageLook,
): Promise<boolean> {
  const home = store.path(volumeHome(name));
  const type = mountedType(home);
  if (type === undefined || !isRemoteType(type)) return false;
  await probeSource({ path: `${home}/_data`, limitMs, what });
  return true;
}
