/**
 * The process that serves a mount with the engine fuse-native: builds the file system, mounts when told to, and serves
 * on its event loop. Messages as in worker-messages.ts, over the channel of fork(); without it there is no use in us.
 */

import { NativeMount } from '../../engine/fuse-native/native-mount.js';
import { JOB_WORKER } from '../../engine/jobs/job-slots.js';
import { adoptCode, readCode } from '../../engine/threads/kept-code.js';
import {
  CAP_SYS_ADMIN,
  hasCapability,
  keepCapabilities,
  raiseFileLimit,
} from '../../linux/process/process.js';
import { CallerIds } from '../../realfs/caller-ids.js';
import { HeldDescriptors } from '../../realfs/held-descriptors.js';
import { displayName } from '../../vfs/name.js';
import { hasOutsideChanges, isWhollyReadOnly, type MountConfig } from '../config/mount-config.js';
import { wantedDescriptors } from '../messages/descriptor-shares.js';
import type { FromWorker, ToWorker } from '../messages/worker-messages.js';
import { recentActivity } from './journal/recent-activity.js';
import { SessionJournal } from './journal/session-journal.js';
import type { ServedTree } from './served-tree.js';
import { answerRequest, buildOrReport, failureOf, type StatsArgs } from './session-server.js';

interface Serving {
  readonly served: ServedTree;
  readonly mount: NativeMount;
  readonly journal: SessionJournal;
}

let serving: Serving | undefined;

function post(message: FromWorker): void {
  process.send?.(message);
}

/** Ends when the message has gone out; the kernel then aborts what is left of the mount. */
function leaveWith(message: FromWorker): void {
  process.send?.(message, undefined, undefined, () => process.exit(0));
}

// The terminal's signals are the daemon's: it unmounts, and we see the mount go.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit(1));
process.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'config':
      serving = prepare(message.config);
      break;
    case 'mount':
      void mount();
      break;
    case 'request':
      if (serving) {
        const { served: tree } = serving;
        answerRequest(message, { tree, stats: (args) => statsOf(serving!, args), post });
      }
      break;
    case 'promiseDisk':
      serving?.served.promiseDisk();
      break;
    case 'stop':
      serving?.mount.stop();
      leaveWith({ kind: 'ended', reason: 'stopped' });
  }
});

function prepare(config: MountConfig): Serving | undefined {
  process.chdir('/');
  process.umask(0);
  process.title = `plyfs fuse-native ${displayName(config.mountpoint)}`;
  const privileged = hasCapability(CAP_SYS_ADMIN);
  // Owner maps change this thread's fsuid, which must not cost it its capabilities: see realfs/caller-ids.ts.
  if (privileged) keepCapabilities();
  const fileLimit = raiseFileLimit(wantedDescriptors());
  const callerIds = new CallerIds({ enabled: privileged });
  const parts = { privileged, fileLimit, callerIds, held: new HeldDescriptors(fileLimit) };
  const served = buildOrReport(config, parts, leaveWith);
  if (served === undefined) return undefined;
  const journal = new SessionJournal({
    placeOf: (node) => served.placeOf(node),
    tell: (failure) => post({ kind: 'failure', failure }),
  });
  try {
    const made = new NativeMount({
      fs: served.fs,
      mountpoint: config.mountpoint,
      readOnly: isWhollyReadOnly(config),
      vfsOptions: config.vfsOptions,
      fsname: config.fsname,
      allowOther: config.allowOther,
      privileged,
      changesOutside: hasOutsideChanges(config),
      log: (line) => post({ kind: 'log', line }),
      debug: config.debug,
      failed: (errno, { op, path }) => journal.failedAt(errno, op.toUpperCase(), served.placeAt(path)),
      onEnd: () => {
        const notOnDisk = served.keepPromise();
        made.stop();
        leaveWith({ kind: 'ended', reason: 'unmounted', notOnDisk });
      },
    });
    post({ kind: 'ready' });
    return { served, mount: made, journal };
  } catch (error) {
    served.fs.detach();
    leaveWith(failureOf(error));
    return undefined;
  }
}

/** Requests are not timed, and libfuse tells nobody's pid. */
function statsOf({ served, mount: made, journal }: Serving, { recent = false }: StatsArgs): object {
  const stats = { requests: made.counts(), failed: journal.counts };
  return recent ? { ...stats, recent: recentActivity(served, journal) } : stats;
}

async function mount(): Promise<void> {
  try {
    await serving?.mount.start();
    post({ kind: 'initialized', features: { passthrough: false } });
    adoptCode(readCode([JOB_WORKER]));
  } catch (error) {
    serving?.mount.stop();
    leaveWith(failureOf(error));
  }
}
