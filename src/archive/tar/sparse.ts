/**
 * Sparse files as GNU tar writes them in pax archives: forms 0.0 (repeated records), 0.1 (one record) and 1.0 (a map
 * before the data). GNU tar manual, "Storing Sparse Files".
 */

import type { Name } from '../../vfs/name.js';
import { BLOCK_BYTES, brokenTar, type Extent } from './entry.js';
import { decimal, type PaxRecords } from './pax.js';

export interface SparseForm {
  readonly extents: readonly Extent[];
  readonly realSize: number;
  /** The real name: that of the header is one for tars that do not know the form. */
  readonly name?: Name | undefined;
  /** The extents come with the data. */
  readonly isInData: boolean;
}

/** @returns undefined for a file that is not sparse. @throws UserError */
export function sparseFromPax({ values, sparsePairs }: PaxRecords): SparseForm | undefined {
  const name = values.get('GNU.sparse.name');
  if (values.get('GNU.sparse.major') === '1') {
    const realSize = decimal(values.get('GNU.sparse.realsize') ?? '');
    return { extents: [], realSize, name, isInData: true };
  }
  const map = values.get('GNU.sparse.map');
  const size = values.get('GNU.sparse.size');
  if (size === undefined || (map === undefined && sparsePairs.length === 0)) return undefined;
  const extents = map === undefined ? sparsePairs : extentsOf(map === '' ? [] : map.split(',').map(decimal));
  return { extents, realSize: decimal(size), name, isInData: false };
}

function extentsOf(numbers: readonly number[]): Extent[] {
  if (numbers.length % 2 !== 0) throw brokenTar('the map of a sparse file is incomplete');
  const extents: Extent[] = [];
  for (let index = 0; index < numbers.length; index += 2) {
    extents.push({ offset: numbers[index]!, length: numbers[index + 1]! });
  }
  return extents;
}

/** The map of form 1.0: decimal numbers, a line each, the first how many pairs follow; filled up to whole blocks. */
export class SparseMap {
  static readonly MAX_EXTENTS = 1_000_000;

  extents: readonly Extent[] = [];
  /** How much of the data the map has taken. */
  bytes = 0;
  #rest = '';
  readonly #numbers: number[] = [];

  /** @returns whether the map is complete. */
  add(block: Buffer): boolean {
    this.bytes += BLOCK_BYTES;
    const lines = (this.#rest + block.toString('latin1', 0, BLOCK_BYTES)).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (this.#isComplete()) break;
      this.#numbers.push(decimal(line));
      if (this.#numbers[0]! > SparseMap.MAX_EXTENTS) throw brokenTar('a sparse file has too many pieces');
    }
    if (!this.#isComplete()) {
      if (this.#rest.length > BLOCK_BYTES) throw brokenTar('the map of a sparse file is malformed');
      return false;
    }
    this.extents = extentsOf(this.#numbers.slice(1));
    return true;
  }

  #isComplete(): boolean {
    return this.#numbers.length > 0 && this.#numbers.length === this.#numbers[0]! * 2 + 1;
  }
}
