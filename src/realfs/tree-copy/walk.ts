/**
 * Copies trees by descriptors, one name at a time: data with its holes, hard links, owners, modes, times to the nanosecond,
 * extended attributes. What of that, and what becomes of what the target refuses, its policy says.
 *
 * INVARIANT: nothing is reached by a path of more than one name, except a file that was copied before and gets another name:
 * its directory is opened below the first directory, without symlinks (openat2), whoever renames there meanwhile.
 */

import { ENAMETOOLONG } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import {
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  RESOLVE_BENEATH,
  RESOLVE_NO_SYMLINKS,
  S_IFDIR,
  S_IFREG,
  S_IFSOCK,
} from '../../linux/constants.js';
import { linkat, readEntries } from '../../linux/files/directory.js';
import { close, openat, openat2 } from '../../linux/files/open.js';
import { displayName, type Name } from '../../vfs/name.js';
import type { Place } from '../real-object.js';
import { setAttributes } from './attributes.js';
import {
  copyFile,
  copySpecial,
  lookAt,
  makeDirectory,
  makeRoom,
  openForReading,
  type SourceObject,
} from './object.js';
import type { CopyPolicy } from './policy.js';

/** A copy of a file with several names. */
interface FirstName {
  /** The directory in which its tree began. */
  readonly rootFd: number;
  /** Names from there, the last one its own. */
  readonly path: Name;
}

export class TreeCopy implements Disposable {
  /** How many were copied that are no directories; a file with several names once for each. */
  files = 0;
  /** The length of all files; one with several names counts once. */
  bytes = 0;
  readonly #policy: CopyPolicy;
  /** Names from the first directory down to the object being copied. */
  readonly #path: Name[] = [];
  /** How many names at its beginning lead to the first object. */
  #above = 0;
  /** By device and inode of the source. */
  readonly #links = new Map<string, FirstName>();
  /** The directories in which copies began. */
  readonly #roots: number[] = [];
  #device = -1;

  constructor(policy: CopyPolicy) {
    this.#policy = policy;
  }

  [Symbol.dispose](): void {
    for (const fd of this.#roots.splice(0)) close(fd);
  }

  /** The object becomes `target`; of a directory with all that is in it. */
  object(source: Readonly<Place>, target: Readonly<Place>): void {
    const found = lookAt(source, displayName(target.name));
    this.#begin(found, target.dirfd, [target.name]);
    this.#make(found, target);
  }

  /** What is in a directory, open for reading, goes into another. */
  content(source: number, target: number): void {
    this.#begin(lookAt({ dirfd: source, name: '' }, '.'), target, []);
    this.#entries(source, target);
  }

  /** Directory `target` gets what is in `source`, and becomes as it is. */
  directory(source: number, target: number): void {
    const found = lookAt({ dirfd: source, name: '' }, '.');
    this.#begin(found, target, []);
    this.#entries(source, target);
    setAttributes({ dirfd: target, name: '' }, found, this.#policy, { source: found, shown: '.' });
  }

  #begin(found: SourceObject, root: number, path: readonly Name[]): void {
    this.#device = found.dev;
    this.#path.splice(0, Infinity, ...path);
    this.#above = path.length;
    this.#roots.push(check(openat(root, '.', O_RDONLY | O_DIRECTORY), 'open', '.'));
  }

  #make(found: SourceObject, target: Readonly<Place>): void {
    if (found.type === S_IFDIR) this.#directory(found, target);
    else if (found.type !== S_IFSOCK || this.#policy.sockets === 'copy') this.#file(found, target);
  }

  #directory(found: SourceObject, target: Readonly<Place>): void {
    const source = openForReading(found, found.shown, O_DIRECTORY);
    try {
      const made = makeDirectory(target, this.#policy);
      try {
        if (found.dev === this.#device || this.#policy.mounts === 'enter') this.#entries(source, made);
        const place = { dirfd: made, name: '' };
        setAttributes(place, found, this.#policy, { source: found, shown: found.shown });
      } finally {
        close(made);
      }
    } finally {
      close(source);
    }
  }

  #entries(source: number, target: number): void {
    const { includes } = this.#policy;
    for (const name of namesIn(source)) {
      this.#path.push(name);
      if (includes === undefined || includes(this.#path.slice(this.#above).join('/'))) {
        const found = lookAt({ dirfd: source, name }, displayName(this.#path.join('/')));
        this.#make(found, { dirfd: target, name });
      }
      this.#path.pop();
    }
  }

  #file(found: SourceObject, target: Readonly<Place>): void {
    this.files++;
    if (this.#linked(found, target)) return;
    if (found.type === S_IFREG) {
      copyFile(found, target, this.#policy);
      this.bytes += found.sizeBytes;
    } else if (!copySpecial(found, target, this.#policy)) return;
    setAttributes(target, found, this.#policy, { source: found, shown: found.shown });
    if (found.nlink > 1)
      this.#links.set(keyOf(found), { rootFd: this.#roots.at(-1)!, path: this.#path.join('/') });
  }

  /** The second name of a file that was copied before becomes a link. */
  #linked(found: SourceObject, target: Readonly<Place>): boolean {
    const known = found.nlink > 1 ? this.#links.get(keyOf(found)) : undefined;
    if (known === undefined) return false;
    const slash = known.path.lastIndexOf('/');
    const directory = known.path.slice(0, Math.max(slash, 0)) || '.';
    const beneath = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
    const fd = openat2(known.rootFd, directory, O_PATH | O_DIRECTORY, 0, beneath);
    // Too deep to be named: it is copied again.
    if (fd === -ENAMETOOLONG) return false;
    check(fd, 'open', found.shown);
    try {
      if (this.#policy.conflicts === 'replace' && makeRoom(target)) return false;
      check(linkat(fd, known.path.slice(slash + 1), target.dirfd, target.name, 0), 'link', found.shown);
    } finally {
      close(fd);
    }
    return true;
  }
}

function keyOf({ dev, ino }: SourceObject): string {
  return `${dev}:${ino}`;
}

/** The names in a directory, open for reading, from where it was read to. */
export function namesIn(fd: number): Name[] {
  const names: Name[] = [];
  check(
    readEntries(fd, (name) => names.push(name)),
    'getdents',
  );
  return names;
}
