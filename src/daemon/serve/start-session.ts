/** Starts the session of a mount, and has the operations that fail in it told: in the log, and by `plyfs events`. */

import { join } from 'node:path';
import { oneLine } from '../../errno/printable.js';
import { noteEvent } from '../../store/event-log.js';
import { displayName } from '../../vfs/name.js';
import type { MountConfig } from '../config/mount-config.js';
import type { FailedOperation } from '../messages/activity-report.js';
import { startSessionThread } from '../session/serving-threads.js';
import { MountSession } from '../session/session.js';
import { startSessionProcess } from '../session/session-process.js';

type Log = (line: string) => void;

/** @param config as the session is to serve it. */
export function startSession(config: MountConfig, log: Log): MountSession {
  const start = config.engine === 'fuse-native' ? startSessionProcess : startSessionThread;
  const session = new MountSession(config, log, start);
  session.onFailure = (failure) => {
    log(failureLine(failure));
    noteFailure(config, failure);
  };
  return session;
}

function failureLine({ operation, error, path, cause, pid, process, count }: FailedOperation): string {
  const who = process === '' ? `pid ${pid}` : `${process} (pid ${pid})`;
  const times = count > 1 ? `, ${count} times so far` : '';
  return oneLine(`${operation} '${path}' by ${who}: ${error}: ${cause}${times}`);
}

function noteFailure({ events, mountpoint }: MountConfig, failure: FailedOperation): void {
  if (events === undefined) return;
  const { root, container } = events;
  const { timeMs: _, pid, count, ...texts } = failure;
  const place = displayName(mountpoint);
  noteEvent(
    { root, path: (...parts) => join(root, ...parts) },
    {
      ...(container === undefined ? { type: 'mount', id: place } : { type: 'container', id: container.id }),
      action: 'fail',
      attributes: {
        ...(container?.attributes ?? { name: place }),
        ...texts,
        pid: String(pid),
        count: String(count),
      },
    },
  );
}
