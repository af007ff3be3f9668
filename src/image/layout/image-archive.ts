/**
 * Where the parts of an image lie: a directory, or a tar in which they are found by their offsets.
 *
 * Names that are asked for never reach a file system in the case of a tar. In that of a directory they do, as long as
 * they do not lead up; symlinks are followed, since tools make layouts of them, and all that is read is verified.
 */

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { piecesOf } from '../../archive/streams/input.js';
import type { TarEntry } from '../../archive/tar/entry.js';
import { TarReader, type TarSink } from '../../archive/tar/reader.js';
import { UserError } from '../../errno/user-error.js';
import { isMissing } from '../../store/atomic-file.js';
import { displayName, type Name } from '../../vfs/name.js';

export interface Archive extends Disposable {
  /** As the user named it. */
  readonly shown: string;
  has(name: string): boolean;
  /** @throws UserError when there is no such part. */
  stream(name: string): AsyncIterable<Buffer>;
}

const { O_RDONLY, O_NONBLOCK } = constants;
/** JSON of an image is small; what is larger is none. */
const MAX_JSON_BYTES = 8 * 1024 * 1024;

/** The whole part as bytes. @throws UserError when it is larger than JSON of an image can be. */
export async function readPart(archive: Archive, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of archive.stream(name)) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_JSON_BYTES) throw new UserError(`invalid image: '${name}' is larger than 8 MiB`);
  }
  return Buffer.concat(chunks);
}

export class DirectoryArchive implements Archive {
  readonly shown: string;

  constructor(path: string) {
    this.shown = path;
  }

  has(name: string): boolean {
    const fd = this.#open(name);
    if (fd !== undefined) closeSync(fd);
    return fd !== undefined;
  }

  stream(name: string): AsyncIterable<Buffer> {
    const fd = this.#open(name);
    if (fd === undefined) throw missing(this.shown, name);
    return piecesOf(fd, 0, Number.POSITIVE_INFINITY);
  }

  [Symbol.dispose](): void {
    // Nothing is open between calls.
  }

  #open(name: string): number | undefined {
    if (name.split('/').includes('..')) return undefined;
    let fd: number;
    try {
      // A fifo would wait for a writer.
      fd = openSync(join(this.shown, name), O_RDONLY | O_NONBLOCK);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
    if (fstatSync(fd).isFile()) return fd;
    closeSync(fd);
    throw new UserError(`invalid image: '${name}' in '${this.shown}' is no file`);
  }
}

interface Part {
  readonly offset: number;
  readonly size: number;
  /** The part that a link stands for. */
  readonly link: Name | undefined;
}

const WINDOW_BYTES = 64 * 1024;
const MAX_PARTS = 100_000;
const MAX_LINKS = 8;

/** A tar that is not compressed. */
export class TarArchive implements Archive {
  readonly shown: string;
  readonly #path: string;
  readonly #parts: ReadonlyMap<Name, Part>;

  /** @param shown what the user called it. @throws UserError for what is no tar. */
  constructor(path: string, shown: string) {
    this.shown = shown;
    this.#path = path;
    this.#parts = indexTar(path);
  }

  has(name: string): boolean {
    return this.#find(name) !== undefined;
  }

  stream(name: string): AsyncIterable<Buffer> {
    const part = this.#find(name);
    if (part === undefined) throw missing(this.shown, name);
    return piecesOf(openSync(this.#path, 'r'), part.offset, part.size);
  }

  [Symbol.dispose](): void {
    // Nothing is open between calls.
  }

  /** docker links a layer that it has written already. */
  #find(name: string): Part | undefined {
    let at: Name | undefined = name;
    for (let links = 0; at !== undefined && links < MAX_LINKS; links++) {
      const part = this.#parts.get(at);
      if (part?.link === undefined) return part;
      at = part.link;
    }
    return undefined;
  }
}

/** Reads headers alone, and jumps over what is between them. */
function indexTar(path: string): Map<Name, Part> {
  const parts = new Map<Name, Part>();
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    const sink = new PartSink(parts);
    const reader = new TarReader(sink);
    sink.reader = reader;
    let at = 0;
    while (at < size) {
      const window = Buffer.allocUnsafe(Math.min(WINDOW_BYTES, size - at));
      const length = readSync(fd, window, 0, window.length, at);
      if (length === 0) break;
      reader.write(window.subarray(0, length));
      at += length + reader.pending();
      reader.jump();
    }
    if (at > size) throw new UserError('invalid tar: it ends too early: the file is truncated');
    reader.finish({ wantsEnd: false });
    return parts;
  } finally {
    closeSync(fd);
  }
}

class PartSink implements TarSink {
  reader: TarReader | undefined;
  readonly #parts: Map<Name, Part>;

  constructor(parts: Map<Name, Part>) {
    this.#parts = parts;
  }

  entry(entry: TarEntry): void {
    if (this.#parts.size >= MAX_PARTS) throw new UserError('invalid image: the archive has too many parts');
    const name = normalPath(entry.name);
    if (entry.type === 'file') {
      if (entry.extents !== undefined) {
        throw new UserError(`invalid image: '${displayName(name)}' is a sparse file`);
      }
      this.#parts.set(name, { offset: this.reader!.dataOffset, size: entry.sizeBytes, link: undefined });
    } else if (entry.type === 'symlink' || entry.type === 'link') {
      const above = entry.type === 'link' ? '' : name.slice(0, name.lastIndexOf('/') + 1);
      this.#parts.set(name, { offset: 0, size: 0, link: normalPath(above + entry.linkName) });
    }
  }

  data(): void {
    // Read later, from its offset.
  }

  end(): void {
    // As data().
  }
}

/** A key of the map, no path: what leads out just finds nothing. */
function normalPath(name: Name): Name {
  const parts: Name[] = [];
  for (const part of name.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

function missing(shown: string, name: string): UserError {
  return new UserError(`invalid image: '${shown}' lacks '${name.slice(0, 200)}'`);
}
