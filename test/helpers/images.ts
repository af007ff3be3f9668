/**
 * Images for tests, put into a store as they would be after an import: unpacked layers, config, manifest, a name.
 */

import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { readIndex, writeIndex } from '../../src/image/catalog/image-index.js';
import type { LayerRecord } from '../../src/image/catalog/layer-record.js';
import { chainIds, hexOf } from '../../src/image/oci/chain-id.js';
import { type Descriptor, MEDIA_TYPE, REF_NAME, type RunConfig } from '../../src/image/oci/oci.js';
import { Store } from '../../src/store/store.js';

interface TestImage {
  /** `NAME:TAG`. */
  readonly name: string;
  readonly config?: RunConfig;
  readonly os?: string;
  /** The lines of the history, a line a layer; with them layers know their sizes. */
  readonly history?: readonly string[];
}

/** Fills one new layer directory. */
type FillLayer = (directory: string) => void;

/** Layers bottom first. @returns `sha256:HEX`, the image's id. */
export function addImage(
  root: string,
  { name, config = {}, os = 'linux', history }: TestImage,
  fills: readonly FillLayer[],
): string {
  const store = new Store(root);
  return store.locked(() => {
    const diffIds = fills.map(() => `sha256:${randomBytes(32).toString('hex')}`);
    for (const [index, id] of chainIds(diffIds).entries()) {
      const tree = store.path('layers', hexOf(id), 'tree');
      mkdirSync(tree, { recursive: true });
      fills[index]!(tree);
      const record: LayerRecord = {
        diffId: diffIds[index]!,
        tarBytes: 0,
        sizeBytes: history === undefined ? 0 : bytesBelow(tree),
        entries: 0,
        isRootOpaque: false,
      };
      writeFileSync(store.path('layers', hexOf(id), 'layer.json'), JSON.stringify(record));
    }
    const imageConfig = {
      created: new Date().toISOString(),
      architecture: 'amd64',
      os,
      // Docker makes no container of an image without a command.
      config: { Cmd: ['sh'], ...config },
      rootfs: { type: 'layers', diff_ids: diffIds },
      ...(history === undefined ? {} : { history: history.map((created_by) => ({ created_by })) }),
    };
    const configBlob = addBlob(store, MEDIA_TYPE.config, imageConfig);
    const manifest = addBlob(store, MEDIA_TYPE.manifest, {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE.manifest,
      config: configBlob,
      layers: [],
    });
    const others = readIndex(store).manifests.filter((one) => one.annotations?.[REF_NAME] !== name);
    writeIndex(store, [...others, { ...manifest, annotations: { [REF_NAME]: name } }]);
    return configBlob.digest;
  });
}

function bytesBelow(tree: string): number {
  const { stdout } = spawnSync('find', [tree, '-type', 'f', '-printf', '%s\n'], { encoding: 'utf8' });
  return stdout.split('\n').reduce((sum, line) => sum + Number(line), 0);
}

function addBlob(store: Store, mediaType: string, value: object): Descriptor {
  const text = JSON.stringify(value);
  const hex = createHash('sha256').update(text).digest('hex');
  mkdirSync(store.path('images', 'blobs', 'sha256'), { recursive: true });
  writeFileSync(store.path('images', 'blobs', 'sha256', hex), text);
  return { mediaType, digest: `sha256:${hex}`, size: text.length };
}

const PROGRAMS =
  'sh ls cat sleep id env stat mkdir rm touch pwd tty stty echo chmod chown mv ln hostname readlink kill test tail nproc mknod'.split(
    ' ',
  );

/** A root directory with a shell and small tools of this host, their libraries, two users. */
export function fillSystem(directory: string): void {
  for (const folder of ['bin', 'etc', 'tmp', 'root', 'proc', 'dev', 'sys', 'home/app']) {
    mkdirSync(`${directory}/${folder}`, { recursive: true });
  }
  for (const program of PROGRAMS) {
    const path = which(program);
    if (path === undefined) continue;
    cpSync(path, `${directory}/bin/${program}`, { dereference: true });
    for (const library of librariesOf(path)) {
      mkdirSync(`${directory}${dirname(library)}`, { recursive: true });
      cpSync(library, `${directory}${library}`, { dereference: true });
    }
  }
  writeFileSync(
    `${directory}/etc/passwd`,
    'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n',
  );
  writeFileSync(`${directory}/etc/group`, 'root:x:0:\napp:x:1000:\nextra:x:2000:app\n');
}

function which(program: string): string | undefined {
  const { stdout } = spawnSync('which', [program], { encoding: 'utf8' });
  return stdout.trim() || undefined;
}

function librariesOf(path: string): string[] {
  if (readFileSync(path).subarray(1, 4).toString('latin1') !== 'ELF') return [];
  const { stdout } = spawnSync('ldd', [path], { encoding: 'utf8' });
  return [...stdout.matchAll(/(\/[^\s]+)/g)].map(([library]) => library);
}
