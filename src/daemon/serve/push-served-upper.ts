/**
 * The main thread's part when upper becomes a layer under a mount that is served: what the store needs is made and decided, the
 * session's thread goes over to the new upper between two requests (union/renew-upper.ts), then the directories get their names.
 *
 * INVARIANT: it is decided before the thread goes over, and taken back when it has refused: whenever this process is killed, what was
 * written lies in the layer or in upper, and the next command gives both their names.
 */

import { closeSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { UserError } from '../../errno/user-error.js';
import { LAYER_FILE } from '../../image/catalog/layer-record.js';
import { dup2 } from '../../linux/files/open.js';
import { writeJson } from '../../store/atomic-file.js';
import { Store } from '../../store/store.js';
import { type StagedPush, stageUpper, stepsOfPush, type UpperPush } from '../../store/uppers/upper-push.js';
import { displayName, type Name, nameFromText } from '../../vfs/name.js';
import type { MountConfig } from '../config/mount-config.js';
import { holdLayers } from '../run-directory/layer-locks.js';
import { lockUpper } from '../run-directory/upper-lock.js';
import type { MountSession } from '../session/session.js';

interface Served {
  readonly config: MountConfig;
  readonly runRoot: string;
  readonly session: MountSession;
  /** Those of upper and work come first. */
  readonly locks: number[];
}

/** The store with the layers, and what is to become of the upper. */
export interface PushOrder extends UpperPush {
  readonly root: string;
  /** Those of a store that is not the user's, but of this upper alone. */
  readonly folders?: readonly string[];
}

/** For ever: of a thread that is silent it is not known what it has done. */
const GOES_OVER_MS = 2 ** 31 - 1;
const COPIES_END_MS = 30_000;
const POLL_MS = 20;

/** @returns where the new layer lies. @throws UserError; then upper is what it was. */
export async function pushServedUpper(order: PushOrder, served: Served): Promise<Name> {
  const { config } = served;
  const store = new Store(order.root, undefined, order.folders);
  const upper = store.path(order.upper);
  if (config.upper !== nameFromText(upper) || config.work !== nameFromText(store.path(order.work)))
    throw new UserError(`'${displayName(config.mountpoint)}' has another upper`);
  using intent = store.intend();
  const layer = store.stage('layers', intent);
  writeJson(store.path(layer, LAYER_FILE), {});
  const next = stageUpper(store, intent, order.home, upper);
  const staged: StagedPush = { layer, next };
  const folder = nameFromText(store.path(order.home, next));
  const name = nameFromText(relative(dirname(upper), store.path(order.home, next)));
  const ahead = { ...config, upper: `${folder}/upper`, work: `${folder}/work` };
  const locks = await lockUpper(ahead, served.runRoot);
  intent.decide(stepsOfPush(order, staged));
  const layerPath = nameFromText(store.path('layers', order.layer, 'tree'));
  try {
    await goOver(served.session, { name, layerPath });
  } catch (error) {
    // When the session has ended nobody writes to upper any more: what was decided can be done in any case.
    if (!served.session.isOver) {
      intent.decide([
        { do: 'remove', path: layer },
        { do: 'remove', path: join(order.home, next) },
      ]);
    }
    for (const fd of locks) closeSync(fd);
    throw error;
  }
  store.locked(() => intent.carryOut());
  // The numbers stay: the session's thread knows them.
  for (const [at, fd] of locks.entries()) {
    dup2(fd, served.locks[at]!);
    closeSync(fd);
  }
  served.locks.push(...holdLayers({ mountpoint: config.mountpoint, layers: [layerPath], mounts: [] }));
  return layerPath;
}

async function goOver(session: MountSession, args: Readonly<Record<string, unknown>>): Promise<void> {
  const deadline = Date.now() + COPIES_END_MS;
  for (;;) {
    const { isDone } = (await session.request('pushUpper', args, GOES_OVER_MS)) as { isDone: boolean };
    if (isDone) return;
    if (Date.now() > deadline) {
      throw new UserError('files are being copied up all the time', { hint: 'try again later' });
    }
    await pause(POLL_MS);
  }
}
