/**
 * What is measured: plain ext4, kernel overlayfs and the unions in user space, each mounted over the same lower with
 * an empty upper.
 *
 * INVARIANT: attach() returns when the tree answers; detach() leaves no mount and no daemon, whatever happened between.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isMounted } from '../mounts-below.js';
import { plyfsMain } from '../repository.js';
import { cleanup, command, isInPath } from '../shell.js';
import { daemonsOf, endDaemons } from './daemons.js';
import type { Workload } from './workloads.js';

/** Empty folders on one file system, except `lower`, which is shared and only read. */
export interface Place {
  readonly lower: string;
  readonly upper: string;
  readonly work: string;
  readonly mountpoint: string;
}

export interface Target {
  readonly name: string;
  /** Why it cannot be measured on this machine; undefined when it can. */
  readonly missing: () => Promise<string | undefined>;
  /** The command that mounts; undefined for the plain file system. */
  readonly mountCommand?: (place: Place) => readonly string[];
  readonly umountCommand?: (place: Place) => readonly string[];
}

export const targets: readonly Target[] = [
  { name: 'ext4', missing: () => Promise.resolve(undefined) },
  {
    name: 'overlayfs',
    missing: () => Promise.resolve(undefined),
    mountCommand: (place) => [
      'mount',
      '-t',
      'overlay',
      'overlay',
      '-o',
      overlayOptions(place),
      place.mountpoint,
    ],
  },
  {
    name: 'fuse-overlayfs',
    missing: () => missingProgram('fuse-overlayfs'),
    mountCommand: (place) => ['fuse-overlayfs', '-o', overlayOptions(place), place.mountpoint],
  },
  {
    name: 'unionfs-fuse',
    missing: () => missingProgram('unionfs-fuse'),
    mountCommand: ({ upper, lower, mountpoint }) => {
      return ['unionfs-fuse', '-o', 'cow,suid,dev', `${upper}=RW:${lower}=RO`, mountpoint];
    },
  },
  plyfs('plyfs', []),
  plyfs('plyfs-volatile', ['-o', 'volatile']),
  plyfs('plyfs-passthrough', ['-o', 'passthrough=all']),
  plyfs('plyfs-fuse-native', ['--engine', 'fuse-native']),
];

/** Measured when nothing is named: unionfs-fuse is far behind, the second engine and the options have no bar. */
export const defaultTargets: readonly string[] = ['ext4', 'overlayfs', 'fuse-overlayfs', 'plyfs'];

function overlayOptions({ lower, upper, work }: Place): string {
  return `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
}

function plyfs(name: string, options: readonly string[]): Target {
  return {
    name,
    missing: () => Promise.resolve(existsSync(plyfsMain) ? undefined : `${plyfsMain} is not there`),
    mountCommand: ({ lower, upper, work, mountpoint }) => {
      const layers = ['-l', lower, '--upper', upper, '--work', work];
      return [process.execPath, plyfsMain, 'mount', ...layers, ...options, mountpoint];
    },
    umountCommand: ({ mountpoint }) => [process.execPath, plyfsMain, 'umount', mountpoint],
  };
}

async function missingProgram(program: string): Promise<string | undefined> {
  return (await isInPath(program)) ? undefined : `'${program}' is not installed`;
}

/** Mounts the target, or gives the plain file system what the workload needs, and says where the tree is. */
export async function attach(target: Target, place: Place, needs: Workload['needs']): Promise<string> {
  if (target.mountCommand !== undefined) {
    // Each mount begins cold, and its daemon ends with it.
    await command(target.mountCommand(place), { timeoutMs: 30_000, env: { PLYFS_DAEMON: 'own' } });
    if (!isMounted(place.mountpoint))
      throw new Error(`${target.name}: its mount command returned without a mount`);
    return place.mountpoint;
  }
  if (needs === 'lower') return place.lower;
  for (const path of needs) {
    const parent = join(place.upper, path, '..');
    await command(['mkdir', '-p', parent]);
    await command(['cp', '-a', join(place.lower, path), parent]);
  }
  return place.upper;
}

/** Unmounts; a mount that hangs or a daemon that stays is ended by force. @throws Error when it had to be. */
export async function detach(target: Target, place: Place): Promise<void> {
  const { mountpoint } = place;
  if (!isMounted(mountpoint)) return;
  const daemons = daemonsOf(mountpoint);
  const argv = target.umountCommand?.(place) ?? ['umount', mountpoint];
  const problem = await cleanup(argv, { timeoutMs: 30_000 }).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (isMounted(mountpoint)) await cleanup(['umount', '-l', mountpoint], { timeoutMs: 10_000 });
  const stayed = await endDaemons(daemons);
  if (problem !== undefined) throw new Error(`${target.name}: unmounting failed: ${String(problem)}`);
  if (stayed > 0) throw new Error(`${target.name}: its daemon was still there 10 s after the unmount`);
}
