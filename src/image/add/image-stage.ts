/**
 * What is being added to the store: blobs and unpacked layers under hidden names, until `publish()` names them all.
 *
 * INVARIANT: nothing is visible before all of it is verified and on disk; dead or failed commands leave nothing
 * (Intent). Blobs and layers that the store has already are not made again; whoever takes one away meanwhile is noticed
 * when publishing, under the store's lock.
 */

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Chunks } from '../../archive/compress/decompress.js';
import { check } from '../../errno/fs-error.js';
import { AT_FDCWD, O_DIRECTORY, O_RDONLY } from '../../linux/constants.js';
import { syncfs } from '../../linux/files/data.js';
import { makeDirectories } from '../../linux/files/make-directories.js';
import { close, openat } from '../../linux/files/open.js';
import { isMissing, syncDirectory, writeJson } from '../../store/atomic-file.js';
import { deleteTree } from '../../store/delete-tree.js';
import type { Intent, IntentStep } from '../../store/intent.js';
import type { StorePath } from '../../store/layout.js';
import type { Store } from '../../store/store.js';
import { nameFromText } from '../../vfs/name.js';
import { blobPath, readIndex, writeIndex } from '../catalog/image-index.js';
import { withImage } from '../catalog/index-names.js';
import { LAYER_FILE, type LayerRecord, readLayer } from '../catalog/layer-record.js';
import { BlobTee } from '../layer/blob-tee.js';
import { hexOf, sha256 } from '../oci/chain-id.js';
import { compareDigest } from '../oci/digest.js';
import type { Descriptor, Digest } from '../oci/oci.js';

/** An image whose blobs and layers are staged, or in the store. */
export interface NewImage {
  readonly manifest: Descriptor;
  /** Blobs that it needs beside its manifest. */
  readonly blobs: readonly Digest[];
  /** chainIDs in hex. */
  readonly layers: readonly string[];
  /** `NAME:TAG`; without one the image is dangling. */
  readonly names: readonly string[];
}

/** A directory in which a layer is unpacked. */
export interface StagedTree {
  readonly path: StorePath;
  /** Absolute. */
  readonly tree: string;
  readonly trash: string;
}

/** A blob that was written, and what its reader made of it. */
interface StagedBlob<T> {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly result: T;
}

export class ImageStage implements Disposable {
  readonly store: Store;
  readonly #intent: Intent;
  readonly #folder: StorePath;
  readonly #blobs = new Map<Digest, string>();
  readonly #layers = new Map<string, StorePath>();
  readonly #records = new Map<string, LayerRecord>();
  #count = 0;

  constructor(store: Store) {
    this.store = store;
    this.#intent = store.intend();
    this.#folder = join('images', `.new-${randomBytes(8).toString('hex')}`);
    this.#intent.add({ do: 'remove', path: this.#folder });
    mkdirSync(store.path(this.#folder), { mode: 0o700 });
  }

  hasBlob(digest: Digest): boolean {
    const staged = this.#blobs.get(digest);
    return (staged !== undefined && existsSync(staged)) || existsSync(blobPath(this.store, digest));
  }

  hasLayer(hex: string): boolean {
    return this.#layers.has(hex) || existsSync(this.store.path('layers', hex));
  }

  sizeOf(digest: Digest): number {
    return statSync(this.pathOf(digest)).size;
  }

  /** Writes what is read more than once to a file of the stage. @returns its path. */
  async spool(source: Chunks): Promise<string> {
    const path = this.#newPath();
    const file = await open(path, 'wx', 0o600);
    const tee = new BlobTee(source, file);
    try {
      await tee.drain();
    } finally {
      await tee.close();
      await file.close();
    }
    return path;
  }

  /** Where a staged or stored blob can be read. */
  pathOf(digest: Digest): string {
    return this.#blobs.get(digest) ?? blobPath(this.store, digest);
  }

  /** Writes the blob while `use` reads it; all of it, also where `use` stops early. */
  async writeBlob<T>(
    source: Chunks,
    use: (chunks: AsyncIterable<Buffer>) => Promise<T>,
  ): Promise<StagedBlob<T>> {
    const path = this.#newPath();
    const file = await open(path, 'wx', 0o644);
    try {
      return await this.#take(new BlobTee(source, file), path, use);
    } finally {
      await file.close();
    }
  }

  /** @throws UserError when the digest is not the one expected. */
  async copyBlob(source: Chunks, expected: Digest): Promise<void> {
    const { digest } = await this.writeBlob(source, async () => undefined);
    if (digest !== expected) this.#blobs.delete(digest);
    compareDigest(digest, expected, `blob '${expected}'`);
  }

  /** As writeBlob(), of a source that is written to `path` as it is read; the file stays where it is until published. */
  async adoptBlob<T>(
    source: Chunks,
    path: string,
    use: (chunks: AsyncIterable<Buffer>) => Promise<T>,
  ): Promise<StagedBlob<T>> {
    return this.#take(new BlobTee(source), path, use);
  }

  /** All that comes through the tee is the blob at `path`. */
  async #take<T>(
    tee: BlobTee,
    path: string,
    use: (chunks: AsyncIterable<Buffer>) => Promise<T>,
  ): Promise<StagedBlob<T>> {
    try {
      const result = await use(tee.chunks());
      await tee.drain();
      const digest = tee.digest();
      this.#blobs.set(digest, path);
      return { digest, sizeBytes: tee.sizeBytes, result };
    } finally {
      await tee.close();
    }
  }

  /** A small blob from memory: a config, a manifest. */
  async addBytes(bytes: Buffer, mediaType: string): Promise<Descriptor> {
    const digest = `sha256:${sha256(bytes)}`;
    if (!this.#blobs.has(digest)) {
      const path = this.#newPath();
      const file = await open(path, 'wx', 0o644);
      try {
        await file.writeFile(bytes);
      } finally {
        await file.close();
      }
      this.#blobs.set(digest, path);
    }
    return { mediaType, digest, size: bytes.length };
  }

  newTree(): StagedTree {
    const path = this.store.stage('layers', this.#intent);
    const tree = this.store.path(path, 'tree');
    const trash = this.store.path(path, 'trash');
    mkdirSync(tree, { mode: 0o755 });
    mkdirSync(trash, { mode: 0o700 });
    return { path, tree, trash };
  }

  /** The layer is complete, under its chainID; one that is staged already stays. */
  addLayer(hex: string, staged: StagedTree, record: LayerRecord): void {
    deleteTree(staged.trash);
    writeJson(this.store.path(staged.path, LAYER_FILE), record);
    if (this.#layers.has(hex)) return;
    this.#layers.set(hex, staged.path);
    this.#records.set(hex, record);
  }

  /** Whether a layer, staged or stored, hides all below it. */
  isRootOpaque(hex: string): boolean {
    return (this.#records.get(hex) ?? readLayer(this.store, hex))?.isRootOpaque === true;
  }

  /** The files of a layer, staged or stored. */
  layerTree(hex: string): string {
    return this.store.path(this.#layers.get(hex) ?? join('layers', hex), 'tree');
  }

  /**
   * Everything gets its name at once; `others` are layers that belong to no image.
   * @returns false, and nothing happened, when a blob or layer that was counted on is gone from the store.
   */
  publish(images: readonly NewImage[], others: readonly string[] = []): boolean {
    this.#sync();
    return this.store.locked(() => {
      const blobs = new Set(images.flatMap(({ blobs, manifest }) => [...blobs, manifest.digest]));
      const layers = new Set([...images.flatMap((image) => image.layers), ...others]);
      const isComplete =
        [...blobs].every((digest) => this.hasBlob(digest)) && [...layers].every((hex) => this.hasLayer(hex));
      if (!isComplete) return false;
      this.#name([...blobs], [...layers], images);
      return true;
    });
  }

  [Symbol.dispose](): void {
    this.store.locked(() => this.#intent.carryOut());
  }

  /** PRECONDITION: locked. */
  #name(blobs: readonly Digest[], layers: readonly string[], images: readonly NewImage[]): void {
    const { store } = this;
    makeDirectories(store.path('images', 'blobs', 'sha256'));
    const newBlobs = blobs.filter((digest) => !existsSync(blobPath(store, digest)));
    const newLayers = layers.filter((hex) => !existsSync(store.path('layers', hex)));
    const undo: IntentStep[] = [
      ...newBlobs.map((digest): IntentStep => ({ do: 'remove', path: blobStorePath(digest) })),
      ...newLayers.map((hex): IntentStep => ({ do: 'remove', path: join('layers', hex) })),
      // Carried out first, so that the list never names what is gone.
      { do: 'write', path: 'images/index.json', text: indexText(store) },
    ];
    this.#intent.add(...undo);
    for (const digest of newBlobs) renameSync(this.#blobs.get(digest)!, blobPath(store, digest));
    syncDirectory(store.path('images', 'blobs', 'sha256'));
    for (const hex of newLayers) store.publish(this.#layers.get(hex)!, join('layers', hex));
    let { manifests } = readIndex(store);
    for (const { manifest, names } of images) manifests = withImage(manifests, manifest, names);
    writeIndex(store, manifests);
    this.#drop(newLayers);
  }

  /** What is left of the stage goes; what was named stays. */
  #drop(named: readonly string[]): void {
    const rest = [...this.#layers].filter(([hex]) => !named.includes(hex)).map(([, path]) => path);
    this.#intent.decide([this.#folder, ...rest].map((path) => ({ do: 'remove', path })));
    this.#intent.carryOut();
  }

  /** One call for all files of a file system, before the store is locked; layers may lie on another than blobs. */
  #sync(): void {
    const synced = new Set<number>();
    for (const path of [this.store.path(this.#folder), this.store.path('layers')]) {
      const { dev } = statSync(path);
      if (synced.has(dev)) continue;
      synced.add(dev);
      const fd = check(openat(AT_FDCWD, nameFromText(path), O_RDONLY | O_DIRECTORY), 'open', path);
      try {
        check(syncfs(fd), 'syncfs', path);
      } finally {
        close(fd);
      }
    }
  }

  #newPath(): string {
    return this.store.path(this.#folder, String(this.#count++));
  }
}

function blobStorePath(digest: Digest): StorePath {
  return join('images', 'blobs', 'sha256', hexOf(digest));
}

function indexText(store: Store): string {
  try {
    return readFileSync(store.path('images', 'index.json'), 'utf8');
  } catch (error) {
    if (!isMissing(error)) throw error;
    return '{"schemaVersion":2,"manifests":[]}\n';
  }
}
