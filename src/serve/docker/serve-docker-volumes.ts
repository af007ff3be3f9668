/** A volume driver for Docker, from the socket to the last answer. */

import type { Server } from 'node:http';
import type { Store } from '../../store/store.js';
import { type ServeOptions, type SocketServer, serveAtSocket } from '../socket/serve-at-socket.js';
import { VolumeDriver } from './volume-driver.js';
import { volumePlugin } from './volume-plugin.js';

/** Resolves when it has ended. What Docker's containers have stays mounted. @throws UserError when it cannot listen. */
export async function serveDockerVolumes(store: Store, options: ServeOptions): Promise<void> {
  const { log } = options;
  await serveAtSocket(store, 'docker-volumes', options, async () => {
    const driver = new VolumeDriver(store, log);
    await driver.adopt();
    return overHttp(volumePlugin(driver, log));
  });
}

/** Listens on a private socket: a process that may mount volumes may read them. */
function overHttp(server: Server): SocketServer {
  return {
    listen: (path) =>
      new Promise((resolve, reject) => {
        server.once('error', reject).listen(path, () => {
          server.off('error', reject);
          resolve();
        });
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
    abort: () => server.closeAllConnections(),
  };
}
