/**
 * The file systems that suites run on: a plain directory, kernel overlayfs, and plyfs with each engine.
 *
 * A target makes a `Mounted` from layer directories (bottom first). Everything here runs programs and reads /proc; it
 * never looks into a mount, and every program has a time limit.
 */

import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { holdersOf } from './holders.js';
import type { OperatorHandle, OperatorOptions } from './operator-client.js';
import { cliScript, projectRoot } from './project-paths.js';
import { findMount } from './read-mountinfo.js';

const run = promisify(execFile);
const PROGRAM_LIMIT_MS = 60_000;
const BUSY_LIMIT_MS = 10_000;

/** What a case may ask of a target. */
export type Feature =
  /** There are layers below an upper directory, each to be looked at on its own. */
  | 'layers'
  /** Binds, volumes and tmpfs at mount points. */
  | 'mounts';

/** The directories of one mount; all exist. */
export interface Stack {
  /** Bottom first. */
  readonly lowers: readonly string[];
  readonly upper: string;
  readonly work: string;
  readonly mountpoint: string;
  /** `-v` specifications, for targets with the feature `mounts`. */
  readonly volumes?: readonly string[];
}

export interface Target {
  readonly name: string;
  readonly features: ReadonlySet<Feature>;
  mount(stack: Stack): Promise<void>;
  unmount(stack: Stack): Promise<void>;
  /** Makes every hanging call on the mount fail, without touching it. */
  abort(stack: Stack): void;
  /** Starts the operator of a target whose file system is to be reached in another way than by a child of the test. */
  startOperator?(options: OperatorOptions): Promise<OperatorHandle>;
}

/** No mount at all: the layers are merged into the directory before, which tests the tests. */
export const plain: Target = {
  name: 'plain',
  features: new Set(),
  mount: () => Promise.resolve(),
  unmount: () => Promise.resolve(),
  abort: () => undefined,
};

/** With the options that plyfs has by default: directory rename, hard links across copy-up, metadata-only copy-up. */
const OVERLAYFS_OPTIONS = 'redirect_dir=on,index=on,metacopy=on';

export const overlayfs: Target = overlayfsTarget('overlayfs', OVERLAYFS_OPTIONS);

export const plyfs: Target = plyfsTarget('plyfs', []);
/** The kernel reads all files of layers itself, so that descriptors and maps do not follow a copy-up. */
export const plyfsPassthrough: Target = plyfsTarget('plyfs-passthrough', ['-o', 'passthrough=all']);
/** Binds are served by threads of their own. */
export const plyfsRemote: Target = plyfsTarget('plyfs-remote', [], 'remote=on');
export const plyfsFuseNative: Target = plyfsTarget('plyfs-fuse-native', ['--engine', 'fuse-native']);

/** Whether the project has a command line yet; from then on a missing build is a failure, not a reason to leave out. */
export function hasPlyfs(): boolean {
  return existsSync(`${projectRoot}/src/cli/main.ts`);
}

/** Kernel overlayfs with other options, which name it too. */
export function overlayfsWith(options: string): Target {
  return overlayfsTarget(`overlayfs (${options})`, options);
}

export function plyfsWith(options: string): Target {
  return plyfsTarget(`plyfs (${options})`, ['-o', options]);
}

function overlayfsTarget(name: string, options: string): Target {
  return {
    name,
    features: new Set<Feature>(['layers']),
    mount: (stack) => {
      const all = `${overlayDirs(stack)},${options}`;
      return onceFree(stack, () =>
        program('mount', ['-t', 'overlay', 'plyfs-test', '-o', all, stack.mountpoint], dirname(stack.upper)),
      );
    },
    unmount: (stack) => onceFree(stack, () => program('umount', [stack.mountpoint])),
    abort: () => undefined,
  };
}

/** @param mode added to each bind. */
function plyfsTarget(name: string, options: readonly string[], mode?: string): Target {
  return {
    name,
    features: new Set<Feature>(['layers', 'mounts']),
    async mount(stack) {
      const layers = stack.lowers.flatMap((lower) => ['-l', lower]);
      const volumes = (stack.volumes ?? []).flatMap((spec) => ['-v', withMode(spec, mode)]);
      const upper = ['--upper', stack.upper, '--work', stack.work];
      await cli(['mount', ...layers, ...upper, ...volumes, ...options, stack.mountpoint]);
    },
    unmount: unmountPlyfs,
    abort: abortFuse,
  };
}

/** `source:target[:modes]`. */
function withMode(spec: string, mode: string | undefined): string {
  if (mode === undefined) return spec;
  return spec.split(':').length > 2 ? `${spec},${mode}` : `${spec}:${mode}`;
}

/**
 * A mount namespace that somebody made while an overlay was mounted keeps that mount, and so its upper, until it ends;
 * other test files make such namespaces. An operator that was killed keeps it until it is gone.
 */
async function onceFree({ mountpoint }: Stack, act: () => Promise<void>): Promise<void> {
  for (const giveUpAt = Date.now() + BUSY_LIMIT_MS; ; ) {
    try {
      await act();
      return;
    } catch (error) {
      if (!/already mounted|is busy|it is in use/.test(String(error))) throw error;
      if (Date.now() > giveUpAt) {
        throw new Error(`${String(error)}\nheld by:\n${holdersOf(mountpoint).join('\n')}`, { cause: error });
      }
      await setTimeout(200);
    }
  }
}

async function unmountPlyfs(stack: Stack): Promise<void> {
  try {
    await onceFree(stack, () => cli(['umount', stack.mountpoint]));
  } catch (error) {
    if (findMount(stack.mountpoint) !== undefined) await unmountFuse(stack);
    throw error;
  }
  if (findMount(stack.mountpoint) !== undefined) throw new Error(`still mounted: ${stack.mountpoint}`);
}

/** Falls back to a lazy unmount of a dead connection, so that one failure does not become many. */
async function unmountFuse(stack: Stack): Promise<void> {
  try {
    await program('umount', [stack.mountpoint]);
  } catch (error) {
    abortFuse(stack);
    await program('umount', ['-l', stack.mountpoint]);
    throw error;
  }
}

function abortFuse(stack: Stack): void {
  const entry = findMount(stack.mountpoint);
  if (entry?.fsType.startsWith('fuse') !== true) return;
  const control = `/sys/fs/fuse/connections/${entry.minor}/abort`;
  if (existsSync(control)) writeFileSync(control, '1');
}

function overlayDirs({ lowers, upper, work }: Stack): string {
  // mount(2) takes a page of options: 200 layers fit with names relative to the working directory alone.
  const home = `${dirname(upper)}/`;
  const short = lowers.map((lower) => (lower.startsWith(home) ? lower.slice(home.length) : lower));
  return `lowerdir=${short.toReversed().join(':')},upperdir=${upper},workdir=${work}`;
}

function cli(args: readonly string[]): Promise<void> {
  return program(process.execPath, [cliScript, ...args]);
}

async function program(file: string, args: readonly string[], cwd = '/'): Promise<void> {
  await run(file, [...args], { cwd, timeout: PROGRAM_LIMIT_MS, killSignal: 'SIGKILL' });
}
