/** Unpacks tars into a store below /tmp, for the tests of this folder. */

import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importImage } from '../../../src/image/add/import-image.js';
import { layerTreePath, resolveImage } from '../../../src/image/catalog/image-index.js';
import { deleteTree } from '../../../src/store/delete-tree.js';
import { Store } from '../../../src/store/store.js';

export class ImageBench implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'plyfs-image-'));
  readonly store = new Store(join(this.root, 'store'));

  /** @returns the directory of the only layer. */
  async unpack(tar: Buffer, name = 'test:latest'): Promise<string> {
    await importImage(this.store, pieces(tar), { name, config: {}, comment: 'test' });
    return layerTreePath(this.store, resolveImage(this.store, name).layers[0]!);
  }

  /** Everything in the store that a failed command could have left. */
  leftovers(): string[] {
    const names = (folder: string): string[] =>
      readdirSync(this.store.path(folder)).map((name) => `${folder}/${name}`);
    return [...names('images'), ...names('layers'), ...names('pending'), ...names('trash')];
  }

  [Symbol.dispose](): void {
    deleteTree(this.root);
  }
}

/** In odd pieces, so that headers and data fall apart anywhere. */
export function* pieces(bytes: Buffer, size = 700): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
