/** What is installed now takes over from a daemon that runs another version, or another copy of this one. */

import { fileURLToPath } from 'node:url';
import { STATE_FORM } from '../../engine/kernel/request-record.js';
import { UserError } from '../../errno/user-error.js';
import { version } from '../config/plyfs-version.js';
import { type RunningDaemon, restartDaemon } from './daemon-control.js';

const PROGRAM = fileURLToPath(new URL('../serve/shared-main.js', import.meta.url));

type Upgrade = 'is current' | 'has ended' | RunningDaemon;

/** @throws UserError where a mount would end, or when what is installed does not read what the daemon would leave to it. */
export async function upgradeDaemon(daemon: RunningDaemon): Promise<Upgrade> {
  const { program, pid } = daemon;
  if (program !== undefined && program.form > STATE_FORM)
    throw new UserError(
      `cannot upgrade process ${pid}: it runs plyfs ${program.version}, and plyfs ${version()} does not read what that leaves`,
      { hint: 'install that version, or a later one' },
    );
  if (program?.version === version() && program.path === PROGRAM) return 'is current';
  return (await restartDaemon(daemon, [process.execPath, PROGRAM])) ?? 'has ended';
}
