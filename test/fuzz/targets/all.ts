/** All targets, in the order in which they run. */

import type { Target } from '../target.js';
import { buildTargets } from './build-targets.js';
import { commandTargets } from './command-targets.js';
import { imageTargets } from './image-targets.js';
import { storeTargets } from './store-targets.js';
import { wireTargets } from './wire-targets.js';

export const targets: readonly Target[] = [
  ...wireTargets,
  ...commandTargets,
  ...buildTargets,
  ...imageTargets,
  ...storeTargets,
];
