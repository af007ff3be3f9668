/** The draft that a command is tried in: a new one, or one to go on in. */

import { realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { reasonOf } from '../errno/reason.js';
import { UserError } from '../errno/user-error.js';
import type { Store } from '../store/store.js';
import type { Name } from '../vfs/name.js';
import { checkOver } from './mount/mount-areas.js';
import { createDraft, type DraftRecord, readDraft } from './record/draft-record.js';

interface DraftChoice {
  /** The name of one that exists, or of a new one; by default one is made. */
  readonly name?: string | undefined;
  /** Directories that it covers; by default `directory`, and without one the whole tree. */
  readonly over?: readonly string[] | undefined;
  /** Where the command starts. */
  readonly directory?: string | undefined;
}

/** @throws UserError when a draft of that name covers other directories, or one cannot be covered. */
export function chooseDraft(store: Store, { name, over: asked, directory }: DraftChoice): DraftRecord {
  const wanted = asked ?? (directory === undefined ? [] : [directory]);
  const over = [...new Set(wanted)].map(realDirectory);
  checkOver(store, over);
  const known = name === undefined ? undefined : readDraft(store, name);
  if (known === undefined) return createDraft(store, name, over);
  const isAsked = asked !== undefined || (directory !== undefined && known.over.length > 0);
  if (isAsked && over.some((path) => !known.over.includes(path)))
    throw new UserError(`draft '${known.name}' covers other directories`, {
      hint: 'leave --over and -C out to go on in it, or take another name',
    });
  return known;
}

/** @throws UserError */
function realDirectory(path: string): Name {
  try {
    const real = realpathSync.native(resolve(path), { encoding: 'buffer' });
    if (statSync(real).isDirectory()) return real.toString('latin1');
  } catch (error) {
    throw new UserError(`cannot make a draft over '${path}': ${reasonOf(error)}`, { cause: error });
  }
  throw new UserError(`cannot make a draft over '${path}': not a directory`, {
    hint: 'name the directory that it lies in',
  });
}

/** Where a command starts that nobody has told where: in a draft over single directories, none of which is here, in the first. */
export function startingDirectory({ over }: DraftRecord): string {
  const here = process.cwd();
  const isCovered = over.length === 0 || over.some((path) => here === path || here.startsWith(`${path}/`));
  return isCovered ? here : (over[0] ?? here);
}
