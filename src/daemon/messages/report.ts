/**
 * The one line that a starting daemon writes on fd 3: the mount answers, or why there is none.
 */

import type { RunState } from '../run-directory/run-state.js';

export type DaemonReport =
  | { readonly ok: true; readonly state: RunState }
  | {
      readonly ok: false;
      readonly message: string;
      readonly hint?: string | undefined;
      readonly stack?: string | undefined;
    };
