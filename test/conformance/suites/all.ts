/** All suites, in the order in which they run. */

import type { Suite } from '../suite.js';
import { lookup } from './lookup.suite.js';

export const allSuites: readonly Suite[] = [lookup];
