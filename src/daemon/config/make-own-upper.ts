/** Makes the folder for the changes of a bind with `cow` (own-uppers.ts). Apart, since the command that mounts has no use for it. */

import { existsSync, rmSync } from 'node:fs';
import { makeDirectories } from '../../linux/files/make-directories.js';
import { takeRootAttributes } from '../../union/upper-root.js';
import { type Name, textFromName } from '../../vfs/name.js';
import type { OwnUpper } from './mount-config.js';

const FOLDER_MODE = 0o700;

/** A new one has the attributes of the source: its root lies on top. @throws FsError */
export function makeOwnUpper(source: Name, { upper, work }: OwnUpper): void {
  if (existsSync(Buffer.from(upper, 'latin1'))) return;
  for (const path of [work, upper]) makeDirectories(Buffer.from(path, 'latin1'), FOLDER_MODE);
  try {
    takeRootAttributes(textFromName(source), textFromName(upper));
  } catch (error) {
    rmSync(Buffer.from(upper, 'latin1'), { recursive: true, force: true });
    throw error;
  }
}
