/** What a differential run is made of, drawn from its seed alone. */

import fc from 'fast-check';
import type { Layers, NodeSpec } from '../helpers/layers.js';
import { anyLayers } from './draw-layers.js';
import { type Kind, LONG_NAME } from './kind.js';
import { FORMS, type Plan, type PlanName } from './layer-plan.js';
import { type DrawnStep, kinds, type Step, type StepName } from './steps.js';

export interface Run {
  readonly form: PlanName;
  readonly layers: Layers;
  /** The steps; in a run that was done once, names have taken the place of wishes. */
  readonly steps: readonly (Step | DrawnStep)[];
}

function drawnStep(name: StepName, kind: Kind): fc.Arbitrary<DrawnStep> {
  const isForRoot = 'slot' in kind.fields;
  const user = fc.nat(9).map((drawn) => kind.byUser === true || (!isForRoot && drawn === 0));
  return fc
    .tuple(fc.record(kind.fields), user)
    .map(([values, byUser]) => ({ step: name, ...values, ...(byUser ? { user: true } : {}) }));
}

const anyStep: fc.Arbitrary<DrawnStep> = fc.oneof(
  ...Object.entries(kinds as unknown as Record<StepName, Kind>).map(([name, kind]) => ({
    weight: kind.weight,
    arbitrary: drawnStep(name as StepName, kind),
  })),
);

/** The plan's mount changes at equal distances within the steps. */
function withChanges(steps: readonly DrawnStep[], changes: Plan['changes']): (Step | DrawnStep)[] {
  const distance = Math.ceil(steps.length / (changes.length + 1));
  return steps.flatMap((step, at) => {
    const change = at % distance === 0 ? changes[at / distance - 1] : undefined;
    return change === undefined ? [step] : [{ step: change }, step];
  });
}

/** What may have several names in a layer: in user.* overlayfs cannot mark the copies of others than files. */
const LINKED: Readonly<Record<PlanName, readonly NodeSpec['type'][]>> = {
  strict: ['file', 'symlink', 'fifo'],
  passthrough: ['file', 'symlink', 'fifo'],
  shared: ['file', 'symlink', 'fifo'],
  neighbour: ['file', 'symlink', 'fifo'],
  user: ['file'],
  plain: [],
};

/** @param count operations of the run; the mount changes of its plan come on top. */
export function drawRun(plan: Plan, seed: number, count: number): Run {
  const { name: form, layers, changes, hardLinks } = plan;
  const drawn = fc.record({
    layers: anyLayers(layers, {
      opaque: FORMS[form].opaque,
      links: hardLinks ? LINKED[form] : [],
    }),
    steps: fc.array(anyStep, { minLength: count, maxLength: count, size: 'max' }),
  });
  const [sample] = fc.sample(drawn, { seed, numRuns: 1 });
  const { layers: stack, steps } = mapStrings(sample!, (text) => forForm(form, text));
  const possible =
    form === 'plain' ? steps.filter(({ what, how }) => what !== 'whiteout' && how !== 'whiteout') : steps;
  return { form, layers: stack, steps: withChanges(possible, changes) };
}

/**
 * The same name where the form needs another. Overlayfs with metacopy cannot rename or link a file whose path is longer
 * than a redirect may be; plyfs can, and ext4. Overlayfs keeps users from its own marks in the namespace of the mount only, plyfs
 * in both.
 */
function forForm(form: PlanName, text: string): string {
  if ((form === 'shared' || form === 'plain') && text.includes(LONG_NAME))
    return text.replaceAll(LONG_NAME, 'n'.repeat(20));
  return text.replace(/^(?:user|trusted)\.overlay\./, `${FORMS[form].opaque}.overlay.`);
}

function mapStrings<T>(value: T, change: (text: string) => string): T {
  if (typeof value === 'string') return change(value) as T;
  if (Array.isArray(value)) return value.map((one) => mapStrings(one, change)) as T;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  const entries = Object.entries(value).map(([key, inner]) => [change(key), mapStrings(inner, change)]);
  return Object.fromEntries(entries) as T;
}
