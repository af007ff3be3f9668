/** What a snapshot is taken of, by the text that a user gives. */

import { findContainer, findNamedContainer } from '../container/record/find.js';
import { UserError } from '../errno/user-error.js';
import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { readVolume } from '../store/volume-record.js';
import type { SnapshotTarget } from './snapshot-target.js';

type Find = (store: Store, name: string) => Promise<SnapshotTarget | undefined>;

/**
 * The kinds in the order in which they are asked: the first that has the name counts. Each loads what it needs alone, for a snapshot
 * of a container is to be quick.
 */
const FINDERS: Readonly<Record<SnapshotTarget['kind'], Find>> = {
  container: (store, name) => targetOf(store, findContainer(store, name)),
  volume: async (store, name) => {
    const record = readVolume(store, name);
    if (record === undefined) return undefined;
    return (await import('./volume-target.js')).volumeTarget(store, record);
  },
  draft: async (store, name) => {
    const { readDraft } = await import('../draft/record/draft-record.js');
    const record = readDraft(store, name);
    if (record === undefined) return undefined;
    return (await import('./draft-target.js')).draftTarget(store, record);
  },
  mount: async (store, path) => (await import('./find-upper.js')).findUpper(store, path),
};

const findNamed: Find = (store, name) => targetOf(store, findNamedContainer(store, name));

async function targetOf(
  store: Store,
  record: ContainerRecord | undefined,
): Promise<SnapshotTarget | undefined> {
  if (record === undefined) return undefined;
  return (await import('./container-target.js')).containerTarget(store, record);
}

/**
 * `container:NAME`, `volume:NAME`, `draft:NAME`, `mount:PATH`, or a name or path alone: the first that there is counts.
 * @throws UserError when there is no such thing.
 */
export async function findSnapshotTarget(store: Store, text: string): Promise<SnapshotTarget> {
  const [, prefix = '', rest = ''] = /^(\w+):(.*)$/s.exec(text) ?? [];
  const kinds = Object.keys(FINDERS) as SnapshotTarget['kind'][];
  const kind = rest === '' ? undefined : kinds.find((one) => one === prefix);
  const asked = kind === undefined ? kinds : [kind];
  const name = kind === undefined ? text : rest;
  const { container, ...others } = FINDERS;
  // What something is named is not the beginning of a container's id.
  const finders = kind === undefined ? [findNamed, ...Object.values(others), container] : [FINDERS[kind]];
  for (const find of finders) {
    const found = await find(store, name);
    if (found !== undefined) return found;
  }
  throw new UserError(`no such ${kind ?? 'container, volume, draft or mount point'}: '${name}'`, {
    code: 'ERR_NOT_FOUND',
    hint: `${asked.map((one) => `'${LISTS[one]}'`).join(', ')} ${asked.length > 1 ? 'show' : 'shows'} those there are`,
  });
}

const LISTS: Readonly<Record<SnapshotTarget['kind'], string>> = {
  container: 'plyfs ps -a',
  volume: 'plyfs volume ls',
  draft: 'plyfs drafts',
  mount: 'plyfs mounts',
};
