/**
 * The process that becomes a container's command: started below util-linux's `unshare` (new namespaces) or `nsenter`
 * (those of a running command), it makes the root directory, takes the identity on, and ends in execve(2).
 *
 * INVARIANT: once the root is the container's, no path of the host is used any more, and what is read there (passwd,
 * group) cannot lead out.
 */

import { fchownSync, fstatSync, readdirSync, readFileSync, readlinkSync, readSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { check } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import { bringLoopbackUp } from '../../linux/loopback.js';
import { closeOnExec, resetSignals, sethostname, setNoNewPrivileges } from '../../linux/namespace.js';
import { nameFromText } from '../../vfs/name.js';
import { assertMapped, becomeUser, findUser } from './become-user.js';
import { dropCapabilities, keptNumbers } from './capabilities.js';
import { CommandError, ERRORS_FD, execute, findProgram } from './execute.js';
import { startInit } from './init.js';
import { joinMounts } from './namespace/join-mounts.js';
import { makeRoot } from './namespace/make-root.js';
import type { EnterOrder, EnterReport } from './order.js';
import { prepareNamespaces } from './prepare-namespaces.js';
import { setResourceLimits } from './resource-limits.js';
import { becomeSealed, SEAL_FLAG } from './sealed-program.js';
import { confine } from './seccomp/confine.js';
import { takeTerminal } from './terminal.js';
import { enterDirectory } from './working-directory.js';

const CHANNEL_FD = 3;

function report(record: EnterReport): void {
  writeSync(CHANNEL_FD, `${JSON.stringify(record)}\n`);
}

/** One line; the other side closes when it is gone. */
function receive(): string {
  const byte = Buffer.alloc(1);
  const bytes: number[] = [];
  while (readSync(CHANNEL_FD, byte, 0, 1, null) === 1) {
    if (byte[0] === 0x0a) return Buffer.from(bytes).toString('utf8');
    bytes.push(byte[0]!);
  }
  throw new Error('who started this command is gone');
}

function main(): void {
  // From here on a signal does to us what it would do to the command before its first instruction.
  resetSignals();
  if (process.argv.includes(SEAL_FLAG)) becomeSealed([0, 1, 2, CHANNEL_FD, ERRORS_FD]);
  const order = JSON.parse(receive()) as EnterOrder;
  // Node makes close-on-exec only what it finds first.
  for (const fd of readdirSync('/proc/self/fd')) if (Number(fd) > 2) closeOnExec(Number(fd));
  // The host's /proc knows us by our number there.
  report({ at: 'begun', pid: Number(readlinkSync('/proc/self')) });
  const lastCapability = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'latin1'));
  process.umask(0o022);
  if (order.joinPid === undefined) prepareNamespaces(order);
  const attached = order.joinPid === undefined ? makeRoot(order) : joinMounts(order.joinPid);
  if (order.joinPid === undefined && order.network === 'none') bringLoopbackUp();
  if (order.joinPid === undefined) sethostname(nameFromText(order.hostname));
  if (order.terminal) {
    takeTerminal(
      (masterFd) => {
        report({ at: 'terminal', masterFd });
        receive();
      },
      { asConsole: order.joinPid === undefined },
    );
  }
  const user = findUser(order.user, order.runtime.groupAdd);
  if (order.rootless) assertMapped(user);
  if (order.terminal) giveStreams(user.uid, [0, 1, 2]);
  else if (order.ownsStreams) giveStreams(user.uid, [0, 1, ERRORS_FD]);
  enterDirectory(order.workingDirectory, order);
  setResourceLimits(order.runtime.ulimits ?? []);
  if (!order.privileged && !order.rootless) dropCapabilities(lastCapability, order.runtime);
  // While this thread may: the user has no privilege for it.
  if (!order.privileged && order.runtime.filtersCalls !== false) confine(keptNumbers(order.runtime));
  becomeUser(user, order.rootless);
  const environment = environmentOf(order, user.home);
  const program = findProgram(order.args[0] ?? '', environment);
  report({ at: 'ready', attached });
  receive();
  if (order.runtime.noNewPrivileges) check(setNoNewPrivileges(), 'set no_new_privs');
  if (order.runtime.init && order.joinPid === undefined) startInit(program, order, environment);
  else execute(program, order, environment);
}

/** So that /dev/stdout can be opened by who the command runs as. What is not made for it (/dev/null) is left. */
function giveStreams(uid: number, fds: readonly number[]): void {
  if (uid === 0) return;
  for (const fd of fds) if (fstatSync(fd).isFIFO() || isatty(fd)) fchownSync(fd, uid, -1);
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Docker's defaults below what image and options say. */
function environmentOf(order: EnterOrder, home: string): Map<string, string> {
  const variables = new Map([
    ['PATH', DEFAULT_PATH],
    ['HOSTNAME', order.hostname],
    ...(order.terminal ? [['TERM', 'xterm'] as const] : []),
    ['HOME', home],
  ]);
  for (const entry of order.environment) {
    const equals = entry.indexOf('=');
    if (equals > 0) variables.set(entry.slice(0, equals), entry.slice(equals + 1));
  }
  if (variables.get('HOME') === '') variables.set('HOME', home);
  return variables;
}

try {
  main();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof CommandError ? error.status : 125;
  const hint = error instanceof UserError && error.hint !== undefined ? `; ${error.hint}` : '';
  report({ at: 'failed', code, message: `${message}${hint}` });
  process.exit(code);
}
