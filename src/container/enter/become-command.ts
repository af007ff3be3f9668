/**
 * What a process does that becomes a container's command. In new namespaces, or those of a running command, it makes the root
 * directory, takes the identity on, and ends in execve(2).
 *
 * INVARIANT: once the root is the container's, no path of the host is used any more, and what is read there (passwd,
 * group) cannot lead out.
 */

import { fchownSync, fstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import { check } from '../../errno/fs-error.js';
import { messageOf, reasonOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import { bringLoopbackUp } from '../../linux/process/loopback.js';
import {
  closeOnExec,
  resetSignals,
  sethostname,
  setNoNewPrivileges,
  setsid,
} from '../../linux/process/namespace.js';
import { nameFromText } from '../../vfs/name.js';
import { assertMapped, becomeUser, findUser } from './become-user.js';
import { dropCapabilities, keptNumbers } from './capabilities.js';
import { startInit } from './container-init.js';
import type { EnterReport, EnterRequest } from './enter-request.js';
import { CommandError, ERRORS_FD, execute, findProgram } from './execute.js';
import { joinMounts } from './namespace/join-mounts.js';
import { makeRoot } from './namespace/make-root.js';
import { prepareNamespaces } from './prepare-namespaces.js';
import { setResourceLimits } from './resource-limits.js';
import { confine } from './seccomp/confine.js';
import { hearStarter, tellStarter } from './starter-channel.js';
import { takeTerminal } from './take-terminal.js';
import { enterDirectory } from './working-directory.js';

function report(record: EnterReport): void {
  tellStarter(record);
}

interface Entering {
  /** Called at first, when signals act as they will on the command. */
  readonly begin: () => void;
  /** Ends the process, which could not become the command. */
  readonly end: (status: number) => never;
}

/** Does not come back, but for `--init`, which goes on as this process. */
export function becomeCommand({ begin, end }: Entering): void {
  try {
    // From here on a signal does to us what it would do to the command before its first instruction.
    resetSignals();
    begin();
    enter();
  } catch (error) {
    const message = messageOf(error);
    const code = error instanceof CommandError ? error.status : 125;
    const hint = error instanceof UserError && error.hint !== undefined ? `; ${error.hint}` : '';
    report({ at: 'failed', code, message: `${message}${hint}` });
    end(code);
  }
}

function enter(): void {
  const request = JSON.parse(hearStarter()) as EnterRequest;
  // Node makes close-on-exec only what it finds first.
  for (const fd of readdirSync('/proc/self/fd')) if (Number(fd) > 2) closeOnExec(Number(fd));
  // The host's /proc knows us by our number there.
  report({ at: 'begun', pid: Number(readlinkSync('/proc/self')) });
  const lastCapability = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'latin1'));
  process.umask(0o022);
  // While /proc is the host's, and this process may go below what it has.
  if (request.runtime.oomScoreAdj !== undefined) setOomScore(request.runtime.oomScoreAdj);
  if (request.joinPid === undefined) prepareNamespaces(request);
  const attached = request.joinPid === undefined ? makeRoot(request) : joinMounts(request.joinPid);
  if (request.joinPid === undefined && request.network === 'none') bringLoopbackUp();
  if (request.joinPid === undefined) sethostname(nameFromText(request.hostname));
  if (request.terminal) {
    takeTerminal(
      (masterFd) => {
        report({ at: 'terminal', masterFd });
        hearStarter();
      },
      { asConsole: request.joinPid === undefined },
    );
  } else {
    // Or a signal to its own group (`kill 0`) ended `unshare`, and all of the container with it.
    check(setsid(), 'setsid');
  }
  const user = findUser(request.user, request.runtime.groupAdd);
  if (request.rootless) assertMapped(user);
  if (request.terminal) giveStreams(user.uid, [0, 1, 2]);
  else if (request.ownsStreams) giveStreams(user.uid, [0, 1, ERRORS_FD]);
  enterDirectory(request.workingDirectory, request);
  setResourceLimits(request.runtime.ulimits ?? []);
  // In a user namespace too: its root could unmount what hides the host.
  if (!request.privileged) dropCapabilities(lastCapability, request.runtime);
  // While this thread may: the user has no privilege for it.
  if (!request.privileged && request.runtime.filtersCalls !== false) confine(keptNumbers(request.runtime));
  const staysAsInit = request.runtime.init === true && request.joinPid === undefined;
  becomeUser(user, { rootless: request.rootless, goesOn: staysAsInit });
  const environment = environmentOf(request, user.home);
  const program = findProgram(request.args[0] ?? '', environment);
  report({ at: 'ready', attached });
  hearStarter();
  if (request.runtime.noNewPrivileges) check(setNoNewPrivileges(), 'set no_new_privs');
  if (staysAsInit) startInit(program, request, environment);
  else execute(program, request, environment);
}

/** @throws UserError for an ordinary user who asks for less than he has. */
function setOomScore(score: number): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', String(score));
  } catch (error) {
    throw new UserError(`cannot set --oom-score-adj ${score}: ${reasonOf(error)}`);
  }
}

/** So that /dev/stdout can be opened by who the command runs as. What is not made for it (/dev/null) is left. */
function giveStreams(uid: number, fds: readonly number[]): void {
  if (uid === 0) return;
  for (const fd of fds) if (fstatSync(fd).isFIFO() || isatty(fd)) fchownSync(fd, uid, -1);
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Docker's defaults below what image and options say. */
function environmentOf(request: EnterRequest, home: string): Map<string, string> {
  const variables = new Map([
    ['PATH', DEFAULT_PATH],
    ['HOSTNAME', request.hostname],
    ...(request.terminal ? [['TERM', 'xterm'] as const] : []),
    ['HOME', home],
  ]);
  for (const entry of request.environment) {
    const equals = entry.indexOf('=');
    if (equals > 0) variables.set(entry.slice(0, equals), entry.slice(equals + 1));
  }
  if (variables.get('HOME') === '') variables.set('HOME', home);
  return variables;
}
