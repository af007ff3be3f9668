/**
 * Finds the program in the container's PATH, and becomes it. The exit status of a failure is Docker's: 127 not found,
 * 126 not executable.
 */

import { accessSync, constants, statSync } from 'node:fs';
import { ENOENT, errnoText } from '../../errno/errno.js';
import { hasCode } from '../../errno/error-code.js';
import { dup2, keepOnExec } from '../../linux/files/open.js';
import { closeOnExec, execve } from '../../linux/process/namespace.js';
import { nameFromText } from '../../vfs/name.js';
import type { EnterRequest } from './enter-request.js';
import { lastLimits } from './resource-limits.js';

export class CommandError extends Error {
  readonly status: 126 | 127;

  constructor(status: 126 | 127, message: string) {
    super(message);
    this.name = 'CommandError';
    this.status = status;
  }
}

/** @throws CommandError as the shell and Docker have it. */
export function findProgram(command: string, environment: ReadonlyMap<string, string>): string {
  if (command.includes('/')) {
    const problem = problemOf(command);
    if (problem !== undefined) throw new CommandError(statusOf(problem), `exec: "${command}": ${problem}`);
    return command;
  }
  let denied = false;
  for (const directory of (environment.get('PATH') ?? '').split(':')) {
    const path = `${directory === '' ? '.' : directory}/${command}`;
    const problem = command === '' ? NOT_FOUND : problemOf(path);
    if (problem === undefined) return path;
    denied ||= problem === NOT_PERMITTED;
  }
  if (denied) throw new CommandError(126, `exec: "${command}": ${NOT_PERMITTED}`);
  throw new CommandError(127, `exec: "${command}": executable file not found in $PATH`);
}

const NOT_FOUND = 'no such file or directory';
const NOT_PERMITTED = 'permission denied';
const IS_DIRECTORY = 'is a directory';

function problemOf(path: string): string | undefined {
  try {
    if (statSync(path).isDirectory()) return IS_DIRECTORY;
    accessSync(path, constants.X_OK);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return NOT_FOUND;
    return NOT_PERMITTED;
  }
  return undefined;
}

function statusOf(problem: string): 126 | 127 {
  return problem === NOT_FOUND ? 127 : 126;
}

/** See enter-request.ts. */
const CHANNEL_FD = 3;
/** The command's standard error; descriptor 2 is for what goes wrong before it. */
export const ERRORS_FD = 4;

/** Does not come back. @throws CommandError when the kernel refuses the file. */
export function execute(
  program: string,
  { args, terminal, runtime }: Pick<EnterRequest, 'args' | 'terminal' | 'runtime'>,
  environment: ReadonlyMap<string, string>,
): never {
  if (!terminal) dup2(ERRORS_FD, 2);
  for (const fd of [CHANNEL_FD, ERRORS_FD]) closeOnExec(fd);
  // Node makes every descriptor that it finds close-on-exec.
  for (const fd of [0, 1, 2]) keepOnExec(fd);
  process.umask(0o022);
  const result = execve(
    nameFromText(program),
    args.map(nameFromText),
    [...environment].map(([name, value]) => nameFromText(`${name}=${value}`)),
    lastLimits(runtime.ulimits ?? []),
  );
  const reason = result === -ENOENT ? 'its interpreter does not exist' : errnoText(-result);
  throw new CommandError(result === -ENOENT ? 127 : 126, `exec: "${args[0]}": ${reason}`);
}
