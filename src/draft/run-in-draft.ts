/**
 * Runs a command on the host's tree with all that it writes in a draft, and waits for its end.
 *
 * The command has a mount namespace of its own; without privileges a user namespace too, in which its user is who he was. All
 * else (network, processes, terminal, limits) is the caller's.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import type { Duplex } from 'node:stream';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';
import { whenReaped } from '../container/command/reaped-children.js';
import { StartFailure } from '../container/command/start-failure.js';
import { CommandError } from '../container/enter/execute.js';
import { FORWARDED, send, statusOfSignal } from '../container/record/signal.js';
import { splitLines } from '../daemon/messages/lines.js';
import type { RunState } from '../daemon/run-directory/run-state.js';
import { hasCode } from '../errno/error-code.js';
import { reasonOf } from '../errno/reason.js';
import { CAP_SYS_ADMIN, hasCapability } from '../linux/process/process.js';
import type { Store } from '../store/store.js';
import { type Name, nameFromText } from '../vfs/name.js';
import type { DraftEnterReport, DraftEnterRequest } from './enter/draft-enter-request.js';
import { leaveHostMounts } from './enter/draft-tree.js';
import { cacheDirectories, cacheVariables } from './mount/cache-directories.js';
import {
  hideAreas,
  hideLeftAreas,
  type MountedDraft,
  mountNowhere,
  mountShown,
  OutdatedPlan,
  type PlannedDraft,
  planDraft,
  untilUnused,
} from './mount/mount-areas.js';
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
/** Where somebody mounts and unmounts all the time. */
const MOST_PLANS = 10;

/** @throws UserError when it cannot be mounted, StartFailure when the command cannot be run. */
export async function runInDraft(
  store: Store,
  { name }: Pick<DraftRecord, 'name'>,
  command: DraftCommand,
): Promise<DraftOutcome> {
  using _lock = lockDraft(store, { name });
  const record = readDraft(store, name);
  if (record === undefined) throw new Error(`draft '${name}' has lost its record`);
  await hideLeftAreas(store, record);
  const { plan, end } = await runPlanned(store, record, command);
  const { status, states } = end;
  writeDraft(store, { ...plan.record, lastCommand: command.args, lastStatus: status });
  return { status, isStillUsed: !(await untilUnused(states, LETS_GO_MS)) };
}

async function runPlanned(
  store: Store,
  record: DraftRecord,
  command: DraftCommand,
): Promise<{ readonly plan: PlannedDraft; readonly end: CommandEnd }> {
  let plan = planDraft(store, record);
  for (let attempt = 1; ; attempt++) {
    try {
      return { plan, end: (await runUnseen(plan, command)) ?? (await runInShown(plan, command)) };
    } catch (error) {
      if (!(error instanceof OutdatedPlan) || attempt === MOST_PLANS) throw error;
      plan = planDraft(store, plan.record);
    }
  }
}

interface CommandEnd {
  readonly status: number;
  readonly states: readonly RunState[];
}

/** The command is started in mounts that no path leads to. @returns undefined where there can be none. */
async function runUnseen(plan: PlannedDraft, command: DraftCommand): Promise<CommandEnd | undefined> {
  const mounted = await mountNowhere(plan);
  if (mounted === undefined) return undefined;
  let pid: number | undefined;
  // A signal that comes while the command is started is heard afterwards.
  using _forwarding = forwardSignals(() => pid);
  const started = await start(requestOf(plan, mounted, command));
  pid = started;
  const status = await new Promise<number>((resolve) => whenReaped(started, resolve));
  return { status, states: mounted.states };
}

async function start(request: DraftEnterRequest): Promise<number> {
  const { startInTree } = await import('./enter/start-in-tree.js');
  try {
    return startInTree(request);
  } catch (error) {
    if (error instanceof CommandError) throw new StartFailure(error.status, error.message);
    throw error;
  }
}

/**
 * The same in mounts that show for a moment: where this process has left the host's mounts, since any other namespace made meanwhile
 * would have a copy of them, and keep the draft in use. Without privileges the daemon has to mount where fusermount3 does.
 */
async function runInShown(plan: PlannedDraft, command: DraftCommand): Promise<CommandEnd> {
  if (hasCapability(CAP_SYS_ADMIN)) leaveHostMounts();
  using entering = new EnteringProcess();
  const mounted = await mountShown(plan);
  let isShown = true;
  const hide = async (): Promise<void> => {
    if (isShown) await hideAreas(mounted.merged);
    isShown = false;
  };
  try {
    const status = await runCommand(entering, requestOf(plan, mounted, command), hide);
    return { status, states: mounted.states };
  } finally {
    await hide();
  }
}

function requestOf(
  { hidden, configs }: PlannedDraft,
  mounted: MountedDraft,
  { args, workingDirectory }: DraftCommand,
): DraftEnterRequest {
  const isWhole = mounted.mounts.some(({ path }) => path === '/');
  const own = hidden.map((path) => ({ path, mode: 0o700 }));
  const temporary = isWhole ? [] : TEMPORARY.filter(({ path }) => isDirectory(path));
  const covered = mounted.mounts.map(({ path }) => path);
  const [memory] = temporary.filter(({ path }) => !covered.includes(path));
  return {
    mounts: mounted.mounts,
    emptied: [...own, ...temporary],
    caches: isWhole ? [] : cacheDirectories(process.env, covered),
    variables: memory === undefined ? {} : cacheVariables(process.env, covered, memory.path),
    assembly: [...configs.values()][0]?.mountpoint ?? '/',
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
  // Not by process.stdin, which would make a pipe that the command reads non-blocking.
  const fromTerminal = isatty(0) ? ['SIGINT', 'SIGQUIT', 'SIGWINCH'] : [];
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
