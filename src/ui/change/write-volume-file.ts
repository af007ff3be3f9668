/**
 * A file of a volume, written from the page: an edited text in place, so that links, owner, mode and attributes stay and who has it
 * open sees it; an upload beside its name first, and whole in its place then.
 *
 * No symlink is followed on the way: whoever else writes in the volume leads nobody out of it.
 */

import { closeSync, createReadStream, fsyncSync, ftruncateSync, writeSync } from 'node:fs';
import { BeneathTree, type Side } from '../../draft/changes/beneath-tree.js';
import { check } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_WRONLY, S_IFREG } from '../../linux/constants.js';
import { renameat2, unlinkat } from '../../linux/files/directory.js';
import { openat } from '../../linux/files/open.js';
import { fileVersion } from '../../realfs/file-version.js';
import { chmodAt, chownAt } from '../../realfs/real-object.js';
import type { Store } from '../../store/store.js';
import { displayName, type Name, nameFromText } from '../../vfs/name.js';
import { randomHex } from '../../vfs/random-hex.js';
import { useVolume } from '../../volume/use.js';

interface VolumeFile {
  readonly volume: string;
  /** Within it, without a leading slash. */
  readonly path: Name;
}

const NEW_MODE = 0o644;
const RANDOM_BYTES = 8;

/**
 * @param edit `version`: what the text was read from.
 * @returns the new version.
 * @throws UserError when somebody has written the file since, or it is no regular file.
 */
export async function editVolumeFile(
  store: Store,
  { volume, path }: VolumeFile,
  { text, version }: { readonly text: string; readonly version: string },
): Promise<string> {
  const shown = shownPath(volume, path);
  using use = await useVolume(store, volume, { what: `cannot edit ${shown}` });
  using tree = new BeneathTree(nameFromText(use.path));
  const before = tree.look(path);
  if (before?.type !== S_IFREG) throw new UserError(`cannot edit ${shown}: it is no file any more`);
  if (fileVersion(before) !== version)
    throw new UserError(`cannot edit ${shown}: somebody else has written it meanwhile`, {
      hint: 'open it again; what you typed is still in the field',
    });
  const fd = check(tree.open(path, O_WRONLY | O_NONBLOCK), 'open', shown);
  try {
    const bytes = Buffer.from(text, 'utf8');
    writeAll(fd, bytes);
    ftruncateSync(fd, bytes.length);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  return fileVersion(tree.look(path)!);
}

/**
 * Puts what is in `file` into the volume; a file that is there is replaced, and keeps owner and mode.
 * @throws UserError when something else has the name, or the directory is not there.
 */
export async function placeUpload(store: Store, { volume, path }: VolumeFile, file: string): Promise<void> {
  const shown = shownPath(volume, path);
  using use = await useVolume(store, volume, { what: `cannot upload ${shown}` });
  using tree = new BeneathTree(nameFromText(use.path));
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name === '' || name === '.' || name === '..' || name.includes('\0'))
    throw new UserError(`cannot upload ${shown}: invalid name`);
  const before = tree.look(path);
  if (before !== undefined && before.type !== S_IFREG)
    throw new UserError(`cannot upload ${shown}: something that is no file has the name`);
  const folder = tree.look(path.slice(0, Math.max(0, path.lastIndexOf('/'))));
  using place = tree.hold(path);
  const temporary = `.plyfs-upload-${randomHex(RANDOM_BYTES)}`;
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  const fd = check(openat(place.dirfd, temporary, flags, 0o600), 'open', shown);
  let isDone = false;
  try {
    for await (const piece of createReadStream(file)) writeAll(fd, piece as Buffer);
    setOwner(place.dirfd, temporary, before ?? folder);
    chmodAt(place.dirfd, temporary, before === undefined ? NEW_MODE : before.mode & 0o777);
    fsyncSync(fd);
    check(renameat2(place.dirfd, temporary, place.dirfd, name, 0), 'rename', shown);
    isDone = true;
  } finally {
    closeSync(fd);
    if (!isDone) unlinkat(place.dirfd, temporary, 0);
  }
  fsyncSync(place.dirfd);
}

/** Whoever uses the volume may then use the file. */
function setOwner(dirfd: number, name: Name, owner: Side | undefined): void {
  if (owner === undefined || process.geteuid?.() !== 0) return;
  check(chownAt(dirfd, name, owner.uid, owner.gid), 'chown', displayName(name));
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

function shownPath(volume: string, path: Name): string {
  return `'${displayName(path)}' of volume '${volume}'`;
}
