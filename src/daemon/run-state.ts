/**
 * The run directory: what other processes may know of the mounts that are being served.
 *
 * `<root>/mounts/<id>/` holds state.json, control.sock and log. It may vanish with the host; nothing durable is here.
 * A state belongs to a process identified by pid and start time (field 22 of /proc/PID/stat, clock ticks since boot),
 * so a reused pid is not mistaken for a daemon. States of dead daemons are removed when they are met and nothing is
 * mounted there any more.
 */

import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../errno/user-error.js';
import { readMountinfo } from '../linux/mountinfo.js';
import { displayName, type Name } from '../vfs/name.js';
import type { MountOrder, ResolvedMount, VolumePlace } from './mount-config.js';
import { isOwnDirectory, problemOfDirectory, readOwnFile } from './own-directory.js';

export interface MountSummary {
  readonly type: string;
  /** Text, as typed. */
  readonly target: string;
  readonly source: string;
  readonly readOnly: boolean;
  /** Of a volume; text. */
  readonly volume?: VolumePlace;
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
  /** The mount is gone for all; the process will end by itself. */
  readonly isEnding?: boolean;
}

/** The state of a mount that this process serves. */
export function runStateOf(
  order: MountOrder,
  now: {
    readonly privileged: boolean;
    readonly mountId: number | undefined;
    readonly mounts: readonly ResolvedMount[];
  },
): RunState {
  const { config, id } = order;
  const { privileged, mountId, mounts } = now;
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
    createdAt: new Date(Date.now() - process.uptime() * 1000).toISOString(),
  };
}

/**
 * The directory for the run states of this user: $PLYFS_RUN_DIR, /run/plyfs for root, $XDG_RUNTIME_DIR/plyfs, else
 * /tmp/plyfs-UID. Not made here.
 */
export function runRoot(env: NodeJS.ProcessEnv = process.env, uid = process.geteuid?.() ?? 0): string {
  if (env.PLYFS_RUN_DIR) return env.PLYFS_RUN_DIR;
  if (uid === 0) return '/run/plyfs';
  if (env.XDG_RUNTIME_DIR?.startsWith('/')) return join(env.XDG_RUNTIME_DIR, 'plyfs');
  return `/tmp/plyfs-${uid}`;
}

const HINT = 'set PLYFS_RUN_DIR to a directory of your own';

/**
 * The directory of all mounts below a root.
 * @returns undefined when it does not exist.
 * @throws UserError when the root, or it, is a link, is no directory or belongs to somebody else.
 */
export function mountsDirectory(root: string): string | undefined {
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
    mkdirSync(root, { recursive: true, mode: 0o700 });
    // The root first: what is below one that another can write is his.
    mountsDirectory(root);
    mkdirSync(mounts, { recursive: true, mode: 0o700 });
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(`cannot make the run directory '${mounts}': ${(cause as Error).message}`, {
      hint: HINT,
      cause,
    });
  }
  return mountsDirectory(root)!;
}

export function newRunId(): string {
  return randomBytes(6).toString('hex');
}

export function runDirectory(root: string, id: string): string {
  return join(root, 'mounts', id);
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
    throw new UserError(`cannot make the run directory '${directory}': ${(cause as Error).message}`, {
      hint: 'set PLYFS_RUN_DIR to a directory of your own',
      cause,
    });
  }
  return directory;
}

/** Writes state.json as a whole: a reader sees the old state or the new one. @throws UserError */
export function writeRunState(directory: string, state: RunState): void {
  const temporary = join(directory, 'state.json.new');
  try {
    writeFileSync(temporary, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
    renameSync(temporary, join(directory, 'state.json'));
  } catch (error) {
    throw new UserError(
      `cannot write the state of the mount to '${directory}': ${(error as Error).message}`,
      {
        hint: 'make room there, or set PLYFS_RUN_DIR to another directory',
        cause: error,
      },
    );
  }
}

export function removeRunDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
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

function isMounted({ mountId, mountpoint }: RunState): boolean {
  return readMountinfo().some((entry) => entry.mountId === mountId && entry.mountpoint === mountpoint);
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

/** Whether the process that wrote the state still runs. */
export function isAlive(state: Pick<RunState, 'pid' | 'startTicks'>): boolean {
  return processStartTicks(state.pid) === state.startTicks;
}

/** Whether the process is gone with all that it had open: other threads may close that after the first has ended. */
export function hasLetGo(state: Pick<RunState, 'pid' | 'startTicks'>): boolean {
  if (isAlive(state)) return false;
  try {
    return readdirSync(`/proc/${state.pid}/task`).length <= 1;
  } catch (error) {
    if (isCode(error, 'ENOENT') || isCode(error, 'ESRCH')) return true;
    throw error;
  }
}

/** Start time of a process in clock ticks since boot; undefined when there is no such process, or only its corpse. */
export function processStartTicks(pid: number): number | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch (error) {
    if (isCode(error, 'ENOENT') || isCode(error, 'ESRCH')) return undefined;
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
    if (isCode(error, 'ENOENT')) return false;
    throw error;
  }
}

function idsIn(root: string): string[] {
  const mounts = mountsDirectory(root);
  return mounts === undefined ? [] : readdirSync(mounts).filter((name) => /^[0-9a-f]{12}$/.test(name));
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}
