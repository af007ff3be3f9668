/**
 * For tests: kills this process at the n-th durable step it takes in a store, where n is PLYFS_TEST_KILL_AFTER.
 *
 * Whatever a command leaves on disk one step at a time calls `crashPoint()` after each of them (and once before the
 * first), so a test that counts n up has seen the command die between any two. Without the variable it does nothing.
 */

let stepsLeft = Number(process.env.PLYFS_TEST_KILL_AFTER ?? Number.NaN);

/** The disk has just changed, or is about to for the first time. */
export function crashPoint(): void {
  stepsLeft -= 1;
  if (stepsLeft === 0) process.kill(process.pid, 'SIGKILL');
}
