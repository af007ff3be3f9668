/**
 * Binds with `cow` of mounts that users have made with `plyfs mount`: where their changes lie, so that they are found by the mount
 * point when nothing is mounted there.
 *
 * drafts/.binds/HASH.json, HASH of the folder. A container's binds are told by its record.
 */

import { createHash } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../../errno/error-code.js';
import { UserError } from '../../errno/user-error.js';
import { makeDirectories } from '../../linux/files/make-directories.js';
import { type Name, textFromName } from '../../vfs/name.js';
import { isOwn, namesInFolder, writeJson } from '../atomic-file.js';
import { FOLDER_MODE } from '../layout.js';
import { readRecord, type Shape } from '../read-record.js';

export interface CowBind {
  readonly mountpoint: Name;
  /** In the mount; text. */
  readonly target: string;
  /** On the host. */
  readonly source: Name;
  /** What has upper and work directory of the bind. */
  readonly folder: Name;
  /** Those of the mount: who has it mounted holds the lock of the work directory. */
  readonly upper: Name;
  readonly work: Name;
  /** RFC 3339, UTC: when it was mounted first, and last. */
  readonly madeAt: string;
  readonly mountedAt: string;
}

const SHAPE: Shape = {
  fields: {
    mountpoint: 'text',
    target: 'text',
    source: 'text',
    folder: 'text',
    upper: 'text',
    work: 'text',
    madeAt: 'text',
    mountedAt: 'text',
  },
};

const KEY_DIGITS = 16;
/** What stands for bytes that are no text. */
const STRAY = /[\udc80-\udcff]/u;

const homeOf = (root: string): string => join(root, 'drafts', '.binds');

function fileOf(root: string, folder: Name): string {
  const key = createHash('sha256').update(folder, 'latin1').digest('hex').slice(0, KEY_DIGITS);
  return join(homeOf(root), `${key}.json`);
}

/**
 * Without it the bind cannot be named once it is unmounted, and nothing else is amiss: what cannot be written is left out, and so are
 * paths that are no text.
 * @param root of the store.
 */
export function noteCowBind(root: string, bind: Omit<CowBind, 'madeAt' | 'mountedAt'>): void {
  if ([bind.folder, bind.work, bind.source].some((path) => STRAY.test(textFromName(path)))) return;
  // Links that somebody else has laid in a store of his are not followed.
  if (![root, join(root, 'drafts'), homeOf(root)].every(isOwn)) return;
  try {
    makeDirectories(homeOf(root), FOLDER_MODE);
    const path = fileOf(root, bind.folder);
    const mountedAt = new Date().toISOString();
    const { madeAt = mountedAt } = readRecord<CowBind>(path, SHAPE) ?? {};
    writeJson(path, { ...bind, madeAt, mountedAt } satisfies CowBind, 0o600);
  } catch (error) {
    if (codeOf(error) === undefined && !(error instanceof UserError)) throw error;
  }
}

/** What is forgotten when its changes are. */
export function forgetCowBind(root: string, folder: Name): void {
  rmSync(fileOf(root, folder), { force: true });
}

/** Those whose changes are there, the one that was mounted last first. What another user has noted is his: it names any path. */
export function listCowBinds(root: string): CowBind[] {
  return namesInFolder(homeOf(root))
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(homeOf(root), name))
    .filter(isOwn)
    .map((path) => readRecord<CowBind>(path, SHAPE))
    .filter((bind) => bind !== undefined)
    .filter(({ folder }) => existsSync(join(textFromName(folder), 'upper')))
    .sort((a, b) => b.mountedAt.localeCompare(a.mountedAt));
}
