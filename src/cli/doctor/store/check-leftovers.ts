/**
 * What dead commands left: half-done changes, things under construction, trash, temporary files.
 *
 * Looked at without taking the store's lock, which would mend most of it before it is seen.
 */

import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../../../errno/error-code.js';
import { makeDirectories } from '../../../linux/files/make-directories.js';
import { isMissing, namesInFolder } from '../../../store/atomic-file.js';
import { deleteTree } from '../../../store/delete-tree.js';
import { isHidden, STORE_FOLDERS } from '../../../store/layout.js';
import { tryLockFile } from '../../../store/lock.js';
import type { Store } from '../../../store/store.js';
import { LOST_FOLDER, type StoreProblem } from './problem.js';

export function checkLeftovers(store: Store): StoreProblem[] {
  const { dead, living } = readIntents(store);
  return [
    ...dead.map((name) => halfDone(store, name)),
    ...underConstruction(store, `${living}`),
    ...store.trash().map((name) => trash(store, name)),
    ...temporaryFiles(store),
  ];
}

/** Names of intents that nobody holds, and the text of the others. */
function readIntents(store: Store): { dead: string[]; living: string } {
  const dead: string[] = [];
  let living = '';
  for (const name of namesInFolder(store.path('pending'))) {
    const path = store.path('pending', name);
    using lock = existsSync(path) ? tryLockFile(path) : undefined;
    if (lock !== undefined) dead.push(name);
    else living += readIfThere(path);
  }
  return { dead, living };
}

function halfDone(store: Store, name: string): StoreProblem {
  return {
    what: `a change was cut off: pending/${name}`,
    cost: 'none: the next command that changes the store completes or undoes it',
    remedy: 'complete or undo it',
    mend: () => {
      try {
        store.locked(() => undefined);
      } catch (error) {
        // It stands in the way of every command.
        if (codeOf(error) === undefined) throw error;
        moveAside(store, name);
      }
    },
  };
}

/** Without the lock, whose taking fails. */
function moveAside(store: Store, name: string): void {
  makeDirectories(store.path(LOST_FOLDER), 0o700);
  renameSync(store.path('pending', name), store.path(LOST_FOLDER, `pending-${name}`));
}

function underConstruction(store: Store, living: string): StoreProblem[] {
  return ['containers', 'layers', 'volumes', 'images'].flatMap((folder) =>
    namesInFolder(store.path(folder))
      .filter((name) => isHidden(name) && !living.includes(name) && !isPlanned(store, name))
      .map((name) => ({
        what: `${folder}/${name} was being made, and nobody makes it`,
        cost: 'the space it takes',
        remedy: 'delete it',
        mend: () => store.locked(() => store.discard(join(folder, name))),
      })),
  );
}

/** An intent speaks of it: then that is the problem. */
function isPlanned(store: Store, name: string): boolean {
  return namesInFolder(store.path('pending')).some((intent) =>
    readIfThere(store.path('pending', intent)).includes(name),
  );
}

function trash(store: Store, name: string): StoreProblem {
  return {
    what: `trash/${name} was not deleted`,
    cost: 'the space it takes',
    remedy: 'delete it',
    mend: () => {
      store.locked(() => undefined);
      deleteTree(store.path('trash', name));
    },
  };
}

const TEMPORARY = /\.json\.\d+\.[0-9a-f]{8}\.new$/;

/** Finds the temporary files of a writeAtomic() whose process is gone. */
function temporaryFiles(store: Store): StoreProblem[] {
  const folders = STORE_FOLDERS.filter((folder) => folder !== 'trash').flatMap((folder) => [
    folder,
    ...namesInFolder(store.path(folder)).map((name) => join(folder, name)),
  ]);
  return folders.flatMap((folder) =>
    namesInFolder(store.path(folder))
      .filter((name) => TEMPORARY.test(name) && !isRunning(name))
      .map((name) => ({
        what: `${folder}/${name} is half-written`,
        cost: 'none: the whole file is beside it',
        remedy: 'delete it',
        mend: () => store.locked(() => store.discard(join(folder, name))),
      })),
  );
}

function isRunning(name: string): boolean {
  return existsSync(`/proc/${/\.json\.(\d+)\./.exec(name)?.[1]}`);
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}
