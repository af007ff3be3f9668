/**
 * The run directory: what other processes may know of the mounts that are being served.
 *
 * `<root>/mounts/<id>/` holds state.json, control.sock and log, which stays a while as `<root>/logs/<id>.log`. It may vanish with the host; nothing durable is here.
 * A state belongs to a process identified by pid and start time (field 22 of /proc/PID/stat, clock ticks since boot),
 * so a reused pid is not mistaken for a daemon. States of dead daemons are removed when they are met and nothing is
 * mounted there any more.
 */

import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { hasCode, isSystemError } from '../../errno/error-code.js';
import { reasonOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import { makeDirectories } from '../../linux/files/make-directories.js';
import { type MountEntry, readMountinfo } from '../../linux/mounts/mountinfo.js';
import { isRootsOwn, outerUid } from '../../linux/process/user-namespace.js';
import { FS_TYPE } from '../../mounts/kinds/fs-type.js';
import { displayName, type Name } from '../../vfs/name.js';
import { randomHex } from '../../vfs/random-hex.js';
import type { ResolvedMount, ServeRequest, VolumeId } from '../config/mount-config.js';
import { isOwnDirectory, problemOfDirectory, readOwnFile } from './own-directory.js';

interface MountSummary {
  readonly type: string;
  /** Text, as typed. */
  readonly target: string;
  readonly source: string;
  readonly readOnly: boolean;
  /** The volume that is mounted; text. */
  readonly volume?: VolumeId;
}

export interface RunState {
  /** 12 hex digits. */
  readonly id: string;
  readonly pid: number;
  readonly startTicks: number;
  readonly mountpoint: Name;
  /** The kernel's id of the mount; absent until it is mounted. */
  readonly mountId?: number;
  /** Mounted by mount(2) and not by fusermount3. */
  readonly privileged: boolean;
  readonly layers: readonly Name[];
  readonly upper?: Name;
  readonly work?: Name;
  readonly mounts: readonly MountSummary[];
  readonly engine: string;
  readonly readOnly: boolean;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  /** Just mounted: nobody could take it over yet, and it does not answer without this process. */
  readonly isStarting?: boolean;
  /** The mount is gone for all; the process will end by itself. */
  readonly isEnding?: boolean;
  /** The process serves other mounts too, and lives on when this one is gone. */
  readonly isShared?: boolean;
  /** The process is the command that somebody has started. */
  readonly isForeground?: boolean;
  /** Why the mount would not outlive the process; absent where it would. */
  readonly endsBecause?: string;
  /** The process that becomes the next daemon of the mount when this one dies: it then has this pid. */
  readonly keeper?: { readonly pid: number; readonly startTicks: number };
}

/** The state of a mount that this process serves. */
export function runStateOf(
  order: ServeRequest,
  now: {
    readonly privileged: boolean;
    readonly mountId: number | undefined;
    readonly mounts: readonly ResolvedMount[];
    readonly createdAt: string;
    readonly isShared: boolean;
    readonly isForeground: boolean;
    readonly endsBecause?: string | undefined;
    readonly keeperPid?: number | undefined;
  },
): RunState {
  const { config, id } = order;
  const { privileged, mountId, mounts, createdAt, isShared, isForeground, endsBecause, keeperPid } = now;
  return {
    id,
    pid: process.pid,
    startTicks: processStartTicks(process.pid) ?? 0,
    mountpoint: config.mountpoint,
    ...(mountId === undefined ? {} : { mountId }),
    privileged,
    layers: config.layers,
    ...(config.upper === undefined ? {} : { upper: config.upper }),
    ...(config.work === undefined ? {} : { work: config.work }),
    mounts: mounts.map(({ request, hostPath, volume }) => ({
      type: request.type,
      target: request.target,
      source: hostPath === undefined ? '' : displayName(hostPath),
      readOnly: request.readOnly,
      ...(volume === undefined ? {} : { volume }),
    })),
    engine: config.engine,
    readOnly: config.readOnly || config.upper === undefined,
    createdAt,
    ...(isShared ? { isShared } : {}),
    ...(isForeground ? { isForeground } : {}),
    ...(endsBecause === undefined ? {} : { endsBecause }),
    ...(keeperPid === undefined
      ? {}
      : { keeper: { pid: keeperPid, startTicks: processStartTicks(keeperPid) ?? 0 } }),
  };
}

/**
 * The directory for the run states of this user: $PLYFS_RUN_DIR, /run/plyfs for root, $XDG_RUNTIME_DIR/plyfs, else
 * /tmp/plyfs-UID. Not made here. A user who is root in a namespace of his own (`unshare -Ur`) has that of the user.
 */
export function runRoot(env: NodeJS.ProcessEnv = process.env, uid = process.geteuid?.() ?? 0): string {
  if (env.PLYFS_RUN_DIR) return env.PLYFS_RUN_DIR;
  if (uid === 0 && isRootsOwn('/run')) return '/run/plyfs';
  if (env.XDG_RUNTIME_DIR?.startsWith('/')) return join(env.XDG_RUNTIME_DIR, 'plyfs');
  return `/tmp/plyfs-${outerUid(readFileSync('/proc/self/uid_map', 'latin1'), uid)}`;
}

const HINT = 'set PLYFS_RUN_DIR to a directory of your own';

/**
 * The directory of all mounts below a root.
 * @returns undefined when it does not exist.
 * @throws UserError when the root, or it, is a link, is no directory or belongs to somebody else.
 */
function mountsDirectory(root: string): string | undefined {
  const mounts = join(root, 'mounts');
  for (const path of [root, mounts]) {
    const problem = problemOfDirectory(path);
    if (problem === 'it does not exist') return undefined;
    if (problem !== undefined)
      throw new UserError(`cannot use the run directory '${path}': ${problem}`, { hint: HINT });
  }
  return mounts;
}

/** The same, made where it is missing. @throws UserError */
export function makeMountsDirectory(root: string): string {
  const mounts = join(root, 'mounts');
  try {
    makeDirectories(root, 0o700);
    // The root first: what is below one that another can write is his.
    mountsDirectory(root);
    makeDirectories(mounts, 0o700);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(`cannot make the run directory '${mounts}': ${reasonOf(cause)}`, {
      hint: HINT,
      cause,
    });
  }
  return mountsDirectory(root)!;
}

export function newRunId(): string {
  return randomHex(6);
}

export function runDirectory(root: string, id: string): string {
  return join(root, 'mounts', id);
}

/** The directory of the daemon that takes over a mount which has a process of its own. */
export function daemonOfMount(root: string, id: string): string {
  return join(root, 'daemons', id);
}

/**
 * Makes the directory of one mount, readable by this user alone.
 * @throws UserError when the root cannot be made or belongs to someone else (a trap laid in /tmp).
 */
export function createRunDirectory(root: string, id: string): string {
  makeMountsDirectory(root);
  const directory = runDirectory(root, id);
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (cause) {
    throw new UserError(`cannot make the run directory '${directory}': ${reasonOf(cause)}`, {
      hint: 'set PLYFS_RUN_DIR to a directory of your own',
      cause,
    });
  }
  return directory;
}

/** Writes state.json as a whole: a reader sees the old state or the new one. @throws UserError */
export function writeRunState(directory: string, state: RunState): void {
  writeRunFile(directory, 'state.json', `${JSON.stringify(state, null, 2)}\n`);
}

/** As `writeRunState()`, where the mount goes on without: why it could not be written is logged. */
export function tellRunState(directory: string, state: RunState, log: (line: string) => void): void {
  try {
    writeRunState(directory, state);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    log(error.message);
  }
}

/** Writes another file of the run directory as a whole. @throws UserError */
export function writeRunFile(directory: string, name: string, text: string): void {
  const temporary = join(directory, `${name}.new`);
  try {
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, join(directory, name));
  } catch (error) {
    throw new UserError(`cannot write the state of the mount to '${directory}': ${reasonOf(error)}`, {
      hint: 'make room there, or set PLYFS_RUN_DIR to another directory',
      cause: error,
    });
  }
}

export function removeRunDirectory(directory: string): void {
  keepLog(directory);
  rmSync(directory, { recursive: true, force: true });
}

/** Logs of mounts that are gone, and how many of them. */
const LOGS = 'logs';
const MOST_LOGS = 20;

/** What a daemon has said outlives its mount for a while: `logs/ID.log` of the run root, the newest of them. */
function keepLog(directory: string): void {
  const log = join(directory, 'log');
  if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) === 0) return;
  const logs = join(dirname(dirname(directory)), LOGS);
  try {
    makeDirectories(logs, 0o700);
    renameSync(log, join(logs, `${basename(directory)}.log`));
    const times = readdirSync(logs).map((name) => ({ name, ms: statSync(join(logs, name)).mtimeMs }));
    const old = times.sort((a, b) => b.ms - a.ms).slice(MOST_LOGS);
    for (const { name } of old) rmSync(join(logs, name), { force: true });
  } catch (error) {
    // Another command was quicker, or the disk is full: the log is no reason to fail.
    if (!isSystemError(error)) throw error;
  }
}

/**
 * Every live mount of this run root, oldest first. Directories of dead daemons are removed on the way, unless their mount
 * still stands: then `deadStates()` tells of it.
 */
export function listRunStates(root: string): RunState[] {
  const states: RunState[] = [];
  for (const id of idsIn(root)) {
    const directory = runDirectory(root, id);
    if (!isOwnDirectory(directory)) continue;
    const state = readRunState(directory);
    if (state && isAlive(state)) states.push(state);
    else if (state ? !isMounted(state) : isAbandoned(directory)) removeRunDirectory(directory);
  }
  return states.sort((a, b) => a.createdAt.localeCompare(b.createdAt));
}

/** The mounts of this run root that stand though their daemon is dead. */
export function deadStates(root: string): RunState[] {
  return idsIn(root)
    .map((id) => runDirectory(root, id))
    .filter((directory) => isOwnDirectory(directory))
    .map((directory) => readRunState(directory))
    .filter((state) => state !== undefined)
    .filter((state) => !isAlive(state) && isMounted(state));
}

function isMounted(state: RunState): boolean {
  return readMountinfo().some((entry) => isMountOf(state, entry));
}

/** The number alone tells nothing: the kernel gives that of a mount that is gone to the next one. */
export function isMountOf(
  { mountId, mountpoint }: MountIdentity,
  entry: Pick<MountEntry, 'type' | 'mountId' | 'mountpoint'>,
): boolean {
  return entry.type === FS_TYPE && entry.mountId === mountId && entry.mountpoint === mountpoint;
}

type MountIdentity = Pick<RunState, 'mountId' | 'mountpoint'>;

/**
 * Which of `listRunStates()` is of the mount. One that is ending may have the number of another still; and a directory above a
 * mount may have got another name since its state was written.
 */
export function stateOfMount<State extends MountIdentity>(
  states: readonly State[],
  entry: MountEntry,
): State | undefined {
  const numbered = states.filter(({ mountId }) => mountId === entry.mountId);
  return numbered.find((state) => isMountOf(state, entry)) ?? numbered[0];
}

/** A thousand layers and mounts with paths of the longest kind. */
const STATE_LIMIT_BYTES = 16 * 1024 * 1024;

/** Undefined when there is none, or none yet, or what is there is no state (the host's disk was full, or broke). */
export function readRunState(directory: string): RunState | undefined {
  const text = readOwnFile(join(directory, 'state.json'), STATE_LIMIT_BYTES);
  const value = text === undefined ? undefined : parsed(text);
  return isRunState(value) ? value : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isRunState(value: unknown): value is RunState {
  if (typeof value !== 'object' || value === null) return false;
  const { pid, startTicks, mountpoint, createdAt, layers, mounts } = value as Partial<RunState>;
  return (
    typeof pid === 'number' &&
    typeof startTicks === 'number' &&
    typeof mountpoint === 'string' &&
    typeof createdAt === 'string' &&
    Array.isArray(layers) &&
    Array.isArray(mounts)
  );
}

/** Whether the process that wrote the state still runs, or one that takes its mount over. */
export function isAlive({
  pid,
  startTicks,
  keeper,
  isStarting,
}: Pick<RunState, 'pid' | 'startTicks' | 'keeper' | 'isStarting'>): boolean {
  if (processStartTicks(pid) === startTicks) return true;
  if (keeper === undefined || isStarting === true) return false;
  return processStartTicks(keeper.pid) === keeper.startTicks;
}

/**
 * Whether all that the mount had open is closed: its process is gone, where other threads may close it after the first has
 * ended; or, of a process that serves others too, the last thing at its end is done.
 */
export function hasLetGo(state: RunState): boolean {
  if (state.isShared === true && !existsSync(runDirectory(runRoot(), state.id))) return true;
  if (isAlive(state)) return false;
  try {
    return readdirSync(`/proc/${state.pid}/task`).length <= 1;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return true;
    throw error;
  }
}

/** Start time of a process in clock ticks since boot; undefined when there is no such process, or only its corpse. */
export function processStartTicks(pid: number): number | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
  // The command in parentheses may hold spaces and parentheses; state is the first field after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19]);
}

const ABANDONED_AFTER_MS = 60_000;

/** A directory without a state is one that is being set up, unless it is old. */
function isAbandoned(directory: string): boolean {
  try {
    return Date.now() - lstatSync(directory).mtimeMs > ABANDONED_AFTER_MS;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

function idsIn(root: string): string[] {
  const mounts = mountsDirectory(root);
  return mounts === undefined ? [] : readdirSync(mounts).filter((name) => /^[0-9a-f]{12}$/.test(name));
}
