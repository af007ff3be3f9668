/** What travels over descriptor 3 of a process that runs a command in a draft for another program (try-main.ts), and how it is ended. */

import { hasCode } from '../errno/error-code.js';

export interface TryOrder {
  /** The root of the store. */
  readonly root: string;
  /** The name of the draft. */
  readonly name: string;
  readonly args: readonly string[];
  /** Absolute. */
  readonly workingDirectory: string;
}

export type TryReport =
  | { readonly status: number; readonly isStillUsed: boolean }
  | {
      readonly failure: string;
      readonly code: string | undefined;
      readonly hint: string | undefined;
      /** When the command cannot be run. */
      readonly status: 125 | 126 | 127 | undefined;
    };

/** Arguments of a command come to no more, on Linux. */
export const ORDER_LIMIT = 4 << 20;

const GRACE_MS = 5_000;

/** Ends the process that heads a session, and what it has started: SIGTERM, then SIGKILL. */
export function endGroup(pid: number): void {
  signalGroup(pid, 'SIGTERM');
  setTimeout(() => signalGroup(pid, 'SIGKILL'), GRACE_MS).unref();
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // Nobody of it is left.
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}
