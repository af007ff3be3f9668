/**
 * Binds with `cow` of containers, as drafts: what a container has changed in its own view of a directory of the host is reviewed,
 * applied and taken back as what `plyfs try` has written.
 *
 * Such a draft is named CONTAINER:TARGET. Its record is made of the container's and kept nowhere; it is gone with the container. Binds
 * with `merge` are left out: what they change may be the image's.
 */

import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { findContainer } from '../../container/record/find.js';
import { cowFolder } from '../../container/tree/cow-folder.js';
import { ownFolder } from '../../daemon/config/own-uppers.js';
import { UserError } from '../../errno/user-error.js';
import type { MountRequest } from '../../mounts/request/types.js';
import { type ContainerRecord, listContainers, readContainer } from '../../store/container-record.js';
import type { StoreView } from '../../store/store-view.js';
import { nameFromText } from '../../vfs/name.js';
import { type DraftArea, type DraftRecord, draftFolder, findDraft, readDraft } from './draft-record.js';

/** In all containers, those that something may have been changed in. */
export function listBindDrafts(store: StoreView): DraftRecord[] {
  return listContainers(store).flatMap((container) =>
    container.mounts.flatMap(({ request }) => {
      const record = bindDraftOf(store, container, request);
      return record === undefined || record.areas.length === 0 ? [] : [record];
    }),
  );
}

/** @param name of a draft, or CONTAINER:TARGET. @throws UserError when there is no such draft or bind. */
export function findDraftOrBind(store: StoreView, name: string): DraftRecord {
  const colon = name.indexOf(':');
  if (colon < 0) return findDraft(store, name);
  const container = findContainer(store, name.slice(0, colon));
  const target = name.slice(colon + 1);
  const request = container?.mounts.find((one) => one.request.target === target)?.request;
  const found =
    container === undefined || request === undefined ? undefined : bindDraftOf(store, container, request);
  if (found !== undefined) return found;
  throw new UserError(`no such bind with cow: '${name}'`, {
    code: 'ERR_NOT_FOUND',
    hint: "CONTAINER:TARGET; 'plyfs drafts --all' shows those there are",
  });
}

/** The record as it is by now. @returns undefined when the draft, or the container, is gone. */
export function currentDraft(store: StoreView, { name, bind }: DraftRecord): DraftRecord | undefined {
  if (bind === undefined) return readDraft(store, name);
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
  const upper = statSync(store.path(draftFolder(identity), 'upper'), { throwIfNoEntry: false });
  // Before its first start, and where the directory has gone, there is nothing to be told.
  const isThere = upper !== undefined && existsSync(source);
  const path = isThere ? nameFromText(realpathSync(source)) : nameFromText(source);
  const areas: readonly DraftArea[] = isThere ? [{ id: folder, path }] : [];
  // Where the file system does not know when it was made, that was after the container at least.
  const isKnown = upper !== undefined && upper.birthtimeMs > 0;
  const since = isKnown ? { since: upper.birthtime.toISOString() } : {};
  return { ...identity, ...since, createdAt, over: [path], areas };
}
