/** A Node that becomes a command below util-linux's `unshare` (in new namespaces) or `nsenter` (in those of a running command). */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { hasCode } from '../../errno/error-code.js';
import { reasonOf } from '../../errno/reason.js';
import type { EnterRequest } from '../enter/enter-request.js';
import { openSealedProgram, SEAL_FLAG } from '../enter/sealed-program.js';
import { type SignalName, statusOfSignal } from '../record/signal.js';
import { StartFailure } from './start-failure.js';
import { firstLines, type StartedProcess, type StdioOfCommand } from './started-process.js';

const PROGRAM_FD = 5;

/** @param options `endsWithUs`: it is killed when this process dies, where util-linux's `setpriv` is. */
export function startWrapped(
  request: EnterRequest,
  stdio: StdioOfCommand,
  { endsWithUs }: { readonly endsWithUs: boolean },
): StartedProcess {
  const killer = endsWithUs && hasSetpriv() ? ['setpriv', '--pdeathsig', 'KILL'] : [];
  const wrapper = [...killer, ...wrapperOf(request)];
  const name = wrapper[0]!;
  const child = spawnEntering(wrapper, stdio, request.rootless ? [SEAL_FLAG] : []);
  const complaint = firstLines(child.stderr as Readable);
  return {
    name,
    channel: child.stdio[3] as Duplex,
    complaint,
    kill: () => child.kill('SIGKILL'),
    onFailure: (callback) => child.on('error', (error) => callback(wrapperFailure(name, error))),
    onEnd: (callback) =>
      child.on('exit', (code, signal) =>
        callback(() => exitStatus(code, signal, complaint()), String(signal ?? code)),
      ),
    forget: () => child.stderr?.destroy(),
  };
}

/** Its request and its reports go over descriptor 3. */
function spawnEntering(
  [program = '', ...args]: readonly string[],
  [input, output, errors]: StdioOfCommand,
  flags: readonly string[],
): ChildProcess {
  const sealed = flags.includes(SEAL_FLAG) ? undefined : openSealedProgram();
  try {
    const node = sealed === undefined ? process.execPath : `/proc/self/fd/${PROGRAM_FD}`;
    return spawn(program, [...args, node, enterScript(), ...flags], {
      // What the wrapper itself says is for us; the command finds its standard error as descriptor 4.
      stdio: [input, output, 'pipe', 'pipe', errors === 'inherit' ? 2 : errors, sealed ?? 'ignore'],
      // A session of its own: a Ctrl-C at our terminal comes to us alone, and we pass it on.
      detached: true,
      // Node would parse them all, and nothing of ours is the command's.
      env: { ...process.env, NODE_EXTRA_CA_CERTS: undefined },
    });
  } finally {
    if (sealed !== undefined) closeSync(sealed);
  }
}

/**
 * Docker's status for a signal is that of the shell. unshare(1) ends as the command did, but for SIGKILL, where that of
 * util-linux 2.38 complains about a signal that it cannot reset and ends with 1.
 */
function exitStatus(code: number | null, signal: NodeJS.Signals | null, complaint: string): number {
  if (signal !== null) return statusOfSignal(signal as SignalName);
  return code === 1 && complaint.startsWith('unshare: sig') ? statusOfSignal('SIGKILL') : (code ?? 0);
}

function wrapperFailure(program: string, error: Error): StartFailure {
  const hint = hasCode(error, 'ENOENT') ? '; install util-linux' : '';
  return new StartFailure(125, `cannot run '${program}': ${reasonOf(error)}${hint}`);
}

/** The command is the first process of a pid namespace: it ends with this wrapper, and all of its own with it. */
function wrapperOf({ joinPid, rootless, network }: EnterRequest): string[] {
  const user = rootless ? ['--user'] : [];
  const net = network === 'none' ? ['--net'] : [];
  if (joinPid === undefined) {
    const map = rootless ? ['--map-root-user'] : [];
    // Clones of shared mounts are to stay shared where that is asked for; the rest is made private right after.
    const mounts = ['--mount', '--propagation', 'unchanged'];
    return [
      'unshare',
      ...user,
      ...map,
      ...mounts,
      ...net,
      '--pid',
      '--uts',
      '--ipc',
      '--fork',
      '--kill-child=KILL',
    ];
  }
  const keep = rootless ? ['--preserve-credentials'] : [];
  return ['nsenter', '--target', String(joinPid), ...user, ...keep, '--pid', '--uts', '--ipc', ...net, '--'];
}

/** Some distributions have it as a package of its own. */
function hasSetpriv(): boolean {
  return (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, 'setpriv')));
}

function enterScript(): string {
  return fileURLToPath(new URL('../enter/enter-main.js', import.meta.url));
}
