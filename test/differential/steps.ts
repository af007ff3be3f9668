/**
 * The steps of a differential run: plain data, of the kinds in `kinds/`, and three that concern the mounts.
 *
 * A step's outcome is a code or a result that both sides must share; times that the clock set become 'now', inode
 * numbers are compared with themselves only.
 */

import { OperationError } from '../helpers/operator-client.js';
import type { Actor, ArgumentsOf, Kind } from './kind.js';
import { attributeKinds } from './kinds/attribute-kinds.js';
import { contentKinds } from './kinds/content-kinds.js';
import { descriptorKinds } from './kinds/descriptor-kinds.js';
import { nameKinds } from './kinds/name-kinds.js';
import type { DrawnPath, NameModel } from './name-model.js';

export const kinds = { ...contentKinds, ...nameKinds, ...attributeKinds, ...descriptorKinds };

type Kinds = typeof kinds;
export type StepName = keyof Kinds;

/** `user` has the step done by uid 1001 instead of root. */
export type Operation = {
  [K in StepName]: { readonly step: K; readonly user?: boolean } & ArgumentsOf<Kinds[K]['fields']>;
}[StepName];

/**
 * What happens to the mounts of both sides, all descriptors closed: `remount`; `freeze` makes each upper a layer under a
 * new one; `exchange` gives each file system the layers and the upper of the other.
 */
export interface MountChange {
  readonly step: 'remount' | 'freeze' | 'exchange';
}

export type Step = Operation | MountChange;

/** A step whose paths are still wishes. */
export type DrawnStep = Readonly<Record<string, unknown>> & { readonly step: StepName };

export type Outcome = { readonly result: unknown } | { readonly code: string };

export function isMountChange(step: Step | DrawnStep): step is MountChange {
  return step.step === 'remount' || step.step === 'freeze' || step.step === 'exchange';
}

/** The step with names, and with a slot that is open where one is used. A step that has names already stays as it is. */
export function resolveStep(drawn: DrawnStep | Operation, names: NameModel): Operation {
  const values = Object.entries(drawn).map(([key, value]) => {
    const isWish = typeof value === 'object' && value !== null && 'wish' in value;
    return [key, isWish ? names.pick(value as DrawnPath) : value] as const;
  });
  return Object.fromEntries(values) as unknown as Operation;
}

function kindOf(step: Operation): Kind {
  return kinds[step.step] as unknown as Kind;
}

/** Does a step. A failure of the operation is an outcome; a lost operator is thrown. */
export async function doStep(actor: Actor, step: Operation): Promise<Outcome> {
  try {
    return { result: await kindOf(step).perform(actor, step as never) };
  } catch (error) {
    if (error instanceof OperationError) return { code: error.code };
    throw error;
  }
}

/** What a step that succeeded makes of the names. */
export function followStep(names: NameModel, step: Operation): void {
  kindOf(step).follow(names, step as never);
}

/** One line for a report. */
export function describeStep(step: Step): string {
  const { step: name, ...rest } = step;
  const args = Object.entries(rest).map(([key, value]) => {
    const text = JSON.stringify(value);
    return `${key}: ${text.length > 40 ? `${text.slice(0, 40)}...` : text}`;
  });
  return `${name} ${args.join(', ')}`;
}
