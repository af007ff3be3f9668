/** What the process around a served mount is told of it, and gives it. */

import type { RunState } from '../run-directory/run-state.js';
import type { Keeper } from './keeper.js';
import type { LeftMount } from './kept-mount.js';

export interface ServeHooks {
  readonly log: (line: string) => void;
  /** The mount answers. */
  readonly onMounted: (state: RunState) => void;
  /** The first signal to stop has come. */
  readonly onStopping?: () => void;
  /** The process serves others too, and stays when this one ends. */
  readonly isShared?: boolean;
  /** The process is the command that the user has started (`-f`). */
  readonly isForeground?: boolean;
  /** Lets the mount outlive this process, where that can be. */
  readonly keeper?: Keeper;
  /** The mount was served by a process that is gone. */
  readonly left?: LeftMount;
}
