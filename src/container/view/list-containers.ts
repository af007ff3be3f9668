/**
 * The rows of `container ls`: which containers, in which order, and what is known of each.
 */

import { UserError } from '../../errno/user-error.js';
import { type ContainerRecord, listContainers, volumesOf } from '../../store/container-record.js';
import type { StoreView } from '../../store/store-view.js';
import { matchesText } from '../../volume/volume-names.js';
import { resolveContainer } from '../record/find.js';
import { readHealth } from '../record/health.js';
import {
  type ContainerStatus,
  containerStatus,
  mountPointOf,
  type Status,
  viewHost,
} from '../record/status.js';
import { sinceText, statusText } from './status-text.js';

/** What filters ask; each must hold, of several values of one at least one. */
interface ContainerFilter {
  readonly ids?: readonly string[] | undefined;
  readonly names?: readonly string[] | undefined;
  readonly statuses?: readonly string[] | undefined;
  readonly ancestors?: readonly Ancestor[] | undefined;
  /** Names of volumes, or targets. */
  readonly volumes?: readonly string[] | undefined;
  readonly exitCodes?: readonly string[] | undefined;
  readonly health?: readonly string[] | undefined;
  readonly networks?: readonly string[] | undefined;
  /** `80`, `80/tcp`. */
  readonly exposed?: readonly string[] | undefined;
  /** No port of any is. */
  readonly published?: readonly string[] | undefined;
  /** Whether it is a task of a swarm: none is. */
  readonly isTask?: readonly string[] | undefined;
  readonly before?: string | undefined;
  readonly since?: string | undefined;
  readonly hasLabels?: ((labels: Readonly<Record<string, string>>) => boolean) | undefined;
}

interface ContainerListOptions {
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
export function listedContainers(
  store: StoreView,
  { all, last, filter }: ContainerListOptions,
): ListedContainer[] {
  const view = viewHost();
  const now = Date.now();
  const newestFirst = listContainers(store).reverse();
  const matches = matcher(store, filter);
  const isAll = all || last !== undefined || filter.statuses !== undefined || filter.exitCodes !== undefined;
  const listed = newestFirst
    .map((record) => ({ record, status: containerStatus(store, record, view) }))
    .filter(({ status }) => isAll || status.status === 'running' || status.status === 'dead')
    .filter(({ record, status }) => matches(record, status));
  return listed.slice(0, last).map(({ record, status }) => ({
    record,
    status,
    statusText: statusText(
      status,
      now,
      status.status === 'running' ? readHealth(store, record)?.Status : undefined,
    ),
    age: `${sinceText(record.createdAt, now)} ago`,
    mountPoint: status.daemon === undefined ? '' : mountPointOf(store, record),
  }));
}

type Matches = (record: ContainerRecord, status: ContainerStatus) => boolean;

function matcher(store: StoreView, filter: ContainerFilter): Matches {
  const some = (values: readonly string[] | undefined, test: (value: string) => boolean) =>
    values === undefined || values.some(test);
  checkValues(filter);
  const { ancestors } = filter;
  const time = (text: string | undefined) =>
    text === undefined ? undefined : resolveContainer(store, text).createdAt;
  const before = time(filter.before);
  const since = time(filter.since);
  return (record, { status, state }) =>
    some(filter.ids, (id) => record.id.startsWith(id)) &&
    some(filter.names, (name) => matchesName(record.name, name)) &&
    some(filter.statuses, (wanted) => wanted === status) &&
    some(filter.health, (wanted) => wanted === (readHealth(store, record)?.Status ?? 'none')) &&
    some(filter.exitCodes, (code) => status === 'exited' && String(state?.exitCode) === code) &&
    some(filter.networks, (wanted) => wanted === (record.network ?? 'host')) &&
    some(
      filter.exposed,
      (port) => record.exposedPorts?.includes(port.includes('/') ? port : `${port}/tcp`) === true,
    ) &&
    filter.published === undefined &&
    some(filter.isTask, (wanted) => /^(?:false|0)$/.test(wanted)) &&
    some(filter.volumes, (volume) => hasVolume(record, volume)) &&
    (ancestors === undefined || ancestors.some((ancestor) => descends(record, ancestor))) &&
    (filter.hasLabels === undefined || filter.hasLabels(record.labels)) &&
    (before === undefined || record.createdAt < before) &&
    (since === undefined || record.createdAt > since);
}

const STATUSES: readonly Status[] = ['created', 'running', 'exited', 'dead'];

/** States of Docker's that no container has here. */
const NEVER = ['paused', 'restarting', 'removing'];

const HEALTH: readonly string[] = ['starting', 'healthy', 'unhealthy', 'none'];

function checkValues({ statuses = [], exitCodes = [], health = [], isTask = [] }: ContainerFilter): void {
  for (const word of isTask) {
    if (!/^(?:true|false|1|0)$/.test(word))
      throw new UserError(`invalid filter 'is-task=${word}'`, { hint: 'it is true or false' });
  }
  for (const word of health) {
    if (!HEALTH.includes(word))
      throw new UserError(`invalid filter 'health=${word}'`, { hint: `there are ${HEALTH.join(', ')}` });
  }
  for (const status of statuses) {
    if (!(STATUSES as readonly string[]).includes(status) && !NEVER.includes(status)) {
      throw new UserError(`invalid filter 'status=${status}'`, { hint: `there are ${STATUSES.join(', ')}` });
    }
  }
  for (const code of exitCodes) {
    if (!/^\d{1,3}$/.test(code))
      throw new UserError(`invalid filter 'exited=${code}'`, { hint: 'it is a number' });
  }
}

/** With or without Docker's slash. */
function matchesName(name: string, wanted: string): boolean {
  return matchesText(name, wanted) || matchesText(`/${name}`, wanted);
}

function hasVolume(record: ContainerRecord, wanted: string): boolean {
  return volumesOf(record).includes(wanted) || record.mounts.some(({ request }) => request.target === wanted);
}

export interface Ancestor {
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
