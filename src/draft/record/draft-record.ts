/**
 * `drafts/NAME/draft.json`: a draft, which is what commands have written that were let loose on the host's tree.
 *
 * drafts/NAME/ draft.json, lock (held while a command runs in it, or it is applied), areas/ID/ (upper, work, merged: one for
 * each file system or directory that the draft covers), applied/ (see apply/).
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { lockPath } from '../../container/record/container-lock.js';
import { randomName } from '../../container/record/container-names.js';
import { UserError } from '../../errno/user-error.js';
import { makeDirectories } from '../../linux/files/make-directories.js';
import { writeJson } from '../../store/atomic-file.js';
import { containerHome } from '../../store/container-home.js';
import { FOLDER_MODE, type StorePath } from '../../store/layout.js';
import { type FileLock, tryLockDirectory, tryLockFile } from '../../store/lock.js';
import { readRecord, type Shape } from '../../store/read-record.js';
import type { Store } from '../../store/store.js';
import type { StoreView } from '../../store/store-view.js';
import { displayName, type Name } from '../../vfs/name.js';

export interface DraftRecord {
  readonly name: string;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  /** The same: when it was last applied as a whole, and began anew. */
  readonly since?: string;
  /** Directories that the draft covers, free of symlinks; none: the whole tree. */
  readonly over: readonly Name[];
  readonly areas: readonly DraftArea[];
  /** The last command and its status; none while the first one runs. */
  readonly lastCommand?: readonly string[];
  readonly lastStatus?: number;
  /** Only of a bind with `cow` (bind-draft.ts), whose record is kept nowhere. */
  readonly bind?: ContainerBind | MountBind | undefined;
}

/** Where a container's bind with `cow` is. */
interface ContainerBind {
  /** Its id. */
  readonly container: string;
  /** In the container. */
  readonly target: string;
  /** The name of the folder of its changes. */
  readonly folder: string;
}

/** Where one of a mount that a user has made is. */
export interface MountBind {
  readonly mountpoint: Name;
  readonly upper: Name;
  /** In the mount. */
  readonly target: string;
  /** Absolute: what has its changes. */
  readonly folder: string;
  /** Absolute: the mount's. Whoever has it mounted holds its lock. */
  readonly work: string;
}

/** Whether it is a mount's, and not a container's. */
export function isOfMount(bind: DraftRecord['bind']): bind is MountBind {
  return bind !== undefined && 'work' in bind;
}

/** What tells a draft from others. */
export type DraftIdentity = Pick<DraftRecord, 'name' | 'bind'>;

/** A directory of the host with an upper of its own. */
export interface DraftArea {
  /** The name of its folder. */
  readonly id: string;
  /** Absolute, free of symlinks. */
  readonly path: Name;
}

export const DRAFT_SHAPE: Shape = {
  fields: {
    name: 'text',
    createdAt: 'text',
    'since?': 'text',
    over: { listOf: 'text' },
    areas: { listOf: { fields: { id: 'text', path: 'text' } } },
    'lastCommand?': { listOf: 'text' },
    'lastStatus?': 'number',
  },
};

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;

export function draftHome(name: string): StorePath {
  return `drafts/${name}`;
}

/** The folder of what is kept for a draft, absolute: of a bind, the one of its changes. */
export function draftFolder(store: StoreView, { name, bind }: DraftIdentity): string {
  if (bind === undefined) return store.path(draftHome(name));
  return isOfMount(bind) ? bind.folder : store.path(containerHome(bind.container), 'cow', bind.folder);
}

/** The folder of an area: upper, work and merged are in it. */
export function areaHome(store: StoreView, draft: DraftIdentity, area: DraftArea): string {
  const folder = draftFolder(store, draft);
  return draft.bind === undefined ? join(folder, 'areas', area.id) : folder;
}

/** @returns undefined when there is no such draft. */
export function readDraft(store: StoreView, name: string): DraftRecord | undefined {
  return NAME.test(name) ? readRecord(store.path(draftHome(name), 'draft.json'), DRAFT_SHAPE) : undefined;
}

/** By age, the oldest first. */
export function listDrafts(store: Store): DraftRecord[] {
  return store
    .names('drafts')
    .map((name) => readDraft(store, name))
    .filter((record) => record !== undefined)
    .sort((a, b) => a.createdAt.localeCompare(b.createdAt) || a.name.localeCompare(b.name));
}

/** @throws UserError */
export function findDraft(store: StoreView, name: string): DraftRecord {
  const record = readDraft(store, name);
  if (record !== undefined) return record;
  throw new UserError(`no such draft: '${name}'`, {
    code: 'ERR_NOT_FOUND',
    hint: "'plyfs drafts' shows those there are",
  });
}

/** PRECONDITION: the folder of the draft exists. */
export function writeDraft(store: Store, record: DraftRecord): void {
  writeJson(store.path(draftHome(record.name), 'draft.json'), record, 0o600);
}

/** @param name undefined: two words of ours. @throws UserError for a name that cannot be. */
export function createDraft(store: Store, name: string | undefined, over: readonly Name[]): DraftRecord {
  if (name !== undefined) checkName(name);
  return store.locked(() => {
    const chosen = name ?? randomName((taken) => existsSync(store.path(draftHome(taken))));
    const record = { name: chosen, createdAt: new Date().toISOString(), over, areas: [] };
    makeDirectories(store.path(draftHome(chosen), 'areas'), FOLDER_MODE);
    writeDraft(store, record);
    return record;
  });
}

/** Adds one with what `fill` puts into its folder, absolute; all of it is on disk. @throws UserError when there is one of that name. */
export function addDraft(store: Store, record: DraftRecord, fill: (folder: string) => void): void {
  checkName(record.name);
  const refuseTaken = (): void => {
    if (readDraft(store, record.name) === undefined) return;
    throw new UserError(`there is a draft '${record.name}' already`, { code: 'ERR_EXISTS' });
  };
  refuseTaken();
  using intent = store.intend();
  const staged = store.stage('drafts', intent);
  fill(store.path(staged));
  writeJson(store.path(staged, 'draft.json'), record, 0o600);
  store.locked(() => {
    refuseTaken();
    store.publish(staged, draftHome(record.name));
    intent.end();
  });
}

function checkName(name: string): void {
  if (NAME.test(name)) return;
  throw new UserError(`invalid draft name '${name}': only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
}

/** One command at a time works in a draft, or on it; of a bind, with its container or mount. @throws UserError when another does. */
export function lockDraft(store: Store, { name, bind }: DraftIdentity): FileLock {
  const lock = tryLockDraft(store, { name, bind });
  if (lock === undefined) throw inUseError({ name, bind });
  if (existsSync(recordPath(store, { name, bind }))) return lock;
  lock[Symbol.dispose]();
  throw new UserError(`no such draft: '${name}'`, {
    code: 'ERR_NOT_FOUND',
    hint: 'it was discarded just now',
  });
}

/** What is there as long as the draft is. */
function recordPath(store: Store, { name, bind }: DraftIdentity): string {
  if (bind === undefined) return store.path(draftHome(name), 'draft.json');
  return isOfMount(bind) ? bind.folder : store.path(containerHome(bind.container), 'container.json');
}

function inUseError({ name, bind }: DraftIdentity): UserError {
  const code = 'ERR_IN_USE';
  if (isOfMount(bind)) {
    const hint = `'plyfs umount ${displayName(bind.mountpoint)}', then again`;
    return new UserError(`'${name}' is in use: it is mounted, or is being applied`, { code, hint });
  }
  return new UserError(`draft '${name}' is in use: a command runs in it, or it is being applied`, {
    code,
    hint: 'wait for its end, or take another with --name',
  });
}

/** @returns undefined when another holds it. */
export function tryLockDraft(store: Store, draft: DraftIdentity): FileLock | undefined {
  const { bind } = draft;
  if (isOfMount(bind)) return tryLockDirectory(bind.work);
  const folder = bind === undefined ? draftFolder(store, draft) : store.path(containerHome(bind.container));
  return tryLockFile(lockPath(folder));
}
