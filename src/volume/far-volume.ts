/** Volumes whose storage may hang: whether it answers, before a command reads or writes there by itself. */

import { isFarType } from '../mounts/far-types.js';
import { lookFar } from '../mounts/look-far.js';
import type { Store } from '../store/store.js';
import { mountedType } from './mount-backing.js';

/**
 * Does nothing for a volume on local storage, or on storage that is not mounted yet: mount(8) finds out then.
 * @param limitMs undefined: 10 s.
 * @throws UserError when its storage does not answer.
 */
export async function assertAnswers(
  store: Store,
  name: string,
  { what, limitMs }: { readonly what: string; readonly limitMs?: number | undefined },
): Promise<void> {
  const home = store.path('volumes', name);
  const type = mountedType(home);
  if (type === undefined || !isFarType(type)) return;
  await lookFar({ path: `${home}/_data`, limitMs, what });
}
