/**
 * Serving a mount from the command itself (`-f`), with the log on standard error. A service manager is told when the mount stands
 * and when it begins to go, as sd_notify(3) has it.
 */

import type { MountConfig } from '../../daemon/config/mount-config.js';
import { errnoText } from '../../errno/errno.js';
import { errorLine, say } from '../print/output.js';

/** Returns never: the process ends when the mount does. @param command what the lines of the log begin with. */
export async function serveHere(config: MountConfig, command: string): Promise<void> {
  const { newServeRequest } = await import('../../daemon/client/launch.js');
  const { serve } = await import('../../daemon/serve/serve.js');
  const { leave } = await import('../../daemon/serve/serve-outcome.js');
  const { spareFromOomKiller } = await import('../../daemon/serve/out-of-memory.js');
  const { displayName } = await import('../../vfs/name.js');
  const { ownKeeper } = await import('../../daemon/serve/own-keeper.js');
  const { request } = newServeRequest(config);
  const tell = await serviceManager(command);
  spareFromOomKiller();
  process.chdir('/');
  process.umask(0);
  const log = (line: string): void => say(`${command}: ${line}`);
  const kept = ownKeeper(request, log);
  const outcome = await serve(request, {
    log,
    isForeground: true,
    ...(kept && { keeper: kept.keeper }),
    onMounted: ({ mountpoint }) => tell(`READY=1\nSTATUS=${displayName(mountpoint)} is mounted`),
    onStopping: () => tell('STOPPING=1'),
  });
  if (outcome.error)
    process.stderr.write(
      errorLine('', outcome.error, { debug: config.debug }).replace(/^plyfs : /, `${command}: `),
    );
  kept?.[Symbol.dispose]();
  leave(outcome);
}

/** Tells the service manager that started this process, if one did: sd_notify(3). @param command what lines of the log begin with. */
export async function serviceManager(command: string): Promise<(text: string) => void> {
  const { sendNotification } = await import('../../linux/io/notify-socket.js');
  const socket = process.env.NOTIFY_SOCKET;
  return (text) => {
    const result = socket ? sendNotification(socket, text) : 0;
    if (result < 0) say(`${command}: cannot tell the service manager: ${errnoText(-result)}`);
  };
}
