/** How serving a mount has ended, and the end of a process that served nothing else. */

export interface ServeOutcome {
  /** 0 when it was unmounted, 1 when it could not be mounted or the session broke. */
  readonly code: 0 | 1;
  /** Why it was never mounted. */
  readonly error?: Error;
  /** The worker hangs in a foreign call: `leave()` must be used, since exit() would wait for the thread. */
  readonly isHung: boolean;
}

/** Ends the process as the outcome asks for. */
export function leave({ code, isHung }: ServeOutcome): void {
  if (isHung) process.kill(process.pid, 'SIGKILL');
  else process.exit(code);
}
