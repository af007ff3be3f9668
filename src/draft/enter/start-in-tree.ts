/**
 * Starts a command in the tree of a draft from this process: its main thread goes there, starts the command and comes back, all in one
 * go. The other threads, and with them what Node does in the background, stay where they are.
 */

import { readdirSync } from 'node:fs';
import { CommandError, findProgram } from '../../container/enter/execute.js';
import { ENOENT, errnoText } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import { AT_FDCWD, O_DIRECTORY, O_PATH, O_RDONLY } from '../../linux/constants.js';
import { close, keepOnExec, makeBlocking, openat } from '../../linux/files/open.js';
import { chroot, closeOnExec, fchdir, setns } from '../../linux/process/namespace.js';
import { spawnProcess } from '../../linux/process/spawn.js';
import { nameFromText } from '../../vfs/name.js';
import type { DraftEnterRequest } from './draft-enter-request.js';
import { enterTree, leaveHostMounts } from './draft-tree.js';

/** PRECONDITION: CAP_SYS_ADMIN; this is the main thread. @returns the pid of the command. @throws CommandError, FsError, UserError */
export function startInTree(request: DraftEnterRequest): number {
  for (const fd of readdirSync('/proc/self/fd')) if (Number(fd) > 2) closeOnExec(Number(fd));
  for (const fd of [0, 1, 2]) {
    keepOnExec(fd);
    makeBlocking(fd);
  }
  using _here = new Whereabouts();
  leaveHostMounts();
  enterTree(request);
  const [command = ''] = request.args;
  const environment = environmentOf({ ...process.env, ...request.variables });
  const program = nameFromText(findProgram(command, environment));
  const variables = [...environment].map(([name, value]) => nameFromText(`${name}=${value}`));
  const pid = spawnProcess(program, request.args.map(nameFromText), variables, { group: 'same' });
  if (pid < 0) throw notStarted(pid, command);
  return pid;
}

export function environmentOf(environment: NodeJS.ProcessEnv): ReadonlyMap<string, string> {
  const known = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return new Map(known);
}

/** @param result the negated errno of an execve(2) of a file that may be executed. */
export function notStarted(result: number, command: string): CommandError {
  const reason = result === -ENOENT ? 'its interpreter does not exist' : errnoText(-result);
  return new CommandError(result === -ENOENT ? 127 : 126, `exec: "${command}": ${reason}`);
}

/** Where this thread was when it was made: it comes back there. */
class Whereabouts implements Disposable {
  readonly #namespace = held('/proc/thread-self/ns/mnt', O_RDONLY);
  readonly #root = held('/', O_PATH | O_DIRECTORY);
  readonly #directory = held('.', O_PATH | O_DIRECTORY);

  [Symbol.dispose](): void {
    // The root becomes the namespace's, which need not be what it was.
    check(setns(this.#namespace), 'setns');
    check(fchdir(this.#root), 'chdir', '/');
    check(chroot('.'), 'chroot', '/');
    check(fchdir(this.#directory), 'chdir', '.');
    for (const fd of [this.#namespace, this.#root, this.#directory]) close(fd);
  }
}

function held(path: string, flags: number): number {
  return check(openat(AT_FDCWD, path, flags), 'open', path);
}
