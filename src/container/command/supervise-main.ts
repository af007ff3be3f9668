/**
 * Entry of the process behind commands of containers: waits for them, writes their logs, serves attached clients, records their
 * ends, unmounts.
 *
 * Its first order comes over descriptor 3, from who started it. With a directory and a while in milliseconds as arguments it
 * takes orders over a socket there too, unless another does, and ends when it has had none for the while.
 *
 * INVARIANT: one process for a directory, by flock(2) on its file `lock`; one that comes too late has its first order alone.
 */

import { openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { lockDirectory, removeAbandoned } from '../../daemon/serve/shared-lock.js';
import { oneLine } from '../../errno/printable.js';
import { OrderServer } from './order-server.js';
import { carryOutOrder } from './supervise-order.js';

const CHANNEL_FD = 3;

async function main(directory: string | undefined, restMs: number): Promise<void> {
  process.chdir('/');
  // A signal goes to each command, by a listener of its own.
  process.setMaxListeners(0);
  process.title = 'plyfs supervisor';
  const channel = new Socket({ fd: CHANNEL_FD, readable: true, writable: true });
  if (directory === undefined || !lockDirectory(directory)) {
    await carryOutOrder(channel);
    return;
  }
  process.umask(0o022);
  const log = openLog(directory);
  // One container's trouble is not that of the others.
  process.on('uncaughtException', (error) => log(error.stack ?? String(error)));
  const server = new OrderServer(directory, { restMs, log });
  server.take(channel);
  await server.listen();
  removeAbandoned(dirname(directory));
}

function openLog(directory: string): (line: string) => void {
  const fd = openSync(join(directory, 'log'), 'a', 0o600);
  return (line) => {
    writeSync(fd, `${new Date().toISOString()} ${oneLine(line)}\n`);
  };
}

await main(process.argv[2], Number(process.argv[3] ?? '0'));
