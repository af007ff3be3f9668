/**
 * The supervisor of many commands: takes orders over a socket, and ends a while after the last of them.
 */

import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { removeDirectory } from '../../daemon/serve/shared-lock.js';
import { encodeFrame, FRAME } from './attach/frames.js';
import { CommandTemplate } from './command-template.js';
import { carryOutOrder } from './supervise-order.js';
import { ORDER_SOCKET } from './supervise-request.js';

interface OrderServerOptions {
  /** How long it stays without orders. */
  readonly restMs: number;
  readonly log: (line: string) => void;
}

export class OrderServer {
  readonly #directory: string;
  readonly #options: OrderServerOptions;
  #server: Server | undefined;
  #channels = 0;
  #idle: NodeJS.Timeout | undefined;
  #hasServed = false;
  readonly #template = new CommandTemplate();

  constructor(directory: string, options: OrderServerOptions) {
    this.#directory = directory;
    this.#options = options;
  }

  /** Resolves when others can give orders. */
  async listen(): Promise<void> {
    // A socket's path has 107 bytes at most, which those of a run directory may exceed.
    const directoryFd = openSync(this.#directory, constants.O_RDONLY | constants.O_DIRECTORY);
    const path = `/proc/self/fd/${directoryFd}/${ORDER_SOCKET}`;
    // Of one that was killed: the lock says that it is gone.
    rmSync(path, { force: true });
    const server = createServer((socket) => {
      this.take(socket);
      // Until this comes the other side may meet one that is about to end.
      socket.write(encodeFrame(FRAME.welcome));
    });
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
    closeSync(directoryFd);
    this.#server = server;
    this.#rest();
  }

  /** Carries out the order that comes over the channel, beside all others. */
  take(channel: Duplex): void {
    this.#channels++;
    clearTimeout(this.#idle);
    carryOutOrder(channel, this.#template)
      .then((isServed) => {
        if (isServed) this.#hasServed = true;
      })
      .catch((error: unknown) => {
        this.#options.log(error instanceof Error ? (error.stack ?? error.message) : String(error));
        channel.destroy();
      })
      .finally(() => {
        this.#channels--;
        this.#rest();
      });
  }

  #rest(): void {
    if (this.#channels > 0 || this.#server === undefined) return;
    clearTimeout(this.#idle);
    // A command that failed before it had an order needs nobody to wait for the next.
    this.#idle = setTimeout(() => this.#end(), this.#hasServed ? this.#options.restMs : 0);
  }

  #end(): void {
    if (this.#channels > 0) return;
    // Who comes now finds nobody, and starts another.
    this.#server?.close();
    this.#template[Symbol.dispose]();
    removeDirectory(this.#directory);
    process.exit();
  }
}
