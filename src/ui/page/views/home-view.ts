/** All that can be looked at. */

import type { OverviewReply } from '../../api.js';
import { hashOf } from '../address.js';
import { element, emptyNote, hyperlink, table } from '../element.js';
import type { View } from '../page-view.js';
import { shownName, shownSize, shownTime } from '../shown-text.js';

type Cells = (Node | string)[];

interface ListedKind {
  readonly title: string;
  readonly columns: Parameters<typeof table>[0];
  readonly rows: readonly Cells[];
  /** Said where there is none, and what makes one. */
  readonly none: readonly [text: string, command: string];
}

export class HomeView implements View {
  readonly element: HTMLElement;

  constructor({ images, containers, volumes, mounts }: OverviewReply) {
    this.element = element(
      'div',
      { class: 'stacked' },
      section({
        title: 'Images',
        columns: ['Name', { number: 'Layers' }, { number: 'Size' }, 'Made'],
        rows: images.map(({ name, layers, sizeBytes, created }) => [
          treeLink(`image:${name}`, name),
          String(layers),
          shownSize(sizeBytes),
          shownTime(Date.parse(created)),
        ]),
        none: ['There is no image.', 'plyfs image pull debian'],
      }),
      section({
        title: 'Containers',
        columns: ['Name', 'Image', 'Status'],
        rows: containers.map(({ name, image, status }) => [
          treeLink(`container:${name}`, name),
          element('span', { class: 'name' }, shownName(image)),
          element('span', { class: `dot ${stateClass(status)}` }, shownName(status)),
        ]),
        none: ['There is no container.', 'plyfs run -it debian'],
      }),
      section({
        title: 'Mounts',
        columns: ['Path', { number: 'Layers' }, 'Mounted over them'],
        rows: mounts.map(({ mountpoint, layers, mounts: over }) => [
          treeLink(`mount:${mountpoint}`, mountpoint),
          String(layers),
          shownName(over.join(', ')),
        ]),
        none: ['Nothing is mounted but containers.', 'plyfs mount -l LAYER --upper UPPER MOUNTPOINT'],
      }),
      section({
        title: 'Volumes',
        columns: ['Name', { number: 'Size' }, 'Made'],
        rows: volumes.map(({ name, usage, createdAt }) => [
          treeLink(`volume:${name}`, name),
          shownSize(usage?.bytes),
          shownTime(Date.parse(createdAt)),
        ]),
        none: ['There is no volume.', 'plyfs volume create data'],
      }),
    );
  }
}

function stateClass(status: string): string {
  if (status.startsWith('Up')) return 'on';
  return status.startsWith('Dead') ? 'bad' : '';
}

function treeLink(source: string, name: string): HTMLElement {
  return hyperlink(hashOf({ view: 'tree', source }), shownName(name));
}

function section({ title, columns, rows, none }: ListedKind): HTMLElement {
  return element(
    'section',
    { class: 'panel listing', attributes: { 'aria-label': title } },
    element('h2', {}, title),
    rows.length === 0 ? emptyNote(...none) : table(columns, rows, { unseen: `${title} of the store` }),
  );
}
