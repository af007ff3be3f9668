/**
 * `--init`: this process stays the first of the namespace, starts the command, passes signals on to it, reaps what is left
 * behind, and ends as the command does.
 */

import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { ENOENT, errnoText } from '../../errno/errno.js';
import { hasCode } from '../../errno/error-code.js';
import { dup2, keepOnExec } from '../../linux/files/open.js';
import { ioctlBuffer } from '../../linux/ioctl.js';
import { reapAny, spawnProcess } from '../../linux/process/spawn.js';
import { nameFromText } from '../../vfs/name.js';
import type { EnterRequest } from './enter-request.js';
import { CommandError, ERRORS_FD } from './execute.js';
import { lastLimits } from './resource-limits.js';

const CHANNEL_FD = 3;
const TIOCSPGRP = 0x5410;
/** V8 may move the content of smaller typed arrays. */
const STABLE_BYTES = 128;

/** What no handler can be had for, or means this process itself. */
const OWN: ReadonlySet<string> = new Set([
  'SIGKILL',
  'SIGSTOP',
  'SIGCHLD',
  'SIGILL',
  'SIGTRAP',
  'SIGABRT',
  'SIGIOT',
  'SIGBUS',
  'SIGFPE',
  'SIGSEGV',
  'SIGPROF',
  'SIGTTIN',
  'SIGTTOU',
]);

/** Comes back at once; the process goes on until the command has ended. @throws CommandError when the kernel refuses it. */
export function startInit(
  program: string,
  { args, terminal, runtime }: Pick<EnterRequest, 'args' | 'terminal' | 'runtime'>,
  environment: ReadonlyMap<string, string>,
): void {
  if (!terminal) dup2(ERRORS_FD, 2);
  for (const fd of [0, 1, 2]) keepOnExec(fd);
  let command = 0;
  const reap = () => {
    for (let ended = reapAny(); ended !== undefined; ended = reapAny())
      if (ended.pid === command) process.exit(ended.status);
  };
  process.on('SIGCHLD', reap);
  for (const name of Object.keys(constants.signals) as NodeJS.Signals[])
    if (!OWN.has(name)) process.on(name, () => pass(command, name));
  command = spawnProcess(
    nameFromText(program),
    args.map(nameFromText),
    [...environment].map(([name, value]) => nameFromText(`${name}=${value}`)),
    { group: 'own', limits: lastLimits(runtime.ulimits ?? []) },
  );
  if (command < 0) {
    const reason = command === -ENOENT ? 'its interpreter does not exist' : errnoText(-command);
    throw new CommandError(command === -ENOENT ? 127 : 126, `exec: "${args[0]}": ${reason}`);
  }
  if (terminal) giveTerminal(command);
  closeSync(CHANNEL_FD);
  if (!terminal) closeSync(ERRORS_FD);
  // It may have ended before anybody listened.
  reap();
  // Handlers of signals keep no process alive.
  setInterval(reap, KEEP_ALIVE_MS);
}

const KEEP_ALIVE_MS = 60_000;

function pass(command: number, name: NodeJS.Signals): void {
  if (command <= 0) return;
  try {
    process.kill(command, name);
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}

/** The command's group has the keyboard; it may have asked for it too early, and was stopped. */
function giveTerminal(group: number): void {
  const word = Buffer.alloc(STABLE_BYTES);
  word.writeInt32LE(group, 0);
  ioctlBuffer(0, TIOCSPGRP, word);
  process.kill(-group, 'SIGCONT');
}
