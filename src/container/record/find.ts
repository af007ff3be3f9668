/** Which container is meant: by id, by name, or by the beginning of an id; in this order, as Docker decides. */

import { UserError } from '../../errno/user-error.js';
import { type ContainerRecord, listContainers, readContainer } from '../../store/container-record.js';
import type { StoreView } from '../../store/store-view.js';

/** @throws UserError `no such container: 'TEXT'`, or when several ids begin so. */
export function resolveContainer(store: StoreView, text: string): ContainerRecord {
  const found = findContainer(store, text);
  if (found !== undefined) return found;
  throw new UserError(`no such container: '${text}'`, {
    code: 'ERR_NOT_FOUND',
    hint: "'plyfs container ls -a' shows those there are",
  });
}

/** @throws UserError when several ids begin so. */
export function findContainer(store: StoreView, text: string): ContainerRecord | undefined {
  if (text === '') return undefined;
  const records = listContainers(store);
  const exact = namedAmong(records, text);
  if (exact !== undefined) return exact;
  const begins = records.filter(({ id }) => id.startsWith(text));
  if (begins.length > 1) {
    throw new UserError(`container id '${text}' is ambiguous: ${begins.length} containers begin so`, {
      hint: 'give more digits, or the name',
    });
  }
  return begins[0];
}

/** By its whole id or its name. */
export function findNamedContainer(store: StoreView, text: string): ContainerRecord | undefined {
  return text === '' ? undefined : namedAmong(listContainers(store), text);
}

function namedAmong(records: readonly ContainerRecord[], text: string): ContainerRecord | undefined {
  const name = text.startsWith('/') ? text.slice(1) : text;
  return records.find(({ id }) => id === text) ?? records.find((record) => record.name === name);
}

/** The record as it is now, of one that was found before. @throws UserError when it was removed meanwhile. */
export function reread(store: StoreView, { id, name }: ContainerRecord): ContainerRecord {
  const record = readContainer(store, id);
  if (record === undefined)
    throw new UserError(`no such container: '${name}'`, {
      code: 'ERR_NOT_FOUND',
      hint: 'it was removed just now',
    });
  return record;
}

const SHORT_ID = 12;

export function shortId(id: string): string {
  return id.slice(0, SHORT_ID);
}
