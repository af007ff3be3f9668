/**
 * ADD of a local tar: what is in it comes to the target, as it says.
 */

import { statSync } from 'node:fs';
import { O_NONBLOCK, O_RDONLY } from '../../../linux/constants.js';
import { close } from '../../../linux/files/open.js';
import { nameFromText } from '../../../vfs/name.js';
import type { SourceTree } from '../../context/source-tree.js';
import { isArchive, openArchive, unpackArchive } from '../../context/unpack-archive.js';
import { type Arrival, keptOwners, makePath } from '../../stage/write-files.js';

interface ReadableFile extends Disposable {
  /** Good for as long as it is held. */
  readonly path: string;
}

/** A regular file of a tree; undefined: it is none. */
export function readableFile({ tree }: SourceTree, path: string): ReadableFile | undefined {
  const fd = tree.open(nameFromText(path === '' ? '/' : path), O_RDONLY | O_NONBLOCK);
  if (fd < 0) return undefined;
  const shown = `/proc/self/fd/${fd}`;
  if (statSync(shown).isFile()) return { path: shown, [Symbol.dispose]: () => void close(fd) };
  close(fd);
  return undefined;
}

/** @returns false: it is no tar. */
export async function addArchive(path: string, { rootFd, target, owner }: Arrival): Promise<boolean> {
  if (!(await isArchive(path))) return false;
  close(makePath(rootFd, target, owner));
  const owners = owner ?? keptOwners();
  await unpackArchive(await openArchive(path), { rootFd, directory: target, owners });
  return true;
}
