/**
 * Resolving a path without touching any plyfs mount on the way.
 *
 * stat(2) on a mount whose daemon hangs would hang too, and on one whose daemon died fails. So symlinks are followed
 * step by step up to the first name where mountinfo has a plyfs mount; from there on the path is only text.
 */

import { lstatSync, readlinkSync } from 'node:fs';
import { FS_TYPE, type MountEntry, topMountAt } from '../../engine/kernel/attach-mountinfo.js';
import { codeOf } from '../../errno/error-code.js';
import type { Name } from '../../vfs/name.js';
import { PathNames } from '../../vfs/path-names.js';

interface Located {
  /** Absolute; free of symlinks up to the mount, and up to the first name that does not exist. */
  readonly path: Name;
  /** The mount not to be touched that the path leads to or into; the deepest, where one lies in another. */
  readonly mount: MountEntry | undefined;
  /** The path inside that mount, with a leading slash: `/` is its root. Lexical: symlinks inside are not followed. */
  readonly inside: Name;
}

/**
 * @param absolute not yet normalised.
 * @param entries mountinfo.
 * @param stopsAt which mounts are not to be touched.
 */
export function locate(
  absolute: Name,
  entries: readonly MountEntry[],
  stopsAt: (entry: MountEntry) => boolean = isPlyfs,
): Located {
  const todo = new PathNames(absolute);
  const done: Name[] = [];
  /** The plyfs mounts on the way, each below the one before. */
  const mounts: { readonly entry: MountEntry; readonly depth: number }[] = [];
  for (let name = todo.next(); name !== undefined; name = todo.next()) {
    if (name === '..') {
      done.pop();
      if (done.length < (mounts.at(-1)?.depth ?? 0)) mounts.pop();
      continue;
    }
    done.push(name);
    const path = `/${done.join('/')}`;
    const top = topMountAt(entries, path);
    if (top !== undefined && stopsAt(top)) {
      mounts.push({ entry: top, depth: done.length });
      continue;
    }
    if (mounts.length > 0) continue;
    const target = linkTarget(path);
    const from = target === undefined ? undefined : todo.follow(target);
    if (from === 'root') done.length = 0;
    else if (from === 'here') done.pop();
  }
  const mount = mounts.at(-1);
  return {
    path: `/${done.join('/')}`,
    mount: mount?.entry,
    inside: `/${done.slice(mount?.depth ?? 0).join('/')}`,
  };
}

function isPlyfs(entry: MountEntry): boolean {
  return entry.type === FS_TYPE;
}

/** Undefined when the path is no symlink, does not exist or cannot be looked at. */
function linkTarget(path: Name): Name | undefined {
  const bytes = Buffer.from(path, 'latin1');
  try {
    if (!lstatSync(bytes).isSymbolicLink()) return undefined;
    return readlinkSync(bytes, { encoding: 'buffer' }).toString('latin1');
  } catch (error) {
    // Whoever uses the path meets the same error and can say more about it.
    if (codeOf(error) !== undefined) return undefined;
    throw error;
  }
}
