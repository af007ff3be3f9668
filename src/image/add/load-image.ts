/**
 * `image load`: images from an OCI layout or what `docker save` writes, as a directory, a tar or a compressed tar.
 */

import { closeSync, fstatSync, readSync, statSync } from 'node:fs';
import { compressionOf, decompress } from '../../archive/compress/decompress.js';
import { openFile, openInput } from '../../archive/streams/input.js';
import { UserError } from '../../errno/user-error.js';
import type { Store } from '../../store/store.js';
import { noteImage } from '../catalog/note-image.js';
import type { Notices } from '../layer/entry-attributes.js';
import { type Archive, DirectoryArchive, TarArchive } from '../layout/image-archive.js';
import { isDockerArchive, readDockerArchive } from '../layout/read-docker.js';
import { isLegacyArchive, readLegacyArchive } from '../layout/read-legacy.js';
import { isOciLayout, readOciLayout } from '../layout/read-oci.js';
import type { Digest, Platform } from '../oci/oci.js';
import { hostPlatform } from '../oci/platform.js';
import { ImageStage } from './image-stage.js';
import { stageImage } from './stage-image.js';
import type { UnpackOptions } from './unpack-layer.js';

interface LoadOptions extends UnpackOptions {
  readonly platform?: Platform | undefined;
}

interface LoadedImage {
  readonly id: Digest;
  readonly names: readonly string[];
}

interface Loaded {
  readonly images: readonly LoadedImage[];
  readonly notices: Notices;
  /** Names in the archive that nothing can have. */
  readonly wrongNames: readonly string[];
}

const ATTEMPTS = 3;

/** `path`: a file, a directory, or `-`. @throws UserError; the store is then as it was. */
export async function loadImages(store: Store, path: string, options: LoadOptions = {}): Promise<Loaded> {
  for (let attempt = 1; ; attempt++) {
    using stage = new ImageStage(store);
    using archive = await openArchive(stage, path);
    const notices: Notices = new Map();
    const staged = [];
    const found = await readArchive(archive, options.platform ?? hostPlatform());
    for (const image of found) staged.push(await stageImage(stage, image, { ...options, notices }));
    const wrongNames = found.flatMap((image) => image.wrongNames ?? []);
    // Standard input can be read only once.
    if (stage.publish(staged)) {
      for (const { id, names } of staged) noteImage(store, id, 'load', names[0]);
      return { images: staged, notices, wrongNames };
    }
    if (attempt === ATTEMPTS || path === '-') {
      throw new UserError(`cannot load '${path}': the store lost layers meanwhile`, { hint: 'try again' });
    }
  }
}

async function readArchive(archive: Archive, platform: Platform): ReturnType<typeof readDockerArchive> {
  if (isOciLayout(archive)) return readOciLayout(archive, platform);
  if (isDockerArchive(archive)) return readDockerArchive(archive);
  if (isLegacyArchive(archive)) return readLegacyArchive(archive);
  throw new UserError(
    `${archive.shown === '-' ? 'standard input' : `'${archive.shown}'`} holds no image: neither 'index.json' nor 'manifest.json' is in it`,
    {
      hint: "a tar of a root directory is for 'plyfs image import'",
    },
  );
}

/** Compressed tars and pipes are written to the stage first: their parts are not in the order of use. */
async function openArchive(stage: ImageStage, path: string): Promise<Archive> {
  if (path !== '-') {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return new DirectoryArchive(path);
    if (isPlainFile(path)) return new TarArchive(path, path);
  }
  const { chunks } = await decompress(openInput(path));
  return new TarArchive(await stage.spool(chunks), path);
}

function isPlainFile(path: string): boolean {
  const fd = openFile(path);
  try {
    if (!fstatSync(fd).isFile()) return false;
    const start = Buffer.alloc(16);
    readSync(fd, start, 0, start.length, 0);
    return compressionOf(start) === 'none';
  } finally {
    closeSync(fd);
  }
}
