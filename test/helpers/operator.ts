/**
 * The operator: the child process that touches a mount on behalf of a test, one system call after the other.
 *
 * A mount that hangs then hangs this process, which the test kills; the test runner itself never waits on it. It ends
 * when its channel closes. Paths and results are described in `operations/`.
 */

import { type Operations, operations } from './operations/all-operations.js';
import { setRoot } from './operations/path.js';
import { type Reply, type Request, SABOTAGE } from './operator-protocol.js';

const lost = new Set((process.env[SABOTAGE] ?? '').split(',').filter((name) => name !== ''));

function execute(request: Request): Reply {
  const { id, operation, args } = request;
  if (lost.has(operation)) return { id, result: undefined };
  setRoot(request.root);
  const run = operations[operation] as (
    ...args: readonly unknown[]
  ) => ReturnType<Operations[typeof operation]>;
  try {
    return { id, result: run(...args) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { id, code: code ?? 'UNKNOWN', message };
  }
}

process.umask(0o022);
process.chdir('/');
process.on('message', (request: Request) => {
  process.send?.(execute(request));
});
process.on('disconnect', () => process.exit(0));
