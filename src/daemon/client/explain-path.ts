/**
 * `why`: asks the daemon of the mount that a path lies in. The path itself is never touched.
 */

import { readMountinfo } from '../../engine/kernel/attach-mountinfo.js';
import { UserError } from '../../errno/user-error.js';
import { historyOfDirectory } from '../../image/catalog/layer-history.js';
import { displayName, type Name } from '../../vfs/name.js';
import { locate } from '../config/locate.js';
import { askDaemon } from '../messages/control-client.js';
import type { WhyReply, WhyStep } from '../messages/why-reply.js';
import { listRunStates, runDirectory, runRoot, stateOfMount } from '../run-directory/run-state.js';

/**
 * @param absolute not yet normalised.
 * @param options whether the owners and modes on the way to it are told.
 * @throws UserError when no plyfs mount of this user holds the path.
 */
export async function explainPath(
  absolute: Name,
  { withWay = false }: { readonly withWay?: boolean } = {},
): Promise<WhyReply> {
  const { path, mount, inside } = locate(absolute, readMountinfo());
  const shown = displayName(path);
  if (!mount) {
    throw new UserError(`cannot explain '${shown}': no plyfs mount holds it`, {
      hint: "'plyfs mounts' lists them",
    });
  }
  const state = stateOfMount(listRunStates(runRoot()), mount);
  if (!state) {
    throw new UserError(
      `cannot explain '${shown}': the daemon of '${displayName(mount.mountpoint)}' is gone or not yours`,
    );
  }
  const reply = (await askDaemon(runDirectory(runRoot(), state.id), 'why', {
    path: inside,
    withWay,
  })) as Partial<WhyReply>;
  const chain = (reply.chain ?? []).map(withHistory);
  const { readOnly, way } = reply;
  return {
    path: reply.path ?? shown,
    shown: reply.shown ?? null,
    chain,
    ...(readOnly === undefined ? {} : { readOnly }),
    ...(way === undefined ? {} : { way }),
  };
}

/** A layer of an image says what made it. */
function withHistory(step: WhyStep): WhyStep {
  const history = historyOfDirectory(step.layer);
  if (history === undefined) return step;
  return { ...step, note: step.note === undefined ? history : `${history}; ${step.note}` };
}
