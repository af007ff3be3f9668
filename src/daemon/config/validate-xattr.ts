/**
 * Whether upper's file system keeps the extended attributes that the union needs; tried, not guessed.
 *
 * The attribute is set and removed on the work directory, which is on the same file system and shows to nobody.
 */

import { errnoCode, errnoText } from '../../errno/errno.js';
import { AT_FDCWD } from '../../linux/constants.js';
import { removexattrAt, setxattrAt } from '../../linux/files/xattr.js';
import type { MountConfig } from './mount-config.js';
import { quote, refusal } from './refusal.js';

/** @throws UserError when upper cannot hold `trusted.overlay.*` or `user.overlay.*`, whichever the mount uses. */
export function checkXattrs(config: MountConfig): void {
  const { upper, work, xattrNamespace } = config;
  if (upper === undefined || work === undefined) return;
  const attr = `${xattrNamespace}.overlay.plyfs-probe`;
  const result = setxattrAt(AT_FDCWD, work, attr, Buffer.from('y'), 0);
  if (result >= 0) {
    removexattrAt(AT_FDCWD, work, attr);
    return;
  }
  const hint =
    xattrNamespace === 'trusted'
      ? 'try -o userxattr, or an upper on ext4, xfs or btrfs'
      : 'use an upper on ext4, xfs or btrfs';
  throw refusal(
    config,
    `upper ${quote(upper)} does not take ${xattrNamespace}.* attributes: ${errnoText(-result)} (${errnoCode(-result)})`,
    hint,
  );
}
