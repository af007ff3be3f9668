/**
 * The unions of the acceptance run, each mounted on `FOLDER/mnt` from `FOLDER/{upper,work}` over `FOLDER/../lower`.
 */

import { join } from 'node:path';
import { daemonsOf, endDaemons } from '../bench/daemons.js';
import { abortFuse, isMounted, mountsBelow } from '../mounts-below.js';
import { plyfsMain } from '../repository.js';
import { cleanup, command } from '../shell.js';
import type { CompareOptions } from './snapshot.js';

export interface Union {
  readonly name: string;
  readonly argv: (place: { lower: string; upper: string; work: string; mountpoint: string }) => string[];
  /** What this union is known to do otherwise than a plain file system. */
  readonly tolerated?: CompareOptions;
}

/** With the features that plyfs has by default. */
export const overlayfs: Union = overlay('overlayfs', 'redirect_dir=on,index=on,metacopy=on');
/** Without: hard links of the lower break on copy-up. */
export const overlayfsPlain: Union = {
  ...overlay('overlayfs-plain', 'redirect_dir=off,index=off,metacopy=off'),
  tolerated: { ignored: /^root\/life\/(?:hard|links)/ },
};

export const plyfs: Union = {
  name: 'plyfs',
  argv: ({ lower, upper, work, mountpoint }) => {
    const layers = ['-l', lower, '--upper', upper, '--work', work];
    return [process.execPath, plyfsMain, 'mount', '--engine', 'kernel', ...layers, mountpoint];
  },
};

function overlay(name: string, options: string): Union {
  return {
    name,
    argv: ({ lower, upper, work, mountpoint }) => {
      const layers = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
      return ['mount', '-t', 'overlay', 'overlay', '-o', `${layers},${options}`, mountpoint];
    },
  };
}

interface MountedTree {
  readonly path: string;
  unmount(): Promise<void>;
}

export async function mountTree(union: Union, folder: string): Promise<MountedTree> {
  const mountpoint = join(folder, 'mnt');
  const [upper, work] = [join(folder, 'upper'), join(folder, 'work')];
  const lower = join(folder, '..', 'lower');
  await command(union.argv({ lower, upper, work, mountpoint }), { timeoutMs: 30_000 });
  return { path: mountpoint, unmount: () => unmount(union, mountpoint) };
}

/** @throws Error when the daemon outlives the mount. */
async function unmount(union: Union, mountpoint: string): Promise<void> {
  const daemons = daemonsOf(mountpoint);
  const argv = union === plyfs ? [process.execPath, plyfsMain, 'umount', mountpoint] : ['umount', mountpoint];
  await command(argv, { timeoutMs: 30_000 });
  if ((await endDaemons(daemons)) > 0) throw new Error(`${union.name}: its daemon did not end`);
}

/** Whatever is mounted below the folder, also by a server that hangs. */
export async function detachAll(folder: string): Promise<void> {
  for (const mountpoint of mountsBelow(folder)) {
    const daemons = daemonsOf(mountpoint);
    abortFuse(mountpoint);
    await cleanup(['umount', '-l', mountpoint], { timeoutMs: 10_000 });
    if (isMounted(mountpoint)) process.stderr.write(`acceptance: still mounted: ${mountpoint}\n`);
    await endDaemons(daemons);
  }
}
