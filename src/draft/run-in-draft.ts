/**
 * Runs a command on the host's tree with all that it writes in a draft, and waits for its end.
 *
 * The command has a mount namespace of its own; without privileges a user namespace too, in which its user is who he was. All
 * else (network, processes, terminal, limits) is the caller's.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { StartFailure } from '../container/command/start-failure.js';
import { FORWARDED, send, statusOfSignal } from '../container/record/signal.js';
import { splitLines } from '../daemon/messages/lines.js';
import { hasCode } from '../errno/error-code.js';
import { check } from '../errno/fs-error.js';
import { reasonOf } from '../errno/reason.js';
import { MS_REC, MS_SLAVE } from '../linux/constants.js';
import { mount } from '../linux/mounts/mount.js';
import { CAP_SYS_ADMIN, hasCapability, unshareMounts } from '../linux/process/process.js';
import type { Store } from '../store/store.js';
import { type Name, nameFromText } from '../vfs/name.js';
import type { DraftEnterReport, DraftEnterRequest } from './enter/draft-enter-request.js';
import { cacheDirectories } from './mount/cache-directories.js';
import { hideAreas, hideLeftAreas, type MountedDraft, mountDraft, untilUnused } from './mount/mount-areas.js';
import { type DraftRecord, lockDraft, readDraft, writeDraft } from './record/draft-record.js';

interface DraftCommand {
  readonly args: readonly string[];
  /** Absolute. */
  readonly workingDirectory: string;
}

interface DraftOutcome {
  /** 128 + N where signal N ended it. */
  readonly status: number;
  /** Processes that it has left behind still have the draft. */
  readonly isStillUsed: boolean;
}

const LETS_GO_MS = 5_000;
const LINE_LIMIT = 64 * 1024;

/** @throws UserError when it cannot be mounted, StartFailure when the command cannot be run. */
export async function runInDraft(
  store: Store,
  { name }: Pick<DraftRecord, 'name'>,
  command: DraftCommand,
): Promise<DraftOutcome> {
  using _lock = lockDraft(store, { name });
  const record = readDraft(store, name);
  if (record === undefined) throw new Error(`draft '${name}' has lost its record`);
  if (hasCapability(CAP_SYS_ADMIN)) leaveHostMounts();
  await hideLeftAreas(store, record);
  using entering = new EnteringProcess();
  const mounted = await mountDraft(store, record);
  let isShown = true;
  const hide = async (): Promise<void> => {
    if (isShown) await hideAreas(mounted.merged);
    isShown = false;
  };
  try {
    const status = await runCommand(entering, requestOf(mounted, command), hide);
    writeDraft(store, { ...mounted.record, lastCommand: command.args, lastStatus: status });
    return { status, isStillUsed: !(await untilUnused(mounted.states, LETS_GO_MS)) };
  } finally {
    await hide();
  }
}

/**
 * The draft's mounts never show on the host: any other namespace made meanwhile would have a copy of them, and keep the draft in
 * use. What the host unmounts goes here too. Without privileges the daemon has to mount where fusermount3 does.
 */
function leaveHostMounts(): void {
  check(unshareMounts(), 'unshare');
  check(mount('', '/', '', MS_REC | MS_SLAVE, ''), 'make slave', '/');
}

function requestOf(mounted: MountedDraft, { args, workingDirectory }: DraftCommand): DraftEnterRequest {
  const isWhole = mounted.mounts.some(({ path }) => path === '/');
  const own = mounted.hidden.map((path) => ({ path, mode: 0o700 }));
  return {
    mounts: mounted.mounts,
    emptied: isWhole ? own : [...own, ...TEMPORARY.filter(({ path }) => isDirectory(path))],
    caches: isWhole
      ? []
      : cacheDirectories(
          process.env,
          mounted.mounts.map(({ path }) => path),
        ),
    assembly: mounted.merged[0] ?? '/',
    workingDirectory: nameFromText(workingDirectory),
    args,
    isUserNamespace: !hasCapability(CAP_SYS_ADMIN),
  };
}

/** Where the rest of the tree is read-only, programs still need these. */
const TEMPORARY: readonly { readonly path: Name; readonly mode: number }[] = [
  { path: '/tmp', mode: 0o1777 },
  { path: '/var/tmp', mode: 0o1777 },
];

function isDirectory(path: string): boolean {
  try {
    accessSync(`${path}/.`, constants.F_OK);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return false;
    throw error;
  }
}

interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly failure: StartFailure | undefined;
}

/** What becomes the command. Node begins in it while the draft is mounted, so it takes a copy of our mounts when it has its request. */
class EnteringProcess implements Disposable {
  readonly child: ChildProcess;
  /** How it has ended, with why it has not even begun. */
  readonly end: Promise<ProcessEnd>;

  constructor() {
    const script = fileURLToPath(new URL('./enter/draft-enter-main.js', import.meta.url));
    const user = ['unshare', '--user', '--map-current-user', '--keep-caps', '--'];
    const [program = '', ...args] = [...(hasCapability(CAP_SYS_ADMIN) ? [] : user), process.execPath, script];
    this.child = spawn(program, args, { stdio: ['inherit', 'inherit', 'inherit', 'pipe'] });
    let failure: StartFailure | undefined;
    this.child.on('error', (error) => {
      const hint = hasCode(error, 'ENOENT') ? '; install util-linux' : '';
      failure = new StartFailure(125, `cannot run '${program}': ${reasonOf(error)}${hint}`);
    });
    this.end = new Promise((resolve) => {
      this.child.on('close', (code, signal) => resolve({ code, signal, failure }));
    });
    // The process has ended; its exit says how.
    this.child.stdio[3]?.on('error', () => undefined);
  }

  /** It ends, unless it has become the command, and that has ended. */
  [Symbol.dispose](): void {
    this.child.kill('SIGKILL');
  }
}

/** @param onReady before the command's first instruction; its namespace has all that it needs. */
function runCommand(
  { child, end }: EnteringProcess,
  request: DraftEnterRequest,
  onReady: () => Promise<void>,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const forwarding = forwardSignals(() => child.pid);
    const channel = child.stdio[3] as Duplex;
    let failure: StartFailure | undefined;
    let hasBegun = false;
    channel.setEncoding('utf8');
    channel.on(
      'data',
      splitLines(LINE_LIMIT, (line) => {
        if (line === undefined) return;
        const report = JSON.parse(line) as DraftEnterReport;
        if (report.at === 'failed') {
          failure = new StartFailure(report.code, report.message);
          return;
        }
        hasBegun = true;
        onReady().then(
          () => channel.write('\n'),
          (error: unknown) => {
            child.kill('SIGKILL');
            reject(error as Error);
          },
        );
      }),
    );
    channel.write(`${JSON.stringify(request)}\n`);
    void end.then(({ code, signal, failure: notBegun }) => {
      forwarding[Symbol.dispose]();
      const why = failure ?? notBegun;
      if (why !== undefined) reject(why);
      else if (signal !== null) resolve(statusOfSignal(signal));
      else if (hasBegun) resolve(code ?? 0);
      else reject(new StartFailure(125, `cannot enter the draft: its process ended with ${code}`));
    });
  });
}

/** A terminal gives its signals to the command itself, which is in our process group. */
function forwardSignals(pidOf: () => number | undefined): Disposable {
  const fromTerminal = process.stdin.isTTY ? ['SIGINT', 'SIGQUIT', 'SIGWINCH'] : [];
  const listeners = FORWARDED.filter((name) => name !== 'SIGCONT').map((name) => {
    const listener = (): void => {
      const pid = pidOf();
      if (pid !== undefined && !fromTerminal.includes(name)) send(pid, name);
    };
    process.on(name, listener);
    return [name, listener] as const;
  });
  return {
    [Symbol.dispose]: () => {
      for (const [name, listener] of listeners) process.off(name, listener);
    },
  };
}
