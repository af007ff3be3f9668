/**
 * Docker's rules for what a copy is called and where it lands; see the table in `docker cp --help`.
 */

import { check } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import { O_DIRECTORY, O_RDONLY } from '../../linux/constants.js';
import { close, openat } from '../../linux/open.js';
import { ObjectCopy, type Owners } from './copy-objects.js';
import { findSource, findTarget, type Source, type Target, type Tree } from './place.js';

export interface CopyWish {
  readonly from: Tree;
  readonly source: string;
  readonly to: Tree;
  readonly target: string;
  /** `-L`: the source may be a symlink, whose target is copied. */
  readonly followLink: boolean;
  readonly owners: Owners;
}

/** @throws UserError, FsError; what was copied until then stays. */
export function copyPath(wish: CopyWish): void {
  using source = findSource(wish.from, wish.source, wish.followLink);
  const target = findTarget(wish.to, wish.target, { forDirectory: source.isDirectory });
  using place = target.place;
  using copy = new ObjectCopy(wish.owners);
  if (!source.isDirectory) {
    const name = target.kind === 'directory' ? source.shownName : place.name;
    copy.object(source.directoryFd, '', place.directoryFd, name);
    return;
  }
  copyDirectory(copy, source, target, wish);
}

function copyDirectory(copy: ObjectCopy, source: Source, target: Target, wish: CopyWish): void {
  const { place, kind } = target;
  if (kind === 'other')
    throw new UserError(`cannot copy a directory to the file '${wish.target}' of ${wish.to.label}`);
  const isWhole = !source.contentOnly && source.shownName !== '';
  if (kind === 'missing') copy.object(source.directoryFd, '', place.directoryFd, place.name);
  else if (isWhole) copy.object(source.directoryFd, '', place.directoryFd, source.shownName);
  else copyContent(copy, source, target);
}

function copyContent(copy: ObjectCopy, source: Source, { place }: Target): void {
  const from = reopen(source.directoryFd);
  try {
    const into = reopen(place.directoryFd);
    try {
      copy.content(from, into);
    } finally {
      close(into);
    }
  } finally {
    close(from);
  }
}

function reopen(fd: number): number {
  return check(openat(fd, '.', O_RDONLY | O_DIRECTORY), 'open', '.');
}
