/** The volumes of a store, by the functions that `plyfs volume` calls. */

import { runningMounts, runningUsersOf } from '../daemon/run-directory/store-users.js';
import { noticeLines } from '../image/layer/notice-lines.js';
import type { Store } from '../store/store.js';
import { volumeData } from '../store/volume-home.js';
import { listVolumes, readVolume, type VolumeRecord } from '../store/volume-record.js';
import { cloneVolume } from '../volume/clone-volume.js';
import { createVolume } from '../volume/create-volume.js';
import { exportVolume } from '../volume/export-volume.js';
import { importVolume } from '../volume/import-volume.js';
import { inspectVolume } from '../volume/inspect-volume.js';
import { describeVolumes } from '../volume/list-volumes.js';
import { pruneVolumes } from '../volume/prune-volumes.js';
import { removeVolume } from '../volume/remove-volume.js';
import { renameVolume } from '../volume/rename-volume.js';
import { noSuchVolume } from '../volume/volume-names.js';
import { type ArchiveSource, type ArchiveTarget, sourceChunks, writeArchive } from './archive-ends.js';
import { checkedOptions, checkedText } from './checked-options.js';
import { hasLabels, PRUNE_KINDS, type PruneOptions, type WarningOptions } from './library-options.js';

/** A volume: a directory that outlives containers and mounts. */
export interface VolumeDescription {
  readonly name: string;
  readonly createdAt: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The directory with its data. */
  readonly path: string;
}

/** What a volume is made with. */
export interface NewVolume {
  /** Without one it is anonymous. */
  readonly name?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** As `--opt`: `size`, `type`, `device`, `o`. */
  readonly options?: Readonly<Record<string, string>> | undefined;
}

/** Options for a volume that is made of another, or of a tar. */
export interface VolumeCopyOptions extends WarningOptions {
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** The volumes of a store. */
export interface StoredVolumes {
  /** Sorted by name. */
  list(): VolumeDescription[];
  /** Makes the volume, or finds the one with the same options. @throws UserError */
  create(options?: NewVolume): VolumeDescription;
  /** What `plyfs volume inspect` prints. @throws UserError when there is none. */
  inspect(name: string): Record<string, unknown>;
  /** @throws UserError when there is none, or it is in use. */
  remove(name: string): void;
  /** Removes what nobody uses, by default anonymous ones alone. @returns the names, and what they took. */
  prune(options?: PruneOptions): { readonly names: readonly string[]; readonly bytes: number };
  /** @throws UserError while somebody uses it. */
  rename(name: string, to: string): void;
  /** A new volume with the content of another. @throws UserError */
  clone(name: string, to: string, options?: VolumeCopyOptions): Promise<VolumeDescription>;
  /** Writes a tar. @throws UserError */
  export(name: string, target: ArchiveTarget, options?: WarningOptions): Promise<void>;
  /** Unpacks a tar into a new or empty volume. @throws UserError; then it is as it was. */
  import(name: string, source: ArchiveSource, options?: VolumeCopyOptions): Promise<VolumeDescription>;
}

const COPY_KINDS = { labels: 'texts by name', onWarning: 'function' } as const;

export function storedVolumes(store: Store): StoredVolumes {
  const described = ({ name, createdAt, labels }: VolumeRecord): VolumeDescription => ({
    name,
    createdAt,
    labels,
    path: store.path(volumeData(name)),
  });
  const known = (called: string, name: string): VolumeRecord => {
    const record = readVolume(store, checkedText(`volumes.${called}()`, 'name', name));
    if (record === undefined) throw noSuchVolume(name);
    return record;
  };
  return {
    list: () => listVolumes(store).map(described),
    create: (options = {}) => {
      const kinds = { name: 'string', labels: 'texts by name', options: 'texts by name' } as const;
      return described(createVolume(store, checkedOptions('volumes.create()', options, kinds)).record);
    },
    inspect: (name) => {
      const { name: wanted } = known('inspect', name);
      const volumes = describeVolumes(store, runningMounts(store.root));
      return inspectVolume(volumes.find(({ record }) => record.name === wanted)!);
    },
    remove: (name) => removeVolume(store, known('remove', name).name, runningUsersOf(store.root)),
    prune: (options = {}) => {
      const { all = false, labels, beforeMs } = checkedOptions('volumes.prune()', options, PRUNE_KINDS);
      const filter = { labels: hasLabels(labels), until: beforeMs === undefined ? [] : [beforeMs] };
      return pruneVolumes(store, { all, filter, running: runningMounts(store.root) });
    },
    rename: (name, to) => {
      const { name: from } = known('rename', name);
      renameVolume(store, from, checkedText('volumes.rename()', 'new name', to), runningUsersOf(store.root));
    },
    clone: async (name, to, options = {}) => {
      const { labels = {}, onWarning } = checkedOptions('volumes.clone()', options, COPY_KINDS);
      checkedText('volumes.clone()', 'new name', to);
      const { warnings } = await cloneVolume(store, { from: known('clone', name).name, to, labels });
      for (const warning of warnings) onWarning?.(warning);
      return described(known('clone', to));
    },
    export: async (name, target, options = {}) => {
      const { onWarning } = checkedOptions('volumes.export()', options, { onWarning: 'function' });
      using exported = await exportVolume(store, known('export', name).name);
      await writeArchive('volumes.export()', target, exported.chunks);
      for (const [what, count] of exported.notices) onWarning?.(`${what} are left out: ${count}`);
    },
    import: async (name, source, options = {}) => {
      const { labels = {}, onWarning } = checkedOptions('volumes.import()', options, COPY_KINDS);
      checkedText('volumes.import()', 'name', name);
      const chunks = sourceChunks('volumes.import()', source);
      const notices = await importVolume(store, {
        name,
        labels,
        source: chunks,
        skipDevices: false,
        onBytes: () => undefined,
      });
      for (const line of noticeLines(notices)) onWarning?.(line);
      return described(known('import', name));
    },
  };
}
