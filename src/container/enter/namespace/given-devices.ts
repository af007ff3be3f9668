/**
 * `--device`: nodes of the host, or directories of them, mounted below the container's /dev. No device cgroup limits what
 * is done with them: a process that may open the host's node may open this one.
 */

import { statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ENOENT } from '../../../errno/errno.js';
import { check } from '../../../errno/fs-error.js';
import { UserError } from '../../../errno/user-error.js';
import { AT_FDCWD, AT_RECURSIVE, OPEN_TREE_CLONE } from '../../../linux/constants.js';
import { makeDirectories } from '../../../linux/files/make-directories.js';
import { close } from '../../../linux/files/open.js';
import { openTree } from '../../../linux/mounts/mount.js';
import type { DeviceMapping } from '../../../store/container-record.js';
import { nameFromText } from '../../../vfs/name.js';
import type { RootTree } from './root-tree.js';

interface GivenDevice {
  readonly target: string;
  readonly isDirectory: boolean;
  readonly fd: number;
}

/** To be called while /dev is the host's. @throws UserError for one that is not there. */
export function cloneGiven(devices: readonly DeviceMapping[]): GivenDevice[] {
  return devices.map(({ source, target }) => {
    const fd = openTree(AT_FDCWD, nameFromText(source), OPEN_TREE_CLONE | AT_RECURSIVE);
    if (fd === -ENOENT) throw new UserError(`cannot give the device '${source}': no such file or directory`);
    check(fd, 'clone', source);
    const stat = statSync(source);
    if (!stat.isDirectory() && !stat.isCharacterDevice() && !stat.isBlockDevice()) {
      throw new UserError(`cannot give the device '${source}': not a device node`);
    }
    return { target, isDirectory: stat.isDirectory(), fd };
  });
}

/** PRECONDITION: /dev is a tmpfs of ours. @throws FsError */
export function attachGiven(tree: RootTree, devices: readonly GivenDevice[]): void {
  for (const { target, isDirectory, fd } of devices) {
    makeDirectories(isDirectory ? target : dirname(target));
    // In the place of one that every container has.
    if (!isDirectory) writeFileSync(target, '', { flag: 'a' });
    tree.attach(fd, nameFromText(target));
    close(fd);
  }
}
