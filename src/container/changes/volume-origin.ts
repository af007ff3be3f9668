/** What filled a volume, what the volume has become since, and how it becomes that again. */

import { rmdirSync } from 'node:fs';
import { buildConfig } from '../../daemon/config/build-config.js';
import { UserError } from '../../errno/user-error.js';
import { findImage, type Image, resolveImage } from '../../image/catalog/image-index.js';
import { layerTreePaths } from '../../image/catalog/layer-record.js';
import { shortName } from '../../image/oci/reference.js';
import { makeDirectories } from '../../linux/files/make-directories.js';
import { openMirrorView } from '../../mounts/mirror/open-mirror-view.js';
import { replaceDirectory } from '../../store/replace-directory.js';
import type { Store } from '../../store/store.js';
import { writeUsage } from '../../store/usage-record.js';
import { volumeData, volumeHome } from '../../store/volume-home.js';
import { readVolume, type VolumeFilling, type VolumeRecord } from '../../store/volume-record.js';
import type { FileSystem } from '../../vfs/file-system.js';
import { type Name, nameFromText } from '../../vfs/name.js';
import { backingOf } from '../../volume/backing/driver-options.js';
import { type CopyOutcome, copyTree } from '../../volume/copy-tree.js';
import { useVolume, whileUnused } from '../../volume/use.js';
import { noSuchVolume } from '../../volume/volume-names.js';
import { mountDetached } from '../tree/detached-mount.js';
import { ImageTree } from '../tree/image-tree.js';

interface VolumeOrigin {
  readonly record: VolumeRecord;
  readonly filling: VolumeFilling;
  readonly image: Image;
  /** In the image, without a leading slash, free of symlinks. */
  readonly path: Name;
}

/** What a volume and the image's directory have, for a comparison. */
interface VolumeDrift extends AsyncDisposable {
  /** As users name the image. */
  readonly imageName: string;
  /** The name means another image by now. */
  readonly isOutdated: boolean;
  /** Absolute. */
  readonly path: string;
  readonly before: FileSystem;
  readonly beforeAt: Name;
  readonly after: FileSystem;
}

/**
 * @param imageName instead of the image that filled it.
 * @throws UserError when nothing filled it, or the image is gone.
 */
export async function openVolumeDrift(
  store: Store,
  volume: string,
  imageName: string | undefined,
): Promise<VolumeDrift> {
  const { filling, image, path } = originOf(store, volume, imageName ?? { of: 'then' });
  const use = await useVolume(store, volume, { what: `cannot look into volume '${volume}'` });
  const tree = new ImageTree(layerTreePaths(store, image.layers));
  const after = openMirrorView(nameFromText(use.path));
  return {
    imageName: imageName ?? filling.imageName,
    isOutdated: imageName === undefined && findImage(store, filling.imageName)?.id !== image.id,
    path: filling.path,
    before: tree.fs,
    beforeAt: path,
    after,
    [Symbol.asyncDispose]: async () => {
      after.detach();
      tree[Symbol.dispose]();
      use[Symbol.dispose]();
    },
  };
}

/**
 * The volume has what the image has, as when it was new; what was changed in it is gone.
 * @param imageName instead of the name that filled it, whatever that means by now.
 * @throws UserError when nothing filled it, the image is gone, or the volume is in use.
 */
export async function reseedVolume(
  store: Store,
  volume: string,
  imageName: string | undefined,
): Promise<CopyOutcome> {
  const { record, filling, image, path } = originOf(store, volume, imageName ?? { of: 'now' });
  if (backingOf(record.options).kind !== 'directory')
    throw new UserError(`cannot reseed volume '${volume}': its data lies on storage of its own`, {
      hint: 'empty it, and a new container fills it again',
    });
  const place = store.path(volumeHome(volume), '.image');
  makeDirectories(place, 0o700);
  await using mounted = await mountDetached(
    buildConfig({ mountpoint: place, layers: layerTreePaths(store, image.layers) }),
  );
  rmdirSync(place);
  const outcomes: CopyOutcome[] = [];
  const next = {
    ...record,
    filledFrom: { ...filling, image: image.id, imageName: imageName ?? filling.imageName },
  };
  replaceDirectory(store, {
    kind: 'volumes',
    path: volumeData(volume),
    fill: (to) => outcomes.push(copyTree(`${mounted.path}/${path}`, to)),
    record: { path: `${volumeHome(volume)}/volume.json`, text: `${JSON.stringify(next, null, 2)}\n` },
    whileFree: (change) => {
      if (whileUnused(store, volume, change)) return;
      throw new UserError(`cannot reseed volume '${volume}': it is in use`, {
        code: 'ERR_IN_USE',
        hint: 'stop and unmount what uses it first',
      });
    },
  });
  const [outcome] = outcomes;
  writeUsage(store.path(volumeHome(volume)), outcome!);
  return outcome!;
}

/** @param wanted a name, or the image that filled the volume: as its name was meant then, or is meant now. */
function originOf(
  store: Store,
  volume: string,
  wanted: string | { readonly of: 'then' | 'now' },
): VolumeOrigin {
  const record = readVolume(store, volume);
  if (record === undefined) throw noSuchVolume(volume);
  const { filledFrom: filling } = record;
  if (filling === undefined)
    throw new UserError(`volume '${volume}' was not filled from an image`, {
      hint: 'a volume is filled when a new container has it for the first time, and is empty until then',
    });
  const image =
    typeof wanted === 'string'
      ? resolveImage(store, wanted)
      : ((wanted.of === 'now' ? findImage(store, filling.imageName) : undefined) ??
        findImage(store, filling.image) ??
        gone(volume, filling));
  using tree = new ImageTree(layerTreePaths(store, image.layers));
  const { path, type } = tree.resolve(filling.path);
  if (type === 'directory') return { record, filling, image, path: nameFromText(path.replace(/^\/+/, '')) };
  const shown = image.names.map(shortName)[0] ?? image.id;
  throw new UserError(
    `image '${shown}' has no directory '${filling.path}', which volume '${volume}' is filled from`,
  );
}

function gone(volume: string, { imageName }: VolumeFilling): never {
  throw new UserError(`the image that volume '${volume}' was filled from is gone: '${imageName}'`, {
    code: 'ERR_NOT_FOUND',
    hint: 'another one can be named with --image',
  });
}
