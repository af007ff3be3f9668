/** Where the code of the daemon's threads begins. Loads nothing. */

export const SESSION_WORKER = new URL('./session-worker.js', import.meta.url);
export const NOTIFY_WORKER = new URL('./notify-worker.js', import.meta.url);
export const REMOTE_WORKER = new URL('./remote/remote-worker.js', import.meta.url);
