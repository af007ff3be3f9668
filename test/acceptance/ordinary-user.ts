/**
 * An ordinary user with a home of his own, for mounts without privilege: `nobody`, since fusermount3 wants a user that
 * the system knows. /dev/fuse is open to him during a run of the tests (global-setup.ts).
 */

import { spawnSync } from 'node:child_process';
import fs, { chmodSync, chownSync, mkdirSync, mkdtempSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Identity } from '../helpers/operations/process-operations.js';
import { cliScript, projectRoot, workerPrefix } from '../helpers/project-paths.js';
import { removeTree } from '../helpers/remove-tree.js';

export const NOBODY: Identity = { uid: 65534, gid: 65534 };
const TIMEOUT_MS = 60_000;

export class OrdinaryUser {
  readonly root = mkdtempSync(`${workerPrefix()}user-`);
  readonly home = `${this.root}/home`;
  /** Where the built command lies for the user. */
  readonly program: string;

  constructor(...directories: string[]) {
    chmodSync(this.root, 0o755);
    for (const path of [this.home, ...directories.map((name) => `${this.home}/${name}`)]) {
      mkdirSync(path, { recursive: true });
      chownSync(path, NOBODY.uid, NOBODY.gid);
    }
    this.program = readableProgram(`${this.root}/plyfs`);
  }

  plyfs(...args: string[]) {
    return this.run(process.execPath, this.program, ...args);
  }

  run(program: string, ...args: string[]) {
    const { status, stdout, stderr } = spawnSync(program, args, {
      cwd: this.home,
      uid: NOBODY.uid,
      gid: NOBODY.gid,
      env: {
        PATH: process.env.PATH,
        HOME: this.home,
        PLYFS_RUN_DIR: `${this.home}/run`,
        XDG_DATA_HOME: `${this.home}/data`,
        XDG_RUNTIME_DIR: this.home,
        PLYFS_DAEMON_IDLE_MS: process.env.PLYFS_DAEMON_IDLE_MS,
      },
      encoding: 'utf8',
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    return { status, stdout, stderr: stderr.replaceAll(this.home, '~') };
  }

  /** Mount points below the home, relative to it. */
  mounted(): string[] {
    const points = fs.readFileSync('/proc/self/mountinfo', 'latin1').split('\n');
    return points
      .map((line) => line.split(' ')[4] ?? '')
      .filter((point) => point.startsWith(this.root))
      .map((point) => point.slice(this.home.length + 1));
  }

  dispose(): void {
    for (const point of this.mounted()) spawnSync('umount', ['-l', `${this.home}/${point}`]);
    removeTree(this.root);
  }
}

/** The command where the user can read it: the build itself, or a copy when the checkout is closed to him. */
function readableProgram(copy: string): string {
  const readable = spawnSync('test', ['-r', cliScript], { uid: NOBODY.uid, gid: NOBODY.gid });
  if (readable.status === 0) return cliScript;
  fs.cpSync(dirname(cliScript), `${copy}/dist/bin`, { recursive: true });
  fs.copyFileSync(`${projectRoot}/package.json`, `${copy}/package.json`);
  fs.cpSync(`${projectRoot}/node_modules`, `${copy}/node_modules`, {
    recursive: true,
    dereference: true,
    filter: (path) =>
      !/node_modules\/(?:\.|@?(?:biome|typescript|vitest|vite|rollup|esbuild|eslint|types)\b)/.test(path),
  });
  return `${copy}/dist/bin/main.js`;
}
