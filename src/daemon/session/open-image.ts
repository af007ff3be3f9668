/**
 * An image mounted over the union: the union of its layers, read-only, or one file of it.
 *
 * A path inside the image is found in each layer by itself: layers of images have no redirects, so the directories at
 * that path make the same union that a walk from the root would show.
 */

import { ELOOP, ENOENT, ENOTDIR } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  STATX_BASIC_STATS,
} from '../../linux/constants.js';
import { close, openat } from '../../linux/files/open.js';
import { Statx, statx } from '../../linux/files/statx.js';
import { fgetxattr } from '../../linux/files/xattr.js';
import { type OpenedSource, openBind, type SourceContext } from '../../mounts/kinds/open-source.js';
import type { ImageRequest } from '../../mounts/request/types.js';
import { isDeviceWhiteout, PrivateXattrs, type XattrNamespace } from '../../union/form/overlay-xattrs.js';
import { openUnion } from '../../union/open-union.js';
import { displayName, type Name, nameFromText } from '../../vfs/name.js';

export interface ImageContext extends SourceContext {
  /** The layers of the union that all is mounted over, bottom first. */
  readonly layers: readonly Name[];
  readonly xattrNamespace: XattrNamespace;
  readonly descriptorLimit: number;
}

/** @param layers directories, bottom first. @throws UserError when the image has no such path. */
export function openImage(
  request: ImageRequest,
  layers: readonly Name[],
  context: ImageContext,
): OpenedSource {
  if (request.owners !== undefined) {
    throw new UserError(`cannot mount '${request.spec}': owners of an image cannot be mapped`);
  }
  const found = findInside(layers, nameFromText(request.subpath ?? ''), context.xattrNamespace);
  if (found.file !== undefined) return openFile(request, found.file, context);
  if (found.directories.length === 0) {
    throw new UserError(`cannot mount '${request.spec}': the image has no directory '${request.subpath}'`);
  }
  const system = openUnion({
    layers: found.directories,
    upper: undefined,
    work: undefined,
    readOnly: true,
    passthrough: 'all',
    ...sharedUnionOptions(context),
  });
  return { system, fileName: undefined };
}

/** What all unions mounted over the union have in common. */
export function sharedUnionOptions(context: ImageContext) {
  return {
    volatile: false,
    accessTimes: [],
    xattrNamespace: context.xattrNamespace,
    privileged: context.privileged,
    inodeNumbers: context.inodeNumbers,
    callerIds: context.callerIds,
    descriptorLimit: context.descriptorLimit,
    held: context.descriptors.held,
  } as const;
}

/** A file of a layer, as a read-only bind of it. */
function openFile(request: ImageRequest, file: Name, context: SourceContext): OpenedSource {
  const bind = {
    ...request,
    type: 'bind' as const,
    source: displayName(file),
    createSource: false,
    recursive: 'enabled' as const,
  };
  return openBind(bind, file, context);
}

interface Found {
  /** Bottom first. */
  readonly directories: Name[];
  /** What the path is when it is no directory. */
  readonly file?: Name;
}

/** Where the layers, bottom first, have a path: a relative one. Symlinks on the way are not followed. */
export function findInside(layers: readonly Name[], path: Name, namespace: XattrNamespace): Found {
  if (path === '') return { directories: [...layers] };
  const directories: Name[] = [];
  for (const layer of layers.toReversed()) {
    const { kind, isLast } = kindInside(layer, path, namespace);
    if (kind === 'directory') directories.unshift(`${layer}/${path}`);
    if (kind === 'file' && directories.length === 0) return { directories, file: `${layer}/${path}` };
    if (isLast) break;
  }
  return { directories };
}

interface Kind {
  readonly kind: 'directory' | 'file' | 'none';
  /** It hides the layers below. */
  readonly isLast: boolean;
}

/** Symlinks are not followed, as Docker does not. */
function kindInside(layer: Name, path: Name, namespace: XattrNamespace): Kind {
  const names = path.split('/');
  const { opaque } = new PrivateXattrs(namespace);
  let fd = check(openat(AT_FDCWD, layer, O_RDONLY | O_DIRECTORY), 'open', layer);
  let isLast = false;
  try {
    for (const [index, name] of names.entries()) {
      const next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      if (next === -ENOENT) return { kind: 'none', isLast };
      if (next === -ENOTDIR || next === -ELOOP) {
        const isFile = index === names.length - 1 && !isWhiteoutAt(fd, name);
        return { kind: isFile ? 'file' : 'none', isLast: true };
      }
      check(next, 'open', path);
      close(fd);
      fd = next;
      isLast ||= fgetxattr(fd, opaque, flag) === 1 && flag[0] === 0x79;
    }
    return { kind: 'directory', isLast };
  } finally {
    close(fd);
  }
}

const flag = Buffer.alloc(1);
const stat = new Statx();

function isWhiteoutAt(fd: number, name: Name): boolean {
  check(statx(fd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, stat), 'statx', name);
  return isDeviceWhiteout(stat);
}
