/**
 * What an answer of a registry carries: which part of a blob (RFC 9110, 14.4), under which coding (8.4), and whether all of
 * it has come.
 */

import { pipeline, type Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { UserError } from '../../errno/user-error.js';
import type { HttpResponse } from './http.js';

export interface Decoded {
  readonly body: Readable;
  /** The length of the body, as its header says; undefined: it does not. */
  readonly sizeBytes: number | undefined;
  /** Asked after the last byte: nothing was cut off. */
  isWhole(): boolean;
}

/** Whether the answer is what a blob of `size` bytes has from `offset` on, or all of it, or an error to be reported. */
export function isRestOf({ status, header }: HttpResponse, offset: number, size: number): boolean {
  if (status === 416) return false;
  if (status !== 206) return true;
  if (codingOf(header) !== undefined) return false;
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(header('content-range') ?? '');
  if (range === null) return false;
  const [, first, last, total] = range;
  return Number(first) === offset && Number(last) === size - 1 && (total === '*' || Number(total) === size);
}

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/**
 * The body without the coding that a proxy put around it, though none was asked for. A body that has `size` bytes as it is
 * comes from a store which calls the layer's own compression a coding.
 * @throws UserError for a coding that is not known.
 */
export function decoded(response: HttpResponse, size?: number): Decoded {
  const { body, header, isWhole } = response;
  const length = header('content-length');
  const sizeBytes = length === undefined || !/^\d+$/.test(length) ? undefined : Number(length);
  const coding = codingOf(header);
  if (coding === undefined || (size !== undefined && sizeBytes === size)) {
    const isFramed = sizeBytes !== undefined || header('transfer-encoding') !== undefined;
    return { body, sizeBytes, isWhole: () => isFramed && isWhole() };
  }
  const decoder = DECODERS[coding]?.();
  if (decoder === undefined) {
    body.destroy();
    throw new UserError(`'${response.url.host}' answers in the coding '${coding}', which is not known`);
  }
  // Whoever reads the decoder sees the error; nobody reads what is refused for its headers.
  decoder.on('error', () => undefined);
  pipeline(body, decoder, () => undefined);
  return { body: decoder, sizeBytes: undefined, isWhole };
}

function codingOf(header: HttpResponse['header']): string | undefined {
  const coding = header('content-encoding')?.trim().toLowerCase();
  return coding === undefined || coding === '' || coding === 'identity' ? undefined : coding;
}
