/**
 * What `metacopy=`, `redirect_dir=`, `index=`, `nfs_export=`, `verity=` and `xino=` of `-o` come to, and which of them cannot be.
 *
 * Where they contradict each other overlayfs's rules hold (fs/overlayfs/params.c:ovl_fs_params_verify() v6.18), found again
 * by mounting. Its defaults are those of its module; ours are all on, as far as the name space of attributes lets them.
 */

import { UserError } from '../../errno/user-error.js';
import { ALL_FEATURES, type UnionFeatures, USER_FEATURES } from '../../union/form/union-features.js';

type Options = Readonly<Record<string, string>>;

interface Attributes {
  readonly xattrNamespace: 'trusted' | 'user';
  /** Whether the user has chosen it: without a word about it, `redirect_dir=off` is true of it anyway. */
  readonly isChosen: boolean;
  /** Whether there are layers of data alone, which metacopies lead to. */
  readonly hasDataLayers: boolean;
}

/** What nobody can have from a FUSE mount, or not yet from plyfs: better told than believed. */
const REFUSED: readonly (readonly [option: string, value: string, why: string])[] = [
  ['nfs_export', 'on', 'a file of plyfs has no handle that outlives the mount'],
  ['verity', 'on', 'plyfs does not check fs-verity digests'],
  ['verity', 'require', 'plyfs does not check fs-verity digests'],
  ['xattr_permissions', '1', 'plyfs keeps owners and modes in inodes, as they are'],
  ['xattr_permissions', '2', 'plyfs keeps owners and modes in inodes, as they are'],
];

/** @throws UserError for what cannot be, and for options that contradict each other. */
export function checkUnionOptions(options: Options, attributes: Attributes): void {
  for (const [option, value, why] of REFUSED) {
    if (options[option] === value) {
      throw new UserError(`cannot mount with '${option}=${value}': ${why}`, { hint: 'leave it out' });
    }
  }
  const { metacopy, redirect_dir: redirectDir } = options;
  if (attributes.xattrNamespace === 'user') {
    checkForUser(options, attributes);
  } else if (metacopy === 'on' && redirectDir !== undefined && redirectDir !== 'on') {
    throw conflict('metacopy=on', `redirect_dir=${redirectDir}`);
  } else if (attributes.hasDataLayers && !unionFeatures(options, 'trusted').metacopy) {
    throw new UserError('layers of data alone need metacopy=on and redirect_dir=on');
  }
}

/** Redirects and metacopies of `user.overlay.*` could lead anywhere, and anybody could make them. */
function checkForUser({ metacopy, redirect_dir: redirectDir }: Options, { isChosen }: Attributes): void {
  const asked = [
    ...(metacopy === 'on' ? ['metacopy=on'] : []),
    ...(redirectDir === 'on' || (isChosen && redirectDir !== undefined && redirectDir !== 'nofollow')
      ? [`redirect_dir=${redirectDir}`]
      : []),
  ];
  const [first] = asked;
  if (first === undefined) return;
  if (isChosen) throw conflict('userxattr', first);
  throw new UserError(`cannot mount with '${first}': it needs 'trusted.*' attributes`, {
    hint: 'mount as root, or leave it out',
  });
}

function conflict(one: string, other: string): UserError {
  return new UserError(`conflicting mount options: '${one}' and '${other}'`, {
    hint: 'overlayfs refuses them together too',
  });
}

/** PRECONDITION: `checkUnionOptions`. */
export function unionFeatures(options: Options, xattrNamespace: 'trusted' | 'user'): UnionFeatures {
  const index = options.index !== 'off';
  if (xattrNamespace === 'user') return { ...USER_FEATURES, index };
  const redirect = options.redirect_dir ?? 'on';
  return {
    ...ALL_FEATURES,
    index,
    // A metacopy that is renamed has a redirect.
    metacopy: options.metacopy !== 'off' && redirect === 'on',
    // `off` does follow, where the module's parameter redirect_always_follow is what it is everywhere.
    redirectDir: redirect === 'off' ? 'follow' : (redirect as UnionFeatures['redirectDir']),
  };
}
