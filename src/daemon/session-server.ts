/** What the servers of sessions have in common: they build the file system, and answer questions about it. */

import { FsError } from '../errno/fs-error.js';
import { UserError } from '../errno/user-error.js';
import { raiseFileLimit } from '../linux/process.js';
import { buildFileSystem, type ServedFileSystem } from './file-system.js';
import type { MountConfig } from './mount-config.js';
import type { FromWorker, ToWorker } from './worker-messages.js';

export type Post = (message: FromWorker) => void;

/** Says what is wrong when it cannot be built: a user's error, or a system call that failed. */
export function buildOrReport(
  config: MountConfig,
  privileged: boolean,
  post: Post,
): ServedFileSystem | undefined {
  try {
    return buildFileSystem(config, { privileged, descriptorLimit: Math.floor(raiseFileLimit() / 4) });
  } catch (error) {
    post(failureOf(error));
    return undefined;
  }
}

/** @throws what is neither a UserError nor an FsError. */
export function failureOf(error: unknown): FromWorker {
  if (error instanceof UserError) return { kind: 'failed', message: error.message, hint: error.hint };
  if (error instanceof FsError) return { kind: 'failed', message: error.message };
  throw error;
}

/** @param counts requests so far. */
export function answerRequest(
  { id, name, args }: Extract<ToWorker, { kind: 'request' }>,
  { inspect }: ServedFileSystem,
  counts: () => Record<string, number>,
): FromWorker {
  try {
    const value = name === 'stats' ? { requests: counts(), ...inspect('stats', args) } : inspect(name, args);
    return { kind: 'reply', id, value };
  } catch (error) {
    return { kind: 'reply', id, error: error instanceof Error ? error.message : String(error) };
  }
}
