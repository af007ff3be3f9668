/** Which daemon a mount may be served by: names of directories. */

import { expect, test } from 'vitest';
import { fingerprint } from '../../../src/daemon/client/daemon-context.js';

test('fingerprint() tells apart what differs in one place, also at its beginning and end', () => {
  const base = `{"environment":[["PATH","/usr/bin"]],"limits":"${'Max open files 1024\n'.repeat(100)}"}`;
  const found = new Set<string>();
  for (let index = 0; index < base.length; index++)
    for (const unit of ['a', 'b', '\u00e9'])
      found.add(fingerprint(`${base.slice(0, index)}${unit}${base.slice(index)}`));
  expect(found.size).toBeGreaterThan(base.length * 2);
  for (const one of found) expect(one).toMatch(/^[0-9a-f]{16}$/);
  expect(fingerprint(base)).toBe(fingerprint(`${base}`));
  expect(fingerprint('')).not.toBe(fingerprint('\0'));
});
