/** Mounts whose upper cannot become a layer by a rename, or would not mean the same as one. */

import { isUtf8 } from 'node:buffer';
import type { MountConfig } from '../daemon/config/mount-config.js';
import { UserError } from '../errno/user-error.js';
import { type MountEntry, readMountinfo } from '../linux/mounts/mountinfo.js';
import { xattrNamespaceHere } from '../union/form/xattr-namespace.js';
import { displayName, type Name } from '../vfs/name.js';

/** @returns the parts that every such mount has. @throws UserError */
export function assertPushableMount(config: MountConfig): { readonly upper: Name; readonly work: Name } {
  const { upper, work, mountpoint } = config;
  const refused = (why: string, hint?: string): UserError =>
    new UserError(`cannot take a snapshot of '${displayName(mountpoint)}': ${why}`, { hint });
  if (upper === undefined || work === undefined || config.readOnly)
    throw refused('it is read-only', 'a snapshot keeps what upper has: mount it with --upper DIR');
  if (config.engine !== 'kernel') throw refused(`it is served by the engine ${config.engine}`);
  if (config.xattrNamespace !== xattrNamespaceHere() || config.unionOptions.compat !== undefined)
    throw refused('its upper has another form than layers here', 'mount it without userxattr and compat=');
  if ((config.dataLayers ?? []).length > 0) throw refused('it has layers of data alone');
  if (config.mounts.some(({ own }) => own !== undefined))
    throw refused('it has binds with cow, whose changes would not be in it', 'use a volume, or plyfs try');
  for (const path of [upper, work]) {
    if (!isUtf8(Buffer.from(path, 'latin1')))
      throw refused(`'${displayName(path)}' has a name that is no UTF-8`);
  }
  const entries = readMountinfo();
  const homes = new Set([upper, work].map((path) => mountOf(entries, parentOf(path))));
  if (homes.size > 1 || entries.some((entry) => entry.mountpoint === upper || entry.mountpoint === work))
    throw refused(
      `'${displayName(upper)}' cannot be renamed: it is the root of a mount, or its work directory lies in another`,
      'choose a directory below for upper, and let work be beside it',
    );
  return { upper, work };
}

function parentOf(path: Name): Name {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** The mount that a directory lies in. */
function mountOf(entries: readonly MountEntry[], path: Name): number | undefined {
  const holds = ({ mountpoint }: MountEntry): boolean =>
    mountpoint === '/' || path === mountpoint || path.startsWith(`${mountpoint}/`);
  const deepest = entries.filter(holds).sort((a, b) => a.mountpoint.length - b.mountpoint.length);
  return deepest.at(-1)?.mountId;
}
