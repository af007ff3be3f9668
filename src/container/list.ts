/**
 * The rows of `container ls`: which containers, in which order, and what is known of each.
 */

import { UserError } from '../errno/user-error.js';
import { findImage } from '../image/image-index.js';
import { type ContainerRecord, listContainers, volumesOf } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { resolveContainer } from './find.js';
import { type ContainerStatus, mountPointOf, type Status, statusOf, viewHost } from './status.js';
import { sinceText, statusText } from './status-text.js';

/** What filters ask; each must hold, of several values of one at least one. */
export interface ContainerFilter {
  readonly ids?: readonly string[] | undefined;
  readonly names?: readonly string[] | undefined;
  readonly statuses?: readonly string[] | undefined;
  readonly ancestors?: readonly string[] | undefined;
  /** Names of volumes, or targets. */
  readonly volumes?: readonly string[] | undefined;
  readonly exitCodes?: readonly string[] | undefined;
  readonly before?: string | undefined;
  readonly since?: string | undefined;
  readonly hasLabels?: ((labels: Readonly<Record<string, string>>) => boolean) | undefined;
}

export interface ListWays {
  /** Also those that do not run. */
  readonly all: boolean;
  /** The last so many, whatever they do. */
  readonly last?: number | undefined;
  readonly filter: ContainerFilter;
}

export interface ListedContainer {
  readonly record: ContainerRecord;
  readonly status: ContainerStatus;
  readonly statusText: string;
  /** `5 minutes ago`. */
  readonly age: string;
  readonly mountPoint: string;
}

/** Newest first. @throws UserError for a filter that names no container, or has a value that cannot be. */
export function listedContainers(store: Store, { all, last, filter }: ListWays): ListedContainer[] {
  const view = viewHost();
  const now = Date.now();
  const newestFirst = listContainers(store).reverse();
  const matches = matcher(store, filter);
  const isAll = all || last !== undefined || filter.statuses !== undefined || filter.exitCodes !== undefined;
  const listed = newestFirst
    .map((record) => ({ record, status: statusOf(store, record, view) }))
    .filter(({ status }) => isAll || status.status === 'running' || status.status === 'dead')
    .filter(({ record, status }) => matches(record, status));
  return listed.slice(0, last).map(({ record, status }) => ({
    record,
    status,
    statusText: statusText(status, now),
    age: `${sinceText(record.createdAt, now)} ago`,
    mountPoint: status.daemon === undefined ? '' : mountPointOf(store, record),
  }));
}

type Matches = (record: ContainerRecord, status: ContainerStatus) => boolean;

function matcher(store: Store, filter: ContainerFilter): Matches {
  const some = (values: readonly string[] | undefined, test: (value: string) => boolean) =>
    values === undefined || values.some(test);
  checkValues(filter);
  const ancestors = filter.ancestors?.map((text) => ({ text, image: findImage(store, text) }));
  const time = (text: string | undefined) =>
    text === undefined ? undefined : resolveContainer(store, text).createdAt;
  const before = time(filter.before);
  const since = time(filter.since);
  return (record, { status, state }) =>
    some(filter.ids, (id) => record.id.startsWith(id)) &&
    some(filter.names, (name) => matchesName(record.name, name)) &&
    some(filter.statuses, (wanted) => wanted === status) &&
    some(filter.exitCodes, (code) => status === 'exited' && String(state?.exitCode) === code) &&
    some(filter.volumes, (volume) => hasVolume(record, volume)) &&
    (ancestors === undefined || ancestors.some((ancestor) => descends(record, ancestor))) &&
    (filter.hasLabels === undefined || filter.hasLabels(record.labels)) &&
    (before === undefined || record.createdAt < before) &&
    (since === undefined || record.createdAt > since);
}

const STATUSES: readonly Status[] = ['created', 'running', 'exited', 'dead'];

function checkValues({ statuses = [], exitCodes = [] }: ContainerFilter): void {
  for (const status of statuses) {
    if (!(STATUSES as readonly string[]).includes(status)) {
      throw new UserError(`invalid filter 'status=${status}'`, { hint: `there are ${STATUSES.join(', ')}` });
    }
  }
  for (const code of exitCodes) {
    if (!/^\d{1,3}$/.test(code))
      throw new UserError(`invalid filter 'exited=${code}'`, { hint: 'it is a number' });
  }
}

/** As Docker: the text anywhere in the name, or as a regular expression. */
function matchesName(name: string, wanted: string): boolean {
  if (name.includes(wanted)) return true;
  try {
    return new RegExp(wanted).test(name) || new RegExp(wanted).test(`/${name}`);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function hasVolume(record: ContainerRecord, wanted: string): boolean {
  return volumesOf(record).includes(wanted) || record.mounts.some(({ request }) => request.target === wanted);
}

interface Ancestor {
  readonly text: string;
  /** Undefined: it is gone, or never was; containers still know the name they were made by. */
  readonly image: { readonly id: string; readonly layers: readonly string[] } | undefined;
}

/** The image itself, or one that has all of its layers at the bottom. */
function descends(record: ContainerRecord, { text, image }: Ancestor): boolean {
  if (image === undefined) return record.image.name === text;
  if (record.image.id === image.id) return true;
  return image.layers.length > 0 && image.layers.every((hex, index) => record.layers[index] === hex);
}
