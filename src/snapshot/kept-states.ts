/**
 * Snapshots that are copies, of what is no union: `snapshots/NAME/` in the folder of a volume or draft, with `state.json` and the
 * copied directories. Blocks are shared where the file system can (reflink).
 *
 * INVARIANT: a state appears by one rename, whole and on disk; going back to one is decided before the first rename (store/intent.ts).
 */

import { join } from 'node:path';
import { UserError } from '../errno/user-error.js';
import { makeDirectories } from '../linux/files/make-directories.js';
import { namesInFolder, writeJson } from '../store/atomic-file.js';
import { crashPoint } from '../store/crash-point.js';
import { FOLDER_MODE, isHidden, type ObjectKind, type StorePath } from '../store/layout.js';
import { readRecord, type Shape } from '../store/read-record.js';
import type { Store } from '../store/store.js';

interface KeptState<T> {
  readonly name: string;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  /** What else is to be known when somebody goes back to it. */
  readonly about: T;
}

/** Whose states they are. */
interface StateHolder {
  readonly kind: Extract<ObjectKind, 'volumes' | 'drafts'>;
  /** `volume 'data'`. */
  readonly shown: string;
  /** As users name it. */
  readonly name: string;
  readonly home: StorePath;
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;

/** @throws UserError */
export function checkStateName(name: string): void {
  if (!NAME.test(name))
    throw new UserError(`invalid snapshot name '${name}': only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
}

export class KeptStates<T> {
  readonly #store: Store;
  readonly #holder: StateHolder;
  readonly #shape: Shape;

  /** @param about the form of what else a state has in its record. */
  constructor(store: Store, holder: StateHolder, about: Shape) {
    this.#store = store;
    this.#holder = holder;
    this.#shape = { fields: { name: 'text', createdAt: 'text', about } };
  }

  /** The oldest first. */
  list(): KeptState<T>[] {
    return namesInFolder(this.#store.path(this.#folder))
      .filter((name) => !isHidden(name))
      .map((name) => this.#read(name))
      .filter((state) => state !== undefined)
      .sort((a, b) => a.createdAt.localeCompare(b.createdAt) || a.name.localeCompare(b.name));
  }

  /** @throws UserError when there is none of that name. */
  find(name: string): KeptState<T> {
    const state = NAME.test(name) ? this.#read(name) : undefined;
    if (state !== undefined) return state;
    throw new UserError(`no such snapshot of ${this.#holder.shown}: '${name}'`, {
      code: 'ERR_NOT_FOUND',
      hint: `'plyfs snapshot ls ${this.#holder.name}' shows those there are`,
    });
  }

  /** Where the copies of a state are; absolute. */
  path(name: string): string {
    return this.#store.path(this.#folder, name);
  }

  /**
   * @param copy fills a folder, absolute; all of it is on disk on return.
   * @throws UserError when there is one of that name; nothing is left of it then.
   */
  add(name: string, about: T, copy: (folder: string) => void): void {
    checkStateName(name);
    this.#refuseTaken(name);
    using intent = this.#store.intend();
    const staged = this.#store.stage(this.#holder.kind, intent);
    const folder = this.#store.path(staged);
    copy(folder);
    writeJson(join(folder, 'state.json'), { name, createdAt: new Date().toISOString(), about });
    this.#store.locked(() => {
      this.#refuseTaken(name);
      makeDirectories(this.#store.path(this.#folder), FOLDER_MODE);
      crashPoint();
      this.#store.publish(staged, join(this.#folder, name));
      intent.end();
    });
  }

  remove(name: string): void {
    this.#store.locked(() => {
      this.find(name);
      this.#store.discard(join(this.#folder, name));
    });
  }

  get #folder(): StorePath {
    return join(this.#holder.home, 'snapshots');
  }

  #read(name: string): KeptState<T> | undefined {
    return readRecord(this.#store.path(this.#folder, name, 'state.json'), this.#shape);
  }

  #refuseTaken(name: string): void {
    if (this.#read(name) === undefined) return;
    throw new UserError(`${this.#holder.shown} has a snapshot '${name}' already`, {
      code: 'ERR_EXISTS',
      hint: `remove it with 'plyfs snapshot rm ${this.#holder.name} ${name}', or take another name`,
    });
  }
}
