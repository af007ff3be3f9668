/**
 * What `docker save` wrote before 1.10 (moby image/spec/v1.md): a folder for each layer, which names the one below it,
 * and `repositories`, which says whose layer is on top. There is no list and no digest.
 *
 * Each layer is read twice: its diffID is needed before it is unpacked, and stands nowhere.
 */

import { createHash } from 'node:crypto';
import { decompress } from '../../archive/compress/decompress.js';
import { UserError } from '../../errno/user-error.js';
import { jsonBytes } from '../oci/digest.js';
import { checkConfig, fieldsOf, listOf, MAX_IMAGE_LAYERS, parseJson, textField } from '../oci/image-json.js';
import { type Digest, type HistoryEntry, MEDIA_TYPE } from '../oci/oci.js';
import type { FoundImage } from './found-image.js';
import { type Archive, readPart } from './image-archive.js';
import { parseTags } from './read-docker.js';

const LIST = 'repositories';
/** Docker's are 64 hex digits; what matters is that it is one component of a path. */
const LAYER_ID = /^[0-9A-Za-z_-]{1,128}$/;

type Fields = Readonly<Record<string, unknown>>;

export function isLegacyArchive(archive: Archive): boolean {
  return archive.has(LIST);
}

/** @throws UserError when something is wrong. */
export async function readLegacyArchive(archive: Archive): Promise<FoundImage[]> {
  const tops = namesByTop(parseJson(await readPart(archive, LIST), `'${LIST}'`));
  if (tops.size === 0) throw new UserError(`'${archive.shown}' has no image`);
  const diffIds = new Map<string, Digest>();
  const found: FoundImage[] = [];
  for (const [top, names] of tops) found.push(await readImage(archive, top, { names, diffIds }));
  return found;
}

/** Images' names by the id of their topmost layer. */
function namesByTop(repositories: Fields): Map<string, string[]> {
  const tops = new Map<string, string[]>();
  for (const [repository, tags] of Object.entries(repositories)) {
    for (const [tag, top] of Object.entries(fieldsOf(tags, `'${repository}' in '${LIST}'`))) {
      const id = layerId(top);
      tops.set(id, [...(tops.get(id) ?? []), `${repository}:${tag}`]);
    }
  }
  return tops;
}

function layerId(value: unknown): string {
  const id = textField(value, 'the id of a layer');
  if (!LAYER_ID.test(id)) throw new UserError(`invalid image: '${id.slice(0, 80)}' is no id of a layer`);
  return id;
}

interface Reading {
  readonly names: readonly string[];
  /** The diffIDs of layers that were read already. */
  readonly diffIds: Map<string, Digest>;
}

async function readImage(archive: Archive, top: string, { names, diffIds }: Reading): Promise<FoundImage> {
  const chain = await readChain(archive, top);
  for (const { id } of chain) if (!diffIds.has(id)) diffIds.set(id, await diffIdOf(archive, id));
  const { created, author, architecture, os, config } = chain.at(-1)!.json;
  const configBytes = jsonBytes({
    created,
    author,
    architecture,
    os: os ?? 'linux',
    config: config ?? {},
    rootfs: { type: 'layers', diff_ids: chain.map(({ id }) => diffIds.get(id)) },
    history: chain.map(({ json }) => historyOf(json)),
  });
  return {
    ...parseTags(names),
    config: checkConfig(parseJson(configBytes, 'the config'), chain.length),
    configBytes,
    configType: MEDIA_TYPE.config,
    manifestBytes: undefined,
    manifestType: undefined,
    layers: chain.map(({ id }) => ({
      digest: undefined,
      sizeBytes: undefined,
      diffId: diffIds.get(id)!,
      mediaType: undefined,
      open: () => archive.stream(layerName(id)),
    })),
  };
}

interface LegacyLayer {
  readonly id: string;
  readonly json: Fields;
}

/** From the layer at the bottom to the top one. */
async function readChain(archive: Archive, top: string): Promise<LegacyLayer[]> {
  const chain: LegacyLayer[] = [];
  for (let id: string | undefined = top; id !== undefined; ) {
    if (chain.length === MAX_IMAGE_LAYERS) {
      throw new UserError(
        `invalid image: layer '${top}' has more than ${MAX_IMAGE_LAYERS} below it, or is below itself`,
      );
    }
    const json = parseJson(await readPart(archive, `${id}/json`), `the JSON of layer '${id}'`);
    chain.push({ id, json });
    id = json.parent === undefined || json.parent === '' ? undefined : layerId(json.parent);
  }
  return chain.reverse();
}

async function diffIdOf(archive: Archive, id: string): Promise<Digest> {
  const hash = createHash('sha256');
  const { chunks } = await decompress(archive.stream(layerName(id)));
  for await (const chunk of chunks) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}

function layerName(id: string): string {
  return `${id}/layer.tar`;
}

function historyOf({ created, author, comment, container_config: made }: Fields): HistoryEntry {
  const { Cmd } = fieldsOf(made ?? {}, 'the command of a layer');
  const words = listOf(Cmd ?? [], 'the command of a layer').map((word) =>
    textField(word, 'a word of a command'),
  );
  const lines = { created, author, comment, created_by: words.join(' ') };
  return Object.fromEntries(
    Object.entries(lines).filter(([, text]) => typeof text === 'string' && text !== ''),
  );
}
