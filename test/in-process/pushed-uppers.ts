/** Makes the upper of a mount in this process a layer now and then, and looks whether the layers stay what they were. */

import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../../src/errno/user-error.js';
import { makeEmptyUpper } from '../../src/store/uppers/upper-push.js';
import { nameFromText } from '../../src/vfs/name.js';
import type { Stack } from '../helpers/targets.js';
import type { Mounted } from './mounted.js';

const PUSH_EVERY = 9;
const MOST_LAYERS = 30;
/** The size up to which content is looked at: a larger file is full of holes. */
const MOST_BYTES = 4n << 20n;

export class PushedUppers {
  /** How often it was done, over all mounts. */
  static count = 0;
  readonly #layers = new Map<string, string>();
  #stack: Stack;
  #operations = 0;

  constructor(stack: Stack) {
    this.#stack = stack;
  }

  /** To be mounted when it is mounted again. */
  get stack(): Stack {
    return this.#stack;
  }

  /** After an operation. */
  look(mounted: Mounted): void {
    const { lowers, upper } = this.#stack;
    if (++this.#operations % PUSH_EVERY !== 0 || lowers.length > MOST_LAYERS) return;
    const next = join(dirname(upper), 'next');
    rmSync(next, { recursive: true, force: true });
    mkdirSync(next);
    makeEmptyUpper(next, upper);
    try {
      if (!mounted.pushUpper({ name: 'next', layerPath: nameFromText(upper) })) return;
    } catch (error) {
      // A file with several names is open.
      if (!(error instanceof UserError)) throw error;
      return;
    }
    PushedUppers.count++;
    this.#layers.set(upper, fingerprint(upper));
    this.#stack = {
      ...this.#stack,
      lowers: [...lowers, upper],
      upper: join(next, 'upper'),
      work: join(next, 'work'),
    };
  }

  /** @throws Error when something has been written to a layer. */
  check(): void {
    for (const [path, before] of this.#layers)
      if (fingerprint(path) !== before) throw new Error(`the layer '${path}' was changed`);
  }
}

function fingerprint(path: string | Buffer): string {
  const { mode, uid, gid, size, mtimeNs } = lstatSync(path, { bigint: true });
  const type = Number(mode) & 0o170000;
  const own = [mode, uid, gid, mtimeNs].join();
  if (type === 0o040000) {
    const inside = readdirSync(path, { encoding: 'buffer' }).map(
      (name) =>
        `${name.toString('latin1')} ${fingerprint(Buffer.concat([Buffer.from(path), Buffer.from('/'), name]))}`,
    );
    return createHash('sha256')
      .update([own, ...inside.sort()].join('\n'))
      .digest('hex');
  }
  if (type === 0o120000) return `${own} ${readlinkSync(path, 'latin1')}`;
  if (type !== 0o100000 || size > MOST_BYTES) return `${own} ${size}`;
  return `${own} ${size} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`;
}
