/**
 * What travels over descriptor 3 between who starts a command and the process that becomes it (main.ts): JSON lines.
 *
 * One EnterOrder in, then EnterReports out; after `terminal` and after `ready` the process waits for a line back.
 * Strings are text.
 */

export interface EnterOrder {
  /** The root directory to make: absent for who joins namespaces that have one. */
  readonly root?: string;
  /** Host pid of the process whose mount namespace is joined. */
  readonly joinPid?: number;
  readonly hostname: string;
  /** Files of the host to put over files of the container, where it has them. */
  readonly files: readonly { readonly source: string; readonly target: string }[];
  readonly args: readonly string[];
  /** `NAME=VALUE`; later ones win. */
  readonly environment: readonly string[];
  readonly workingDirectory: string;
  /** Whether it is made where it is missing. */
  readonly makeDirectory: boolean;
  /** `user[:group]`; empty: root. */
  readonly user: string;
  readonly terminal: boolean;
  /** All capabilities, nothing of /proc and /sys hidden. */
  readonly privileged: boolean;
  /** Root of a user namespace that maps one id. */
  readonly rootless: boolean;
}

export type EnterReport =
  /** Host pid of the process. */
  | { readonly at: 'begun'; readonly pid: number }
  /** Number of the descriptor, in the process, of a new terminal's master. */
  | { readonly at: 'terminal'; readonly masterFd: number }
  /** All is prepared; execve(2) comes next. */
  | { readonly at: 'ready' }
  | { readonly at: 'failed'; readonly code: 125 | 126 | 127; readonly message: string };
