/** `plyfs discard --only`: single changes leave a draft, the rest of it stays. */

import { afterEach, beforeEach, expect, test } from 'vitest';
import { DraftBench } from './draft-bench.js';

let bench: DraftBench;
beforeEach(() => {
  bench = new DraftBench();
});
afterEach(() => bench.dispose());

/** A kill after every so many steps; 1 tries each. */
const STRIDE = Number(process.env.PLYFS_KILL_STRIDE ?? 3);
const LIMIT = 60;

const discard = (...args: string[]) => {
  const { code, stdout, stderr } = bench.command('discard', 'draft', ...args);
  return { code, stdout: stdout.replaceAll(bench.host, ''), stderr };
};

test('what is taken out shows as on the host again, the rest is still there', () => {
  bench.outside(
    'mkdir old d; echo 1 > old/f; echo 2 > gone; echo 3 > c; echo 4 > d/x; echo 5 > two; ln two names',
  );
  const before = bench.listing();
  bench.try(
    'draft',
    'mv old new; echo 6 > new/g; rm gone; echo 7 > c; mkdir n; echo 8 > n/o; chmod 700 d; echo 9 > two',
  );
  const only = (path: string): ReturnType<typeof discard> => discard('--only', `${bench.host}/${path}`);
  expect(only('gone')).toEqual({ code: 0, stdout: '/gone\n', stderr: '' });
  expect(only('new')).toEqual({ code: 0, stdout: '/new\n/new/g\n', stderr: '' });
  expect(only('n').stdout).toBe('/n\n/n/o\n');
  expect(only('two').stderr).toContain('it has other names');
  expect(only('d').stderr).toContain("cannot discard the attributes of '/host/d' alone");
  expect(only('nothing').stderr).toContain("draft 'draft' has no such change");
  expect(bench.command('review', 'draft', '--name-only').stdout.replaceAll(bench.host, '')).toBe(
    '/c\n/d\n/two\n',
  );
  expect(bench.try('draft', 'cat old/f gone c two; ls').stdout).toBe(
    '1\n2\n7\n9\nc\nd\ngone\nnames\nold\ntwo\n',
  );
  expect(bench.listing()).toBe(before);
});

test('killed after each step, all of them are out when the next command looks, or none is', () => {
  bench.outside('mkdir old; echo 1 > old/f; echo 2 > gone; echo 3 > c');
  const review = (): string =>
    bench.command('review', 'draft', '--name-only').stdout.replaceAll(bench.host, '');
  const seen = new Set<string>();
  for (let step = 1; ; step += STRIDE) {
    bench.try('draft', 'mv old new; rm gone; mkdir n; echo 8 > n/o; echo 7 > c');
    const before = review();
    bench.env.PLYFS_TEST_KILL_AFTER = String(step);
    const { code } = discard('--only', `${bench.host}/[ng]*`);
    delete bench.env.PLYFS_TEST_KILL_AFTER;
    const after = review();
    seen.add(after === before ? 'as before' : after);
    bench.command('discard', 'draft');
    if (code === 0) break;
    expect(step).toBeLessThan(LIMIT);
  }
  expect([...seen].sort()).toEqual(['/c\n', 'as before']);
});
