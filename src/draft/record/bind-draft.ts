/**
 * Binds with `cow` as drafts: what a container, or a user through his mount, has changed in its own view of a directory of the host is
 * reviewed, applied and taken back as what `plyfs try` has written.
 *
 * Such a draft is named CONTAINER:TARGET or MOUNTPOINT:TARGET. Its record is made of the container's, or of what is noted of the mount,
 * and kept nowhere; it is gone with the container, or the work directory. Binds with `merge` are left out: what they change may be the
 * image's.
 */

import { existsSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { findContainer } from '../../container/record/find.js';
import { cowFolder } from '../../container/tree/cow-folder.js';
import { locate } from '../../daemon/config/locate.js';
import { ownFolder } from '../../daemon/config/own-uppers.js';
import { UserError } from '../../errno/user-error.js';
import { readMountinfo } from '../../linux/mounts/mountinfo.js';
import type { MountRequest } from '../../mounts/request/types.js';
import { type ContainerRecord, listContainers, readContainer } from '../../store/container-record.js';
import type { StoreView } from '../../store/store-view.js';
import { type CowBind, listCowBinds } from '../../store/uppers/cow-binds.js';
import { displayName, type Name, nameFromText, textFromName } from '../../vfs/name.js';
import {
  type DraftArea,
  type DraftIdentity,
  type DraftRecord,
  draftFolder,
  findDraft,
  isOfMount,
  type MountBind,
  readDraft,
} from './draft-record.js';

/** Those that something may have been changed in: of all containers, and of mounts of this user's. */
export function listBindDrafts(store: StoreView): DraftRecord[] {
  const inContainers = listContainers(store).flatMap((container) =>
    container.mounts.flatMap(({ request }) => {
      const record = bindDraftOf(store, container, request);
      return record === undefined || record.areas.length === 0 ? [] : [record];
    }),
  );
  return [...inContainers, ...listMountBinds(store)];
}

/** Those of mounts alone. Of several that were mounted at one place one after the other, the last has the name of the place. */
export function listMountBinds(store: StoreView): DraftRecord[] {
  const taken = new Set<string>();
  return listCowBinds(store.root).map((bind) => {
    const name = bindName(bind.mountpoint, bind);
    const isTaken = taken.has(name);
    taken.add(name);
    return mountBindDraft(store, bind, isTaken ? bindName(bind.upper, bind) : name);
  });
}

const bindName = (path: Name, { target }: Pick<CowBind, 'target'>): string =>
  `${displayName(path)}:${target}`;

/**
 * @param name of a draft, CONTAINER:TARGET, or MOUNTPOINT:TARGET, of which a mount with one such bind needs no TARGET. In place of the
 * mount point the upper of the mount is taken too.
 * @throws UserError when there is no such draft or bind.
 */
export function findDraftOrBind(store: StoreView, name: string): DraftRecord {
  const isPath = name.startsWith('/') || name.startsWith('.');
  const found = isPath ? findMountBind(store, name) : undefined;
  if (found !== undefined) return found;
  const colon = name.indexOf(':');
  if (colon < 0 && !isPath) {
    const draft = readDraft(store, name);
    return draft ?? findMountBind(store, name) ?? findDraft(store, name);
  }
  const other = isPath ? undefined : (findContainerBind(store, name, colon) ?? findMountBind(store, name));
  if (other !== undefined) return other;
  throw new UserError(`no such bind with cow: '${name}'`, {
    code: 'ERR_NOT_FOUND',
    hint: "CONTAINER:TARGET or MOUNTPOINT:TARGET; 'plyfs drafts --all' shows those there are",
  });
}

function findContainerBind(store: StoreView, name: string, colon: number): DraftRecord | undefined {
  const container = findContainer(store, name.slice(0, colon));
  const target = name.slice(colon + 1);
  const request = container?.mounts.find((one) => one.request.target === target)?.request;
  return container === undefined || request === undefined
    ? undefined
    : bindDraftOf(store, container, request);
}

/** Whether it is the one that was mounted last at its mount point. */
function isLast({ name, bind }: DraftRecord): boolean {
  return isOfMount(bind) && name === bindName(bind.mountpoint, bind);
}

/** @throws UserError when several are meant. */
function findMountBind(store: StoreView, text: string): DraftRecord | undefined {
  const records = listMountBinds(store);
  const exact = records.find(({ name }) => name === text);
  if (exact !== undefined || records.length === 0) return exact;
  const entries = readMountinfo();
  const real = (path: string): Name => locate(nameFromText(resolve(path)), entries).path;
  const isAsked = ({ bind }: DraftRecord, path: (bind: MountBind) => Name): boolean => {
    if (!isOfMount(bind)) return false;
    const end = `:${bind.target}`;
    const asked = text.endsWith(end) ? [text, text.slice(0, -end.length)] : [text];
    return asked.some((one) => path(bind) === real(one));
  };
  const found = [
    records.filter((one) => isAsked(one, ({ mountpoint }) => mountpoint) && isLast(one)),
    records.filter((one) => isAsked(one, ({ upper }) => upper)),
  ].find(({ length }) => length > 0);
  if (found === undefined) return undefined;
  if (found.length < 2) return found[0];
  throw new UserError(`'${text}' has ${found.length} binds with cow`, {
    hint: `name one: ${found.map(({ name }) => name).join(', ')}`,
  });
}

/** The record as it is by now. @returns undefined when the draft, the container or what the mount has kept is gone. */
export function currentDraft(store: StoreView, { name, bind }: DraftRecord): DraftRecord | undefined {
  if (bind === undefined) return readDraft(store, name);
  if (isOfMount(bind))
    return listMountBinds(store).find((one) => isOfMount(one.bind) && one.bind.folder === bind.folder);
  const container = readContainer(store, bind.container);
  const request = container?.mounts.find((one) => one.request.target === bind.target)?.request;
  return container === undefined || request === undefined
    ? undefined
    : bindDraftOf(store, container, request);
}

function bindDraftOf(
  store: StoreView,
  { id, name, createdAt }: ContainerRecord,
  request: MountRequest,
): DraftRecord | undefined {
  if (request.type !== 'bind' || request.cow !== true || request.merge === true) return undefined;
  const { target, source } = request;
  const folder = basename(ownFolder(cowFolder(''), request));
  const identity = { name: `${name}:${target}`, bind: { container: id, target, folder } };
  return recordOf(store, identity, { source, createdAt, areaId: folder });
}

function mountBindDraft(
  store: StoreView,
  { mountpoint, target, source, folder, upper, work, madeAt: createdAt }: CowBind,
  name: string,
): DraftRecord {
  const bind = { mountpoint, upper, target, folder: textFromName(folder), work: textFromName(work) };
  const described = { source: textFromName(source), createdAt, areaId: basename(bind.folder) };
  return recordOf(store, { name, bind }, described);
}

interface BindFacts {
  /** On the host; text. */
  readonly source: string;
  /** Where the file system does not know when the upper was made, it was after this, or before any change. */
  readonly createdAt: string;
  readonly areaId: string;
}

function recordOf(
  store: StoreView,
  identity: DraftIdentity,
  { source, createdAt, areaId }: BindFacts,
): DraftRecord {
  const upper = statSync(join(draftFolder(store, identity), 'upper'), { throwIfNoEntry: false });
  // Before its first start, and where the directory has gone, there is nothing to be told.
  const isThere = upper !== undefined && existsSync(source);
  const path = isThere ? nameFromText(realpathSync(source)) : nameFromText(source);
  const areas: readonly DraftArea[] = isThere ? [{ id: areaId, path }] : [];
  return { ...identity, ...sinceOf(upper), createdAt, over: [path], areas };
}

function sinceOf(upper: Stats | undefined): Pick<DraftRecord, 'since'> {
  return upper !== undefined && upper.birthtimeMs > 0 ? { since: upper.birthtime.toISOString() } : {};
}
