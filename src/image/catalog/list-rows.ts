/**
 * `image ls`: a row for each name of each image, filtered.
 */

import { UserError } from '../../errno/user-error.js';
import type { Store } from '../../store/store.js';
import type { Digest } from '../oci/oci.js';
import { parseReference, shortName } from '../oci/reference.js';
import { type Image, isDangling, isIntermediate, listImages, resolveImage } from './image-index.js';
import { imageUsers } from './image-users.js';
import { readLayer } from './layer-record.js';

interface ImageRow {
  /** `<none>` for a dangling image. */
  readonly repository: string;
  readonly tag: string;
  /** The digest of the manifest. */
  readonly digest: Digest;
  readonly id: Digest;
  /** RFC 3339; empty when the image does not say. */
  readonly created: string;
  /** The size of the files of all layers. */
  readonly sizeBytes: number;
  readonly containers: number;
}

interface ImageListOptions {
  /** NAME or NAME:TAG. */
  readonly wanted?: string | undefined;
  /** Also what builds keep for their cache. */
  readonly all?: boolean;
}

const NONE = '<none>';

type Filters = ReadonlyMap<string, readonly string[]>;

/**
 * Newest image first.
 * @throws UserError for a filter value that means nothing.
 */
export function listRows(
  store: Store,
  filters: Filters,
  { wanted, all = false }: ImageListOptions = {},
): ImageRow[] {
  const images = listImages(store).filter((image) => all || !isIntermediate(image));
  const users = imageUsers(store);
  const tests = testsOf(store, filters);
  return images
    .filter((image) => tests.every((test) => test(image)))
    .flatMap((image) =>
      rowNames(image)
        .filter(([repository, tag]) => isWanted(repository, tag, filters.get('reference'), wanted))
        .map(([repository, tag]) => ({
          repository,
          tag,
          digest: image.manifestDigest,
          id: image.id,
          created: image.config.created ?? '',
          sizeBytes: sizeOf(store, image),
          containers: users.get(image.id)?.length ?? 0,
        })),
    );
}

/** The size of the files of all layers; each layer counts once. */
export function sizeOf(store: Store, image: Image): number {
  return [...new Set(image.layers)].reduce((sum, hex) => sum + (readLayer(store, hex)?.sizeBytes ?? 0), 0);
}

/** A repository from which it was pulled by digest has a row of its own only where no tag shows it. */
function rowNames({ names, pulledBy }: Image): [repository: string, tag: string][] {
  const rows = names.map(splitName);
  for (const name of pulledBy) {
    const repository = name.slice(0, name.indexOf('@'));
    if (!rows.some(([known]) => known === repository)) rows.push([repository, NONE]);
  }
  return rows.length === 0 ? [[NONE, NONE]] : rows;
}

function splitName(name: string): [repository: string, tag: string] {
  const { tag } = parseReference(name);
  return tag === undefined ? [name, NONE] : [name.slice(0, -tag.length - 1), tag];
}

function isWanted(
  repository: string,
  tag: string,
  patterns: readonly string[] = [],
  wanted: string | undefined,
): boolean {
  const name = `${repository}:${tag}`;
  const isIt = (text: string): boolean => {
    const short = shortName(text);
    return short === name || repositoryOf(text, short) === repository;
  };
  if (wanted !== undefined && !isIt(wanted) && !matches(wanted, repository, name)) return false;
  return patterns.length === 0 || patterns.some((one) => isIt(one) || matches(one, repository, name));
}

/** The repository of a name without tag and digest; shortName() has given it one. */
function repositoryOf(text: string, short: string): string {
  const hasTag = /[:@]/.test(text.slice(text.lastIndexOf('/') + 1));
  return hasTag ? short : short.replace(/:latest$/, '');
}

/** As path.Match of Go: `*` and `?` stop at a slash. Without a tag any tag is meant. */
function matches(pattern: string, repository: string, name: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]');
  let regex: RegExp;
  try {
    regex = new RegExp(`^(?:${source})$`);
  } catch (error) {
    throw new UserError(`invalid filter 'reference=${pattern}': it is no pattern`, { cause: error });
  }
  return regex.test(name) || regex.test(repository) || regex.test(repository.split('/').at(-1) ?? '');
}

type Test = (image: Image) => boolean;

function testsOf(store: Store, filters: Filters): Test[] {
  const tests: Test[] = [];
  for (const value of filters.get('dangling') ?? []) {
    const wanted = booleanOf('dangling', value);
    tests.push((image) => isDangling(image) === wanted);
  }
  for (const value of filters.get('label') ?? []) tests.push(({ config }) => hasLabel(config.config, value));
  for (const value of filters.get('before') ?? []) {
    const limit = createdAt(resolveImage(store, value));
    tests.push((image) => createdAt(image) < limit);
  }
  for (const value of filters.get('since') ?? []) {
    const limit = createdAt(resolveImage(store, value));
    tests.push((image) => createdAt(image) > limit);
  }
  return tests;
}

function createdAt({ config }: Image): number {
  const time = Date.parse(config.created ?? '');
  return Number.isNaN(time) ? 0 : time;
}

function hasLabel(config: Image['config']['config'], wanted: string): boolean {
  const labels = config?.Labels ?? {};
  const equals = wanted.indexOf('=');
  const key = equals < 0 ? wanted : wanted.slice(0, equals);
  return Object.hasOwn(labels, key) && (equals < 0 || labels[key] === wanted.slice(equals + 1));
}

function booleanOf(key: string, value: string): boolean {
  if (value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw new UserError(`invalid filter '${key}=${value}'`, { hint: 'it is true or false' });
}
