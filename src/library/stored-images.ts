/** The images of a store, by the functions that `plyfs image` calls. */

import { resolve } from 'node:path';
import { applyChanges } from '../image/add/changes.js';
import { importImage } from '../image/add/import-image.js';
import { loadImages } from '../image/add/load-image.js';
import { historyRows } from '../image/catalog/history-rows.js';
import { type Image, listImages, resolveImage } from '../image/catalog/image-index.js';
import { inspectImage } from '../image/catalog/inspect-image.js';
import { pruneImages, removeImage, tagImage } from '../image/catalog/remove-image.js';
import { noticeLines } from '../image/layer/notice-lines.js';
import { type SaveFormat, saveImages } from '../image/layout/save-image.js';
import { parsePlatform } from '../image/oci/platform.js';
import { formatReference, parseImageName, shortName } from '../image/oci/reference.js';
import type { Store } from '../store/store.js';
import {
  type ArchiveSource,
  type ArchiveTarget,
  sourceChunks,
  sourceName,
  writeArchive,
} from './archive-ends.js';
import { type BuildRequest, buildStoredImage } from './build-stored-image.js';
import { checkedOptions, checkedText, checkedTexts } from './checked-options.js';
import {
  hasLabels,
  PRUNE_KINDS,
  type PruneOptions,
  progressCounters,
  type TransferProgress,
  type WarningOptions,
} from './library-options.js';
import { type FoundFile, findFiles, type ImageWaste, imageWaste, type LayerSearch } from './search-images.js';
import { type ImageTransfers, imageTransfers } from './transfer-images.js';

/** An image of the store. */
export interface ImageDescription {
  readonly id: string;
  readonly names: readonly string[];
}

/** How a tar becomes an image. */
export interface ImageImport extends WarningOptions {
  /** `NAME[:TAG]`. */
  readonly name?: string | undefined;
  /** Instructions of a Dockerfile, as `--change`. */
  readonly changes?: readonly string[] | undefined;
  /** As `--platform`: `linux/arm64`; by default the host's. */
  readonly platform?: string | undefined;
  /** The history's comment. */
  readonly message?: string | undefined;
  /** Told as the bytes come or go. */
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
}

/** How the images of an archive are added. */
export interface ImageLoad extends WarningOptions {
  /** The platform to take of an image for several; by default the host's. */
  readonly platform?: string | undefined;
  /** Told as the bytes come or go. */
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
}

/** How images are written to an archive. */
export interface ImageSave {
  readonly format?: SaveFormat | undefined;
  /** The platform to write of an image for several; by default that which is unpacked. */
  readonly platform?: string | undefined;
}

/** A line of an image's history. */
export interface ImageHistoryLine {
  /** ISO 8601, or empty. */
  readonly created: string;
  readonly createdBy: string;
  readonly comment: string;
  /** The size of the layer's files; 0 for a line that made none. */
  readonly sizeBytes: number;
  /** The chainID of the layer in hex; undefined for a line that made none. */
  readonly layer: string | undefined;
}

/** What went with an image, or with all that nobody uses. */
export interface ImageRemoval {
  readonly untagged: readonly string[];
  /** Ids. */
  readonly deleted: readonly string[];
  readonly freedBytes: number;
}

/** The images of a store. */
export interface StoredImages extends ImageTransfers {
  /** Newest first. */
  list(): ImageDescription[];
  /** @throws UserError when there is none. */
  find(name: string): ImageDescription;
  /** What `plyfs image inspect` prints. @throws UserError when there is none. */
  inspect(name: string): Record<string, unknown>;
  /** Makes an image of a tar of a root directory. @returns its id. @throws UserError; then there is no new image. */
  import(source: ArchiveSource, options?: ImageImport): Promise<string>;
  /** Adds the images of an OCI layout (a directory or a tar) or of what `docker save` writes. @throws UserError; then there is none. */
  load(path: string, options?: ImageLoad): Promise<ImageDescription[]>;
  /** Writes images to an archive. @throws UserError */
  save(names: readonly string[], target: ArchiveTarget, options?: ImageSave): Promise<void>;
  /** Makes an image of a Dockerfile and a directory. @returns its id. @throws UserError; then only the cache has grown. */
  build(context: string, options?: BuildRequest): Promise<string>;
  /** Gives an image one more name, which is taken from the image that has it. @throws UserError */
  tag(name: string, to: string): void;
  /** Removes a name, and the image with its last one. @throws UserError when a container uses it, unless it is forced. */
  remove(name: string, options?: { readonly force?: boolean | undefined }): ImageRemoval;
  /** Removes what no container uses, by default images without a name alone. */
  prune(options?: PruneOptions): ImageRemoval;
  /** How an image came about, newest first. @throws UserError when there is none. */
  history(name: string): ImageHistoryLine[];
  /** Which bytes of an image nobody sees, or are there twice. @throws UserError when there is none. */
  waste(name: string): ImageWaste;
  /** What in its layers is as asked, also what later layers hide. @throws UserError when there is none. */
  findFiles(name: string, search?: LayerSearch): FoundFile[];
}

export function storedImages(store: Store): StoredImages {
  const described = ({ id, names }: Pick<Image, 'id' | 'names'>): ImageDescription => ({
    id,
    names: names.map(shortName),
  });
  const known = (called: string, name: string): Image =>
    resolveImage(store, checkedText(`images.${called}()`, 'name', name));
  return {
    ...imageTransfers(store),
    list: () => listImages(store).map(described),
    find: (name) => described(known('find', name)),
    inspect: (name) => ({ ...inspectImage(store, known('inspect', name)) }),
    import: (source, options = {}) => importSource(store, source, options),
    load: async (path, options = {}) => (await loadArchive(store, path, options)).map(described),
    save: (names, target, options = {}) => saveArchive(store, names, { target, options }),
    build: (context, options = {}) => buildStoredImage(store, context, options),
    tag: (name, to) => {
      checkedText('images.tag()', 'new name', to);
      tagImage(store, checkedText('images.tag()', 'name', name), to);
    },
    remove: (name, options = {}) => {
      const { force = false } = checkedOptions('images.remove()', options, { force: 'boolean' });
      return removeImage(store, checkedText('images.remove()', 'name', name), { force });
    },
    prune: (options = {}) => pruneUnused(store, options),
    history: (name) => historyRows(store, known('history', name)),
    waste: (name) => imageWaste(store, known('waste', name)),
    findFiles: (name, search = {}) => findFiles(store, known('findFiles', name), search),
  };
}

async function importSource(store: Store, source: ArchiveSource, options: ImageImport): Promise<string> {
  const { name, changes, platform, message, onProgress, onWarning } = checkedOptions(
    'images.import()',
    options,
    {
      name: 'string',
      changes: 'strings',
      platform: 'string',
      message: 'string',
      onProgress: 'function',
      onWarning: 'function',
    },
  );
  const { id, notices } = await importImage(store, sourceChunks('images.import()', source), {
    name: name === undefined ? undefined : formatReference(parseImageName(name)),
    config: applyChanges({}, changes ?? []),
    platform: platform === undefined ? undefined : parsePlatform(platform),
    comment: message ?? `Imported from ${sourceName(source)}`,
    skipDevices: false,
    onBytes: progressCounters(onProgress).onBytes,
  });
  for (const line of noticeLines(notices)) onWarning?.(line);
  return id;
}

async function loadArchive(store: Store, path: string, options: ImageLoad) {
  checkedText('images.load()', 'path', path);
  const { platform, onProgress, onWarning } = checkedOptions('images.load()', options, {
    platform: 'string',
    onProgress: 'function',
    onWarning: 'function',
  });
  const { images, notices, wrongNames } = await loadImages(store, resolve(path), {
    platform: platform === undefined ? undefined : parsePlatform(platform),
    skipDevices: false,
    onBytes: progressCounters(onProgress).onBytes,
  });
  for (const line of noticeLines(notices)) onWarning?.(line);
  for (const name of wrongNames)
    onWarning?.(`the name ${JSON.stringify(name)} was left out: no image can have it`);
  return images;
}

async function saveArchive(
  store: Store,
  names: readonly string[],
  { target, options }: { readonly target: ArchiveTarget; readonly options: ImageSave },
): Promise<void> {
  checkedTexts('images.save()', 'list of names', names);
  const { format = 'oci-archive', platform } = checkedOptions('images.save()', options, {
    format: ['oci-archive', 'docker-archive'],
    platform: 'string',
  });
  const wanted = platform === undefined ? undefined : parsePlatform(platform);
  await writeArchive('images.save()', target, saveImages(store, names, format, wanted));
}

function pruneUnused(store: Store, options: PruneOptions): ImageRemoval {
  const { all = false, labels, beforeMs } = checkedOptions('images.prune()', options, PRUNE_KINDS);
  const isMeant = hasLabels(labels);
  return pruneImages(store, {
    all,
    keep: ({ config }) =>
      !isMeant(config.config?.Labels ?? {}) ||
      (beforeMs !== undefined && !(Date.parse(config.created ?? '') < beforeMs)),
  });
}
