/**
 * The process that becomes a command in a draft where its user has no privileges: started below util-linux's `unshare`, in a user
 * namespace, it puts the tree together (draft-tree.ts) and ends in execve(2). Until it has its request it shares the mounts of who
 * started it, where the draft appears meanwhile; its other threads stay there until execve(2) ends them.
 */

import { readdirSync } from 'node:fs';
import { CommandError, findProgram } from '../../container/enter/execute.js';
import { hearStarter, tellStarter } from '../../container/enter/starter-channel.js';
import { check } from '../../errno/fs-error.js';
import { messageOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import { keepOnExec } from '../../linux/files/open.js';
import { closeOnExec, dropAmbientCapabilities, execve, resetSignals } from '../../linux/process/namespace.js';
import { nameFromText } from '../../vfs/name.js';
import type { DraftEnterReport, DraftEnterRequest } from './draft-enter-request.js';
import { enterTree, leaveHostMounts } from './draft-tree.js';
import { environmentOf, notStarted } from './start-in-tree.js';

function report(record: DraftEnterReport): void {
  tellStarter(record);
}

function main(): void {
  resetSignals();
  const request = JSON.parse(hearStarter()) as DraftEnterRequest;
  leaveHostMounts();
  for (const fd of readdirSync('/proc/self/fd')) if (Number(fd) > 2) closeOnExec(Number(fd));
  enterTree(request);
  if (request.isUserNamespace) check(dropAmbientCapabilities(), 'prctl', 'ambient capabilities');
  const [command = ''] = request.args;
  const environment = environmentOf({ ...process.env, ...request.variables });
  const program = findProgram(command, environment);
  report({ at: 'ready' });
  hearStarter();
  for (const fd of [0, 1, 2]) keepOnExec(fd);
  const variables = [...environment].map(([name, value]) => nameFromText(`${name}=${value}`));
  throw notStarted(execve(nameFromText(program), request.args.map(nameFromText), variables), command);
}

try {
  main();
} catch (error) {
  const code = error instanceof CommandError ? error.status : 125;
  const hint = error instanceof UserError && error.hint !== undefined ? `; ${error.hint}` : '';
  report({ at: 'failed', code, message: `${messageOf(error)}${hint}` });
  process.exit(code);
}
