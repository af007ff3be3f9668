/**
 * How large a layer may become: against tars that are small and unpack to a full disk.
 */

import { UserError } from '../../errno/user-error.js';

export interface LayerLimits {
  /** The most that all files may hold, holes included. */
  readonly bytes: number;
  /** Files, directories and all else. */
  readonly entries: number;
}

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const DEFAULT_LIMITS: LayerLimits = { bytes: 100 * GIB, entries: 5_000_000 };

/** `PLYFS_LAYER_BYTES` and `PLYFS_LAYER_ENTRIES`, or the defaults. @throws UserError for what is no number. */
export function layerLimits(env: NodeJS.ProcessEnv = process.env): LayerLimits {
  return {
    bytes: numberOf(env, 'PLYFS_LAYER_BYTES') ?? DEFAULT_LIMITS.bytes,
    entries: numberOf(env, 'PLYFS_LAYER_ENTRIES') ?? DEFAULT_LIMITS.entries,
  };
}

function numberOf(env: NodeJS.ProcessEnv, key: string): number | undefined {
  const text = env[key];
  if (text === undefined || text === '') return undefined;
  if (!/^[0-9]{1,15}$/.test(text)) throw new UserError(`invalid ${key}: '${text}' is no number`);
  return Number(text);
}

/** The most that a tar may be long: headers, padding and what is skipped may take as much again as the files. */
export function maxTarBytes({ bytes }: LayerLimits): number {
  return 2 * bytes + MIB;
}

/** Counts what one layer has. */
export class Tally {
  bytes = 0;
  entries = 0;
  readonly #limits: LayerLimits;

  constructor(limits: LayerLimits) {
    this.#limits = limits;
  }

  /** @throws UserError when it is too much. */
  add(bytes: number): void {
    this.entries++;
    this.bytes += bytes;
    if (this.entries > this.#limits.entries) {
      throw new UserError(`the layer has more than ${this.#limits.entries} entries`, {
        hint: 'set PLYFS_LAYER_ENTRIES if that is right',
      });
    }
    if (this.bytes > this.#limits.bytes) {
      throw new UserError(`the layer's files are larger than ${this.#limits.bytes} bytes`, {
        hint: 'set PLYFS_LAYER_BYTES if that is right',
      });
    }
  }
}
