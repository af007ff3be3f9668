/**
 * What `docker save` writes: manifest.json with configs and layers, moby image/tarexport, "tarball format 1.2".
 *
 * Nothing in it has a digest but the layers' diffIDs in the config, so those are what is verified.
 */

import { UserError } from '../../errno/user-error.js';
import { checkConfig, fieldsOf, listOf, parseJson, textField } from '../oci/image-json.js';
import { MEDIA_TYPE } from '../oci/oci.js';
import { formatReference, parseImageName } from '../oci/reference.js';
import type { FoundImage } from './found-image.js';
import { type Archive, readPart } from './image-archive.js';

const LIST = 'manifest.json';

export function isDockerArchive(archive: Archive): boolean {
  return archive.has(LIST);
}

/** @throws UserError when something is wrong. */
export async function readDockerArchive(archive: Archive): Promise<FoundImage[]> {
  const { images } = parseJson(
    Buffer.concat([Buffer.from('{"images":'), await readPart(archive, LIST), Buffer.from('}')]),
    `'${LIST}'`,
  );
  const found: FoundImage[] = [];
  for (const one of listOf(images, `'${LIST}'`)) {
    found.push(await readImage(archive, fieldsOf(one, `an entry of '${LIST}'`)));
  }
  if (found.length === 0) throw new UserError(`'${archive.shown}' has no image`);
  return found;
}

async function readImage(archive: Archive, entry: Readonly<Record<string, unknown>>): Promise<FoundImage> {
  const layers = listOf(entry.Layers ?? [], 'the list of layers').map((name) => textField(name, 'a layer'));
  const configBytes = await readPart(archive, textField(entry.Config, 'the name of the config'));
  const config = checkConfig(parseJson(configBytes, 'the config'), layers.length);
  const tags = listOf(entry.RepoTags ?? [], 'the list of names').map((name) => textField(name, 'a name'));
  const { names, wrongNames } = parseTags(tags);
  return {
    names,
    wrongNames,
    config,
    configBytes,
    configType: MEDIA_TYPE.config,
    manifestBytes: undefined,
    manifestType: undefined,
    layers: layers.map((name, index) => ({
      digest: undefined,
      sizeBytes: undefined,
      diffId: config.rootfs.diff_ids[index]!,
      mediaType: undefined,
      open: () => archive.stream(name),
    })),
  };
}

/** A name that is none is no reason to refuse an image. */
export function parseTags(texts: readonly string[]): { names: string[]; wrongNames: string[] } {
  const names: string[] = [];
  const wrongNames: string[] = [];
  for (const text of texts) {
    try {
      names.push(formatReference(parseImageName(text)));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      wrongNames.push(text);
    }
  }
  return { names: [...new Set(names)], wrongNames };
}
