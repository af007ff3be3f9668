/** Where a name at the end of a path lies, or shall lie: at the end of the symlinks that have it, though nothing may be there. */

import { readlinkat } from '../../linux/files/directory.js';
import { close } from '../../linux/files/open.js';
import type { Name } from '../../vfs/name.js';
import { MAX_SYMLINKS } from '../../vfs/path-names.js';

interface LastPlace {
  readonly directoryFd: number;
  readonly name: Name;
}

interface LastPlaceOptions {
  /** Whether symlinks that have the name are followed. */
  readonly followLink: boolean;
  /** Opens a directory of the tree, symlinks on the way resolved. @throws UserError */
  readonly open: (directory: Name) => number;
}

/** The descriptor is the caller's. */
export function lastPlace(path: Name, { followLink, open }: LastPlaceOptions): LastPlace {
  for (let links = 0, at = path; ; links++) {
    const slash = at.lastIndexOf('/');
    const parent = slash < 0 ? '.' : at.slice(0, slash) || '/';
    const directoryFd = open(parent);
    const name = at.slice(slash + 1);
    const content = followLink && links < MAX_SYMLINKS ? readlinkat(directoryFd, name) : 0;
    if (typeof content === 'number') return { directoryFd, name };
    close(directoryFd);
    // Not joined: `..` in it is above where the parent leads.
    at = `${content.startsWith('/') ? '' : `${parent}/`}${content}`.replace(/(?<=.)\/+$/, '');
  }
}
