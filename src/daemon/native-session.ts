/**
 * The process that serves a mount with the engine fuse-native: builds the file system, mounts when told to, and serves
 * on its event loop. Messages as in worker-messages.ts, over the channel of fork(); without it there is no use in us.
 */

import { NativeMount } from '../engine/fuse-native/native-mount.js';
import { CAP_SYS_ADMIN, hasCapability, keepCapabilities } from '../linux/process.js';
import { displayName } from '../vfs/name.js';
import type { ServedTree } from './file-system.js';
import { hasOutsideChanges, isWhollyReadOnly, type MountConfig } from './mount-config.js';
import { answerRequest, buildOrReport, failureOf } from './session-server.js';
import type { FromWorker, ToWorker } from './worker-messages.js';

interface Serving {
  readonly served: ServedTree;
  readonly mount: NativeMount;
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
        const { served: tree, mount: made } = serving;
        answerRequest(message, { tree, counts: () => made.counts(), post });
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
  // Owner maps change this thread's fsuid, which must not cost it its capabilities: see files/caller-ids.ts.
  if (privileged) keepCapabilities();
  const served = buildOrReport(config, privileged, leaveWith);
  if (served === undefined) return undefined;
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
      onEnd: () => {
        const notOnDisk = served.keepPromise();
        made.stop();
        leaveWith({ kind: 'ended', reason: 'unmounted', notOnDisk });
      },
    });
    post({ kind: 'ready' });
    return { served, mount: made };
  } catch (error) {
    served.fs.detach();
    leaveWith(failureOf(error));
    return undefined;
  }
}

async function mount(): Promise<void> {
  try {
    await serving?.mount.start();
    post({ kind: 'initialized', features: { passthrough: false } });
  } catch (error) {
    serving?.mount.stop();
    leaveWith(failureOf(error));
  }
}
