/**
 * `--output` of a build: the files of what was built, an archive of the image, or the image itself.
 */

import { closeSync, constants, openSync } from 'node:fs';
import { writeOutput } from '../archive/streams/output-file.js';
import { tarOfTree } from '../archive/tree/tar-tree.js';
import { ImageTree } from '../container/tree/image-tree.js';
import { UserError } from '../errno/user-error.js';
import { resolveImage } from '../image/catalog/image-index.js';
import { layerTreePaths } from '../image/catalog/layer-record.js';
import { saveImages } from '../image/layout/save-image.js';
import { makeDirectories } from '../linux/files/make-directories.js';
import { parseCsvRecord } from '../mounts/request/csv.js';
import type { Store } from '../store/store.js';
import { unpackArchive } from './context/unpack-archive.js';

export type BuildOutput =
  | { readonly type: 'local' | 'tar' | 'oci' | 'docker'; readonly destination: string }
  | { readonly type: 'image'; readonly names: readonly string[]; readonly pushes: boolean }
  | { readonly type: 'cacheonly' };

/** What says how something is packed, and changes nothing that is in it. */
const HARMLESS =
  /^(?:compression|compression-level|force-compression|oci-mediatypes|unpack|store|name-canonical|platform-split|mode|annotation.*)$/;

/** `type=TYPE[,dest=PATH][,name=NAME][,push=true]`, a directory, or `-`: a tar on standard output. @throws UserError */
export function parseOutput(spec: string): BuildOutput {
  if (spec === '-') return { type: 'tar', destination: '-' };
  if (!spec.includes('=')) return { type: 'local', destination: spec };
  const fields = new Map<string, string>();
  for (const field of parseCsvRecord(spec)) {
    const equals = field.indexOf('=');
    if (equals < 1) throw new UserError(`invalid output '${spec}': '${field}' is no KEY=VALUE`);
    fields.set(field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1));
  }
  const { type, dest = '', name = '', push = '', ...others } = Object.fromEntries(fields) as OutputFields;
  const unknown = Object.keys(others).find((key) => !HARMLESS.test(key));
  if (unknown !== undefined) throw new UserError(`invalid output '${spec}': '${unknown}' means nothing`);
  switch (type) {
    case 'local':
    case 'tar':
    case 'oci':
      if (dest === '') throw new UserError(`the output '${spec}' has no dest`);
      return { type, destination: dest };
    case 'docker':
      return dest === ''
        ? { type: 'image', names: namesIn(name), pushes: false }
        : { type, destination: dest };
    case 'image':
    case 'registry':
      return { type: 'image', names: namesIn(name), pushes: type === 'registry' || push === 'true' };
    case 'cacheonly':
      return { type };
    default:
      throw new UserError(`the output '${spec}' is of no known type`, {
        hint: 'there are local, tar, oci, docker, image, registry and cacheonly',
      });
  }
}

interface OutputFields {
  readonly type?: string;
  readonly dest?: string;
  readonly name?: string;
  readonly push?: string;
}

function namesIn(text: string): string[] {
  return text.split(',').filter((name) => name !== '');
}

/** Writes what an output asks for; an image is in the store already. @param name the image's, or its id. */
export async function writeBuildOutput(store: Store, name: string, output: BuildOutput): Promise<void> {
  switch (output.type) {
    case 'local':
      return writeDirectory(store, name, output.destination);
    case 'tar':
      return writeOutput(output.destination, tarOf(store, name));
    case 'oci':
    case 'docker':
      return writeOutput(
        output.destination,
        saveImages(store, [name], output.type === 'oci' ? 'oci-archive' : 'docker-archive'),
      );
    case 'image':
    case 'cacheonly':
  }
}

/** Files belong to who builds, as docker's do. */
async function writeDirectory(store: Store, name: string, directory: string): Promise<void> {
  makeDirectories(directory);
  const rootFd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await unpackArchive(tarOf(store, name), { rootFd, directory: '/', owners: undefined });
  } finally {
    closeSync(rootFd);
  }
}

async function* tarOf(store: Store, name: string): AsyncGenerator<Buffer> {
  const { layers } = resolveImage(store, name);
  using tree = new ImageTree(layerTreePaths(store, layers));
  yield* tarOfTree(tree.fs).chunks;
}
