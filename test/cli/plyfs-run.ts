/**
 * Runs the built command as its users do: as a process, with a run directory of its own.
 *
 * The vitest worker never touches a mount: what looks into one is a child with a time limit, so a hang is a failure.
 */

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cliScript } from '../helpers/project-paths.js';
import { removeTree } from '../helpers/remove-tree.js';

export { cliScript };

const TIMEOUT_MS = 60_000;

export interface Result {
  /** Undefined when it was killed by the time limit. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** A scratch directory with the usual parts of a mount, and the commands run in it. */
export class Workbench {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'plyfs-cli-')));
  readonly runDirectory = `${this.root}/run`;
  readonly cli = cliScript;
  readonly env: NodeJS.ProcessEnv = { ...process.env, PLYFS_RUN_DIR: this.runDirectory };

  constructor(...directories: string[]) {
    for (const directory of directories) mkdirSync(join(this.root, directory), { recursive: true });
  }

  /** The daemon stays between mounts, as it does for users: a third of the CPU time of a `run` is its start. */
  keepDaemon(): void {
    this.env.PLYFS_DAEMON_IDLE_MS = '60000';
  }

  plyfs(...args: string[]): Result {
    return this.run(process.execPath, cliScript, ...args);
  }

  /** Any other program, for looking into a mount from outside. */
  run(program: string, ...args: string[]): Result {
    const { status, stdout, stderr } = spawnSync(program, args, {
      cwd: this.root,
      env: this.env,
      encoding: 'utf8',
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    return { code: status ?? undefined, stdout, stderr: stderr.replaceAll(this.root, '') };
  }

  start(program: string, ...args: string[]) {
    return spawn(program, args, { cwd: this.root, env: this.env, stdio: 'ignore' });
  }

  /** Mount points below the scratch directory, relative to it. */
  mounted(): string[] {
    const lines = readFileSync('/proc/self/mountinfo', 'latin1').split('\n');
    const points = lines
      .map((line) => line.split(' ')[4] ?? '')
      .filter((point) => point.startsWith(this.root));
    return points.map((point) => point.slice(this.root.length + 1));
  }

  /** Ids of mounts with a run directory. */
  runIds(): string[] {
    const mounts = `${this.runDirectory}/mounts`;
    return existsSync(mounts) ? readdirSync(mounts) : [];
  }

  /** What `plyfs mounts` says of the mounts of this bench, `/MOUNTPOINT FIELDS` each: other mounts are listed too. */
  listed(template: string): string[] {
    const { stdout } = this.plyfs('mounts', '--format', `{{.Mountpoint}} ${template}`);
    const own = stdout.split('\n').filter((line) => line.startsWith(`${this.root}/`));
    return own.map((line) => line.slice(this.root.length).trimEnd());
  }

  /** The pid of the only daemon. */
  pid(): number {
    return Number(this.listed('{{.Pid}}')[0]?.split(' ').at(-1));
  }

  dispose(): void {
    for (const point of this.mounted().reverse()) this.run('umount', '-l', join(this.root, point));
    if (this.env.PLYFS_DAEMON_IDLE_MS !== '0') this.plyfs('daemon', 'stop', '--unmount');
    removeTree(this.root);
  }
}

/** What hangs is told by it, not what is slow: machines of CI are often busy. */
const UNTIL_MS = 60_000;

/** Resolves when `condition` holds. */
export async function until(condition: () => boolean, timeoutMs = UNTIL_MS): Promise<void> {
  await untilIs(condition, true, timeoutMs);
}

/** Resolves when `look` gives what is wanted. @throws Error that says what it gave last. */
export async function untilIs<Seen>(look: () => Seen, wanted: Seen, timeoutMs = UNTIL_MS): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (let seen = look(); seen !== wanted; seen = look()) {
    if (Date.now() > deadline) throw new Error(`not ${wanted} in ${timeoutMs} ms, but ${seen}: ${look}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** /proc/PID/stat; undefined for a process that is gone, or goes while it is read. */
export function statOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

/** Whether the process is gone, or only its corpse is left. */
export function isGone(pid: number): boolean {
  const stat = statOf(pid);
  return stat === undefined || /^\d+ \(.*\) [ZX]/s.test(stat);
}
