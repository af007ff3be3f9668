/**
 * What a kind of step is: how often it is drawn, from what, how it is done, and what it makes of the names.
 *
 * A kind draws its arguments; a path among them is drawn as a wish (`DrawnPath`), which the model of the tree turns into
 * a name when the step's turn comes. Slots are descriptors that stay open between steps: 0 to 2 hold files, 3 and 4
 * directories.
 */

import fc from 'fast-check';
import type { Stat } from '../helpers/operations/attribute-operations.js';
import { type Fs, OperationError } from '../helpers/operator-client.js';
import type { DrawnPath, NameModel, PathWish } from './name-model.js';

/** One side's view of a run. */
export interface Actor {
  readonly fs: Fs;
  readonly slots: Map<number, number>;
}

type Fields = Readonly<Record<string, fc.Arbitrary<unknown>>>;
/** Arguments as the step has them: with names where wishes were drawn. */
export type ArgumentsOf<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends fc.Arbitrary<infer T> ? (T extends DrawnPath ? string : T) : never;
};

export interface Kind<F extends Fields = Fields> {
  readonly weight: number;
  readonly fields: F;
  readonly perform: (actor: Actor, args: ArgumentsOf<F>) => Promise<unknown>;
  /** Called when the step succeeded. */
  readonly follow: (names: NameModel, args: ArgumentsOf<F>) => void;
  /** Always by the other user. Else root does it, and but for steps on slots sometimes the user. */
  readonly byUser?: true;
}

export function kind<F extends Fields>(
  weight: number,
  fields: F,
  perform: Kind<F>['perform'],
  follow: Kind<F>['follow'] = () => undefined,
): Kind<F> {
  return { weight, fields, perform, follow };
}

const ORDINARY_NAMES = ['a', 'b', 'c', 'd'] as const;
/** A name as long as names can be, and one that is a whiteout in a tar and nowhere else. */
export const LONG_NAME = 'n'.repeat(255);
const ODD_NAMES = [LONG_NAME, '.wh.a'] as const;

export const name = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom<string>(...ORDINARY_NAMES) },
  { weight: 1, arbitrary: fc.constantFrom<string>(...ODD_NAMES) },
);

const randomPath = fc.oneof(
  { weight: 3, arbitrary: name },
  { weight: 4, arbitrary: fc.tuple(name, name).map((parts) => parts.join('/')) },
  { weight: 2, arbitrary: fc.tuple(name, name, name).map((parts) => parts.join('/')) },
);

/** Mostly what is wished for, sometimes something else that exists, sometimes anything. */
export function path(...wishes: [PathWish, ...PathWish[]]): fc.Arbitrary<DrawnPath> {
  const wish = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom<PathWish>(...wishes) },
    { weight: 2, arbitrary: fc.constantFrom<PathWish>('any', 'new', 'random') },
  );
  return fc.record({ wish, pick: fc.nat(10_000), name, random: randomPath });
}

/** None leads out of the directory above the run's, and none to a place that a step could make on the host. */
export const linkTarget = fc.constantFrom('a', 'b', '../a', 'c/d', '../b/c', '/none/none', '.');
export const fileMode = fc.constantFrom(0o644, 0o600, 0o666, 0o400, 0o4755, 0o2775, 0o000);
export const dirMode = fc.constantFrom(0o755, 0o700, 0o777, 0o1777, 0o2775, 0o555);
export const owner = fc.constantFrom(0, 1001);
export const newOwner = fc.constantFrom(0, 1001, -1);
export const data = fc.constantFrom('x', 'hello', 'y'.repeat(5000));
/** Offsets and lengths: within a block, at its borders, beyond the end of most files. */
export const place = fc.constantFrom(0, 3, 4096, 9000);
export const length = fc.constantFrom(1, 4096, 10_000);
/** Mostly small; one beyond what 32 bits hold. */
export const size = fc.oneof(
  { weight: 9, arbitrary: place },
  { weight: 1, arbitrary: fc.constantFrom(3_000_000, 5 * 2 ** 30) },
);
export const fileSlot = fc.constantFrom(0, 1, 2);
export const dirSlot = fc.constantFrom(3, 4);

/** Layers and steps set times below this; whatever lies above was set by the clock. */
const PAST_NS = 1_500_000_000_000_000_000n;

export function normalTime(timeNs: bigint): string {
  return timeNs > PAST_NS ? 'now' : String(timeNs);
}

/** Data that passes a fifo moves its time on ext4 and not on overlayfs. */
export function normalStat(stat: Stat): unknown {
  const { type, mode, uid, gid, size, nlink, rdev, mtimeNs } = stat;
  const common = { type, mode, uid, gid, mtime: type === 'fifo' ? '' : normalTime(mtimeNs) };
  return type === 'dir' ? common : { ...common, size, nlink, rdev };
}

/** The descriptor of a slot. @throws OperationError NOSLOT */
export function slotOf(actor: Actor, slot: number): number {
  const fd = actor.slots.get(slot);
  if (fd === undefined) throw new OperationError('NOSLOT', 'the slot is empty');
  return fd;
}

export async function closeSlot(actor: Actor, slot: number): Promise<void> {
  const fd = actor.slots.get(slot);
  actor.slots.delete(slot);
  if (fd !== undefined) await actor.fs.close(fd);
}
