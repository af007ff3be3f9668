/**
 * OCI layouts and docker archives made of tars, also wrong ones; nothing of src is used.
 */

import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { tarBytes } from './tar-bytes.js';

interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const OCI = 'application/vnd.oci.image';

/** Parts of a layout by name; a test changes what it likes before it is written. */
export class LayoutBuilder {
  readonly files = new Map<string, Buffer>();
  readonly manifests: object[] = [];

  blob(bytes: Buffer, mediaType: string): Blob {
    this.files.set(`blobs/sha256/${sha256(bytes)}`, bytes);
    return { mediaType, digest: `sha256:${sha256(bytes)}`, size: bytes.length };
  }

  json(value: unknown, mediaType: string): Blob {
    return this.blob(Buffer.from(JSON.stringify(value)), mediaType);
  }

  /** An image of layer tars, bottom first; `gzip` compresses them. */
  image(tars: readonly Buffer[], options: { readonly config?: object; readonly gzip?: boolean } = {}): Blob {
    const layers = tars.map((tar) =>
      options.gzip
        ? this.blob(gzipSync(tar), `${OCI}.layer.v1.tar+gzip`)
        : this.blob(tar, `${OCI}.layer.v1.tar`),
    );
    const config = this.json(
      {
        architecture: 'amd64',
        os: 'linux',
        created: '2026-01-01T00:00:00Z',
        rootfs: { type: 'layers', diff_ids: tars.map((tar) => `sha256:${sha256(tar)}`) },
        history: tars.map((_, index) => ({ created_by: `step ${index}` })),
        ...options.config,
      },
      `${OCI}.config.v1+json`,
    );
    return this.json(
      { schemaVersion: 2, mediaType: `${OCI}.manifest.v1+json`, config, layers },
      `${OCI}.manifest.v1+json`,
    );
  }

  name(manifest: object, name?: string): this {
    const annotations =
      name === undefined ? {} : { annotations: { 'org.opencontainers.image.ref.name': name } };
    this.manifests.push({ ...manifest, ...annotations });
    return this;
  }

  #all(): [string, Buffer][] {
    const index = { schemaVersion: 2, manifests: this.manifests };
    return [
      ...this.files,
      ['oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}')],
      ['index.json', Buffer.from(JSON.stringify(index))],
    ];
  }

  writeTo(directory: string): string {
    for (const [name, bytes] of this.#all()) {
      mkdirSync(join(directory, name, '..'), { recursive: true });
      writeFileSync(join(directory, name), bytes);
    }
    return directory;
  }

  tar(): Buffer {
    return tarBytes(...this.#all().map(([name, content]) => ({ name, content })));
  }
}
