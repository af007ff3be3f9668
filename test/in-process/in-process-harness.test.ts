/** The test of the tests: what a file system gets wrong must be caught, by a case or by an invariant. */

import { afterAll, describe, expect, it } from 'vitest';
import { MirrorFileSystem } from '../../src/mounts/mirror/mirror-file-system.js';
import { UnionFileSystem } from '../../src/union/union-file-system.js';
import { Session } from '../conformance/conformance-session.js';
import type { Suite } from '../conformance/suite.js';
import { remove } from '../conformance/suites/remove.suite.js';
import { inProcessTarget } from './in-process-target.js';

/** Messages of the cases that fail, of a suite on a union or a mirror of which one method is another. */
async function failuresOf(kind: 'union' | 'mirror', suite: Suite): Promise<string[]> {
  const target = inProcessTarget(`in-process-harness-${kind}`, { kind });
  const session = new Session(target, suite);
  const failures: string[] = [];
  await session.start();
  try {
    for (const test of suite.cases) {
      if ((test.needs ?? []).some((need) => !target.features.has(need))) continue;
      await session.runCase(test).catch((error: Error) => failures.push(error.message));
    }
  } finally {
    await session.dispose().catch((error: Error) => failures.push(error.message));
    await target.end();
  }
  return failures;
}

describe('the in-process harness', () => {
  const real = { forget: UnionFileSystem.prototype.forget, rmdir: MirrorFileSystem.prototype.rmdir };
  afterAll(() => {
    UnionFileSystem.prototype.forget = real.forget;
    MirrorFileSystem.prototype.rmdir = real.rmdir;
  });

  it('catches a union that loses a reference, by an invariant of the table', async () => {
    UnionFileSystem.prototype.forget = function forget(id, count) {
      return real.forget.call(this, id, count - 1);
    };
    const failures = await failuresOf('union', remove);
    UnionFileSystem.prototype.forget = real.forget;
    expect(failures.join('\n')).toMatch(/references were not given back|nodes are left/);
  });

  it('catches a mirror that keeps a directory that it was to remove', async () => {
    MirrorFileSystem.prototype.rmdir = () => undefined;
    const failures = await failuresOf('mirror', remove);
    MirrorFileSystem.prototype.rmdir = real.rmdir;
    expect(failures.length).toBeGreaterThan(1);
  });

  it('finds nothing where nothing is wrong', async () => {
    expect(await failuresOf('union', remove)).toEqual([]);
  });
});
