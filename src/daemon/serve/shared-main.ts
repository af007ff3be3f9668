/**
 * Entry of the daemon that serves all mounts of a user: takes orders over its control socket, and ends when it has had none for
 * a while. Arguments: its directory, the while in milliseconds, and where a keeper starts it `take-over` and the pid of the next keeper,
 * or `stand-by` where the daemon is not gone yet. One line on fd 3 when it listens; status 0 without one when another does.
 *
 * INVARIANT: one daemon for a directory, by flock(2) on its file `lock`.
 */

import { closeSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { missingAddon } from '../../errno/missing-addon.js';
import { oneLine } from '../../errno/printable.js';
import { dropEarlyThread, startEarlyThread } from '../session/early-thread.js';
import { closeInherited } from './inherited-descriptors.js';
import { spareFromOomKiller } from './out-of-memory.js';

const READY_FD = 3;
/** Those of keeper.ts. */
const LAST_INHERITED_FD = 6;

function log(line: string): void {
  process.stderr.write(`${new Date().toISOString()} ${oneLine(line)}\n`);
}

async function main(directory: string, restMs: number, task: string): Promise<void> {
  const isTakingOver = task === 'take-over';
  closeInherited(isTakingOver ? LAST_INHERITED_FD : READY_FD);
  spareFromOomKiller();
  startEarlyThread();
  const { lockDirectory, removeAbandoned } = await import('./shared-lock.js');
  const { inherit, isKeeperWanted, Keeper } = await import('./keeper.js');
  const { DescriptorStore } = await import('../../linux/io/descriptor-store.js');
  const inherited = isTakingOver ? inherit(Number(process.argv[5])) : undefined;
  const lockFd = inherited?.lockFd ?? lockDirectory(directory);
  if (lockFd === undefined) {
    await dropEarlyThread();
    process.exit(0);
  }
  const { SharedDaemon } = await import('./shared-daemon.js');
  process.chdir('/');
  process.umask(0);
  if (process.argv[5] === 'stand-by') {
    process.title = `plyfs keeper ${directory}`;
    const { standBy } = await import('./stand-by.js');
    await standBy(dropEarlyThread);
  }
  process.title = `plyfs daemon ${directory}`;
  const store = inherited?.store ?? DescriptorStore.create();
  const keeper = isKeeperWanted()
    ? new Keeper({ directory, restMs, log, store, lockFd, keeper: inherited?.keeper })
    : undefined;
  const daemon = new SharedDaemon(directory, { restMs, log, keeper });
  await daemon.listen();
  if (isTakingOver) daemon.takeOver();
  else {
    writeSync(READY_FD, '\n');
    closeSync(READY_FD);
  }
  removeAbandoned(dirname(directory));
}

// exit() would wait for the serving threads, which sleep in system calls: nobody would take over what they serve.
process.on('uncaughtException', (error) => {
  log(error.stack ?? String(error));
  process.kill(process.pid, 'SIGKILL');
});

main(process.argv[2] ?? '', Number(process.argv[3] ?? '0'), process.argv[4] ?? '').catch((error: unknown) => {
  log(
    missingAddon(error)?.message ?? (error instanceof Error ? (error.stack ?? error.message) : String(error)),
  );
  void dropEarlyThread().finally(() => process.exit(1));
});
