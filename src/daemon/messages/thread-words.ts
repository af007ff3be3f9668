/**
 * Words that a serving thread shares with the main thread, by their places.
 *
 * INVARIANT: TURN is odd while the thread works and even while it waits for requests; each turn of its loop changes it.
 */

/** Its eventfd, 0 until there is something to serve, or NOTHING_TO_SERVE. */
export const WAKE_FD = 0;
/** How many messages it has taken. */
export const MESSAGES = 1;
export const TURN = 2;
/** As the kernel numbers threads. */
export const TASK_ID = 3;
/** 1 while the main thread looks at TURN; 0: it waits for the thread to have something to do, which makes it 1. */
export const WATCHED = 4;

export const THREAD_WORDS = 5;

/** In place of an eventfd: the thread is not needed. */
export const NOTHING_TO_SERVE = -1;
