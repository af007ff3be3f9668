/** A proxy snapshotter for containerd, from the socket to the last answer. */

import { logVerbosity, type Server, ServerCredentials, setLogVerbosity } from '@grpc/grpc-js';
import { messageOf } from '../../errno/reason.js';
import type { Store } from '../../store/store.js';
import { type ServeOptions, type SocketServer, serveAtSocket } from '../socket/serve-at-socket.js';
import { SnapshotStore } from './snapshot-store.js';
import { snapshotsServer } from './snapshots-server.js';
import { Snapshotter } from './snapshotter.js';

/** Resolves when it has ended. What is mounted stays mounted. @throws UserError when it cannot listen. */
export async function serveContainerd(store: Store, options: ServeOptions): Promise<void> {
  const { log } = options;
  // It says what went wrong on standard error by itself, too.
  setLogVerbosity(logVerbosity.NONE);
  let snapshotter: Snapshotter | undefined;
  const onReady = (): void => {
    options.onReady();
    // Calls on other snapshots are answered meanwhile.
    snapshotter?.adopt().catch((error: unknown) => log(`cannot mount all that stood: ${messageOf(error)}`));
  };
  await serveAtSocket(store, 'containerd', { ...options, onReady }, () => {
    snapshotter = new Snapshotter(new SnapshotStore(store.root, log), log);
    return overGrpc(snapshotsServer(snapshotter, log));
  });
}

/** Only root may tell a snapshotter what to mount: the socket is private. */
function overGrpc(server: Server): SocketServer {
  return {
    listen: (path) =>
      new Promise((resolve, reject) =>
        server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) =>
          error === null ? resolve() : reject(error),
        ),
      ),
    close: () => new Promise((resolve) => server.tryShutdown(() => resolve())),
    abort: () => server.forceShutdown(),
  };
}
