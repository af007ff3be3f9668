/** The layers of a source with what made them, and what is mounted over them. */

import { resolveContainer } from '../../container/record/find.js';
import { realHome } from '../../container/record/real-root.js';
import { containerStatus, mountPointOf } from '../../container/record/status.js';
import { inspectMount } from '../../daemon/client/inspect-mount.js';
import type { MountReport } from '../../daemon/messages/mount-report.js';
import { UserError } from '../../errno/user-error.js';
import { resolveImage } from '../../image/catalog/image-index.js';
import { readLayer } from '../../image/catalog/layer-record.js';
import { volumeNameOf } from '../../mounts/request/named-sources.js';
import type { Store } from '../../store/store.js';
import { readUsage } from '../../store/usage-record.js';
import { displayName, nameFromText } from '../../vfs/name.js';
import type { ShownLayer, StackReply } from '../api.js';
import { parseSource, stackOf } from './shown-tree.js';

type ShownMounts = StackReply['mounts'];

/** @throws UserError when there is no such thing. */
export async function describeStack(store: Store, source: string): Promise<StackReply> {
  const { kind, name } = parseSource(source);
  const title = name;
  if (kind === 'volume') return { kind, title, note: 'a volume has no layers', layers: [], mounts: [] };
  const layers = shownLayers(store, source);
  switch (kind) {
    case 'image':
      return { kind, title, note: resolveImage(store, name).id, layers, mounts: [] };
    case 'container': {
      const record = resolveContainer(store, name);
      const status = containerStatus(store, record);
      const note = `${status.status}, of image ${record.image.name}`;
      const mounts =
        status.daemon === undefined
          ? plannedMounts(store, name)
          : await mountsAt(mountPointOf(store, record), () => plannedMounts(store, name));
      return { kind, title: record.name, note, layers, mounts };
    }
    case 'mount':
      return { kind, title, note: '', layers, mounts: await mountsAt(name, () => []) };
  }
}

/** Topmost first. */
export function shownLayers(store: Store, source: string): ShownLayer[] {
  const parsed = parseSource(source);
  if (parsed.kind === 'volume') return [];
  const { layers, upper } = stackOf(store, parsed);
  const shown = layers
    .map(
      ({ number, hex, path, createdBy }): ShownLayer => ({
        number,
        kind: 'layer',
        id: hex,
        path,
        createdBy,
        sizeBytes: hex === '' ? undefined : readLayer(store, hex)?.sizeBytes,
      }),
    )
    .reverse();
  if (upper === undefined) return shown;
  const home =
    parsed.kind === 'container' ? realHome(store, resolveContainer(store, parsed.name).id) : undefined;
  const top: ShownLayer = {
    number: layers.length + 1,
    kind: 'upper',
    id: '',
    path: displayName(upper.path),
    createdBy: '',
    sizeBytes: home === undefined ? undefined : readUsage(home)?.bytes,
  };
  return [top, ...shown];
}

/** As the container was made with. */
function plannedMounts(store: Store, name: string): ShownMounts {
  return resolveContainer(store, name).mounts.map(({ request }) => ({
    type: request.type,
    target: request.target,
    source: request.source ?? '',
    isReadOnly: request.readOnly,
    volume: volumeNameOf(request),
    notes: [],
  }));
}

/** As the daemon has them; one that does not answer is no reason to show nothing. */
async function mountsAt(mountpoint: string, otherwise: () => ShownMounts): Promise<ShownMounts> {
  try {
    const { mounts } = await inspectMount(nameFromText(mountpoint));
    const planned = otherwise();
    return mounts.map((report) => ({
      type: report.type,
      target: report.target,
      source: report.source,
      isReadOnly: report.readOnly,
      volume: planned.find(({ target }) => target === report.target)?.volume,
      notes: notesOf(report),
    }));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return otherwise();
  }
}

function notesOf({ storage, waiting, lacks, untried }: MountReport): string[] {
  const lacking = (lacks ?? []).map(({ operation, error }) => `${operation} (${error})`);
  return [
    ...(storage === undefined ? [] : [`remote: ${storage}`]),
    ...(waiting === undefined || waiting.requests === 0
      ? []
      : [
          `${waiting.requests === 1 ? '1 request waits' : `${waiting.requests} requests wait`}, the oldest for ${Math.round(waiting.oldestMs / 1000)} s`,
        ]),
    ...(lacking.length === 0 ? [] : [`lacks ${lacking.join(', ')}`]),
    ...(untried === undefined ? [] : [untried]),
  ];
}
