/** Holds the known failures of the second engine against the limits that users are told of. */

import { expect, it } from 'vitest';
import { LIMITS } from '../../../src/engine/fuse-native/native-limits.js';
import { limitedCases } from '../../conformance/known-failures/plyfs-fuse-native.js';

it('every known failure of fuse-native names a limit that doctor lists', () => {
  const keys: readonly string[] = LIMITS.map((limit) => limit.key);
  expect(Object.keys(limitedCases).filter((key) => !keys.includes(key))).toEqual([]);
});
