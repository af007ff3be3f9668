/** `system df -v` as Docker lays it out: a table each for images, containers, volumes and the cache of builds. */

import { type ListedContainer, listedContainers } from '../../../container/view/list-containers.js';
import { isIntermediate, listImages } from '../../../image/catalog/image-index.js';
import { listRows } from '../../../image/catalog/list-rows.js';
import type { Store } from '../../../store/store.js';
import { type Column, formatTable, type Row } from '../../print/format-table.js';
import { humanAge, humanSize } from '../../print/progress.js';
import type { DiskUsage, UsedThing } from '../../system/disk-usage.js';
import { containerRow, shortenedContainer } from '../container/container-list.js';

const SHORT_ID = 12;
/** Nobody has measured. */
const UNKNOWN = 'N/A';

const IMAGES = columns(
  'REPOSITORY',
  'TAG',
  'IMAGE ID',
  'CREATED',
  'SIZE',
  'SHARED SIZE',
  'UNIQUE SIZE',
  'CONTAINERS',
);
const VOLUMES = columns('VOLUME NAME', 'LINKS', 'SIZE');
const CACHE = columns('CACHE ID', 'CACHE TYPE', 'SIZE', 'CREATED', 'LAST USED', 'USAGE', 'SHARED');
const CONTAINERS: readonly Column[] = [
  { title: 'CONTAINER ID', key: 'ID' },
  { title: 'IMAGE', key: 'Image' },
  { title: 'COMMAND', key: 'Command' },
  { title: 'LOCAL VOLUMES', key: 'LocalVolumes' },
  { title: 'SIZE', key: 'Size' },
  { title: 'CREATED', key: 'RunningFor' },
  { title: 'STATUS', key: 'Status' },
  { title: 'NAMES', key: 'Names' },
];

function columns(...titles: readonly string[]): readonly Column[] {
  return titles.map((title) => ({ title, key: title }));
}

export function diskSections(store: Store, usage: DiskUsage): string {
  const cache = cacheRows(store, usage);
  const cacheBytes = cache.reduce((sum, { Bytes }) => sum + Number(Bytes), 0);
  const sections: readonly (readonly [title: string, rows: readonly Row[], columns: readonly Column[]])[] = [
    ['Images space usage:', imageRows(store, usage), IMAGES],
    ['Containers space usage:', containerRows(store, usage), CONTAINERS],
    ['Local Volumes space usage:', usage.volumes.map(volumeRow), VOLUMES],
    [`Build cache usage: ${humanSize(cacheBytes)}`, cache, CACHE],
  ];
  return sections.map(([title, rows, shape]) => `${title}\n\n${formatTable(rows, shape)}`).join('\n');
}

function imageRows(store: Store, { images }: DiskUsage): Row[] {
  const shared = new Map(images.map(({ id, sharedBytes = 0 }) => [id, sharedBytes]));
  return listRows(store, new Map()).map((row) => {
    const sharedBytes = shared.get(row.id) ?? 0;
    return {
      REPOSITORY: row.repository,
      TAG: row.tag,
      'IMAGE ID': row.id.replace(/^sha256:/, '').slice(0, SHORT_ID),
      CREATED: humanAge(row.created),
      SIZE: humanSize(row.sizeBytes),
      'SHARED SIZE': humanSize(sharedBytes),
      'UNIQUE SIZE': humanSize(row.sizeBytes - sharedBytes),
      CONTAINERS: row.containers,
    };
  });
}

function containerRows(store: Store, { containers }: DiskUsage): Row[] {
  const sizes = new Map(containers.map((one) => [one.id, sizeText(one)]));
  const all = listedContainers(store, { all: true, filter: {} });
  return all.map((one: ListedContainer) => ({
    ...shortenedContainer(containerRow(one)),
    Size: sizes.get(one.record.id) ?? UNKNOWN,
  }));
}

function volumeRow(volume: UsedThing): Row {
  return { 'VOLUME NAME': volume.name, LINKS: volume.users ?? 0, SIZE: sizeText(volume) };
}

function sizeText({ usage }: UsedThing): string {
  return usage === undefined ? UNKNOWN : humanSize(usage.bytes);
}

/** Images that builds keep for their steps: what they alone have. */
function cacheRows(store: Store, { images }: DiskUsage): Row[] {
  const unique = new Map(images.map(({ id, uniqueBytes = 0 }) => [id, uniqueBytes]));
  return listImages(store)
    .filter(isIntermediate)
    .map(({ id, config }) => ({
      'CACHE ID': id.replace(/^sha256:/, '').slice(0, SHORT_ID),
      'CACHE TYPE': 'regular',
      SIZE: humanSize(unique.get(id) ?? 0),
      Bytes: unique.get(id) ?? 0,
      CREATED: humanAge(config.created ?? ''),
      'LAST USED': '',
      USAGE: '',
      SHARED: 'false',
    }));
}
