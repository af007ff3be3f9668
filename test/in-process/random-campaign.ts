/**
 * What the tests with random steps in this process have in common: a plain directory as the model, and the steps that the small kernel
 * has.
 *
 * Root compares with the steps of another user among them; an ordinary user does all of them himself, over layers that are his.
 */

import { ALICE } from '../conformance/suite.js';
import type { Run } from '../differential/draw.js';
import { PLAIN_PLAN } from '../differential/layer-plan.js';
import type { StepName } from '../differential/steps.js';
import type { Campaign } from '../differential/tree-differences.js';
import { Operator, type OperatorHandle } from '../helpers/operator-client.js';
import { plain, type Target } from '../helpers/targets.js';
import { forUser, withoutDevices } from './ordinary-layers.js';

const SEED = 20_261_130;
const isRoot = process.geteuid?.() === 0;

/**
 * A plain directory, whose operators are started before any mount of ours: from then on this process keeps its capabilities
 * whatever its ids are, and so would its children.
 */
const operators = new Map<string, OperatorHandle>();
const model: Target = {
  ...plain,
  startOperator({ identity }) {
    const operator = operators.get(identity === undefined ? 'root' : 'user')!;

    return Promise.resolve({
      pid: operator.pid,
      isLost: false,
      trace: operator.trace,
      forgetTrace: () => operator.forgetTrace(),
      fs: (root: string) => operator.fs(root),
      stop: () => Promise.resolve(),
    });
  },
};

/** Steps of what the small kernel does not have: maps, locks, programs. */
const NOT_HERE: ReadonlySet<string> = new Set<StepName>([
  'mapWrite',
  'slotMapWrite',
  'slotFlock',
  'slotLock',
  'testLock',
  'copyTree',
]);

function possible(run: Run): Run {
  const steps = run.steps.filter(({ step }) => !NOT_HERE.has(step));
  const layers = run.layers.map(withoutDevices);
  return { ...run, steps, layers: isRoot ? layers : layers.map(forUser) };
}

/** @param other what is compared with the model. */
export function campaignOf(other: Target): Omit<Campaign, 'runs' | 'operations'> {
  return {
    planOf: () => PLAIN_PLAN,
    optionsOf: () => ({ reference: model, other, hasOneUser: !isRoot }),
    select: possible,
    seed: SEED,
  };
}

export async function startModel(): Promise<void> {
  operators.set('root', await Operator.start());
  operators.set('user', await Operator.start(isRoot ? { identity: ALICE } : {}));
}

export async function stopModel(): Promise<void> {
  for (const operator of operators.values()) await operator.stop();
}
