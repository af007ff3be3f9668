/**
 * A keeper that is Node already (keeper.ts): the next daemon with all that it needs loaded, which waits for the death of the daemon.
 */

import { Socket } from 'node:net';

/** The pipe whose other end the daemon has. */
const WAIT_FD = 3;

/** Resolves when the daemon is gone; ends this process where the daemon says so. @param drop lets go of what was loaded. */
export async function standBy(drop: () => Promise<void>): Promise<void> {
  const pipe = new Socket({ fd: WAIT_FD, readable: true, writable: false });
  const isGone = await new Promise<boolean>((resolve) => {
    pipe.on('data', () => resolve(false));
    pipe.on('end', () => resolve(true));
    pipe.on('error', () => resolve(true));
  });
  pipe.destroy();
  if (isGone) return;
  await drop();
  process.exit(0);
}
