/**
 * The store as a library: volumes, images and containers, by the functions that the commands call. Names, ids and options are theirs, as
 * text; what is wrong with them is a UserError of one line.
 */

import { resolve } from 'node:path';
import { followEvents } from '../store/event-log.js';
import { Store } from '../store/store.js';
import { checkedOptions } from './checked-options.js';
import { differencesOf, type TreeDifference } from './search-images.js';
import { type StoredContainers, storedContainers } from './stored-containers.js';
import { type StoredDrafts, storedDrafts } from './stored-drafts.js';
import { type StoredImages, storedImages } from './stored-images.js';
import { type StoredSnapshots, storedSnapshots } from './stored-snapshots.js';
import { type StoredVolumes, storedVolumes } from './stored-volumes.js';

/** Which store. */
export interface StoreOptions {
  /** Where it is; by default PLYFS_ROOT, else that of this user. */
  readonly root?: string | undefined;
}

/** Which events. */
export interface EventRange {
  /** Milliseconds since 1970; by default now. */
  readonly sinceMs?: number | undefined;
  /** Aborted: no more events come. */
  readonly signal?: AbortSignal | undefined;
}

/** Something that happened, in Docker's words. */
export interface EventDescription {
  readonly type: 'container' | 'image' | 'volume' | 'mount';
  readonly action: string;
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly timeMs: number;
}

/** A store: what it has, what can be done with it, what happens in it. */
export interface PlyfsStore {
  readonly root: string;
  /** What happens in it, as it happens. */
  events(options?: EventRange): AsyncGenerator<EventDescription>;
  /**
   * What differs between two images, containers, volumes, layers or directories, named as for `plyfs image diff`.
   * @throws UserError when one of them is not there.
   */
  diff(
    before: string,
    after: string,
    options?: { readonly ignoresTimes?: boolean | undefined },
  ): Promise<TreeDifference[]>;
  readonly volumes: StoredVolumes;
  readonly images: StoredImages;
  readonly containers: StoredContainers;
  readonly snapshots: StoredSnapshots;
  readonly drafts: StoredDrafts;
}

/** The store of this user, or another; nothing is made until something is put into it. @throws UserError */
export function storeAt(options: StoreOptions = {}): PlyfsStore {
  const { root } = checkedOptions('storeAt()', options, { root: 'string' });
  const store = root === undefined ? new Store() : new Store(resolve(root));
  return {
    root: store.root,
    events: (range = {}) => eventsOf(store, range),
    diff: (before, after, range = {}) => differencesOf(store, [before, after], range),
    volumes: storedVolumes(store),
    images: storedImages(store),
    containers: storedContainers(store),
    snapshots: storedSnapshots(store),
    drafts: storedDrafts(store),
  };
}

async function* eventsOf(store: Store, options: EventRange): AsyncGenerator<EventDescription> {
  const kinds = { sinceMs: 'number', signal: 'signal' } as const;
  const { sinceMs = Date.now(), signal = new AbortController().signal } = checkedOptions(
    'events()',
    options,
    kinds,
  );
  for await (const event of followEvents(store, signal)) if (event.timeMs >= sinceMs) yield event;
}
