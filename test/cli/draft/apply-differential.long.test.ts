/**
 * Random programs run on the host, and in a draft that is applied then: the trees must be the same in bytes, modes, owners, times,
 * attributes and hard links. Before it is applied, and after it is taken back, the host is as it was, inode by inode.
 *
 * PLYFS_DRAFT_PROGRAMS says how many, PLYFS_DRAFT_STEPS how long each is, PLYFS_DRAFT_SEED where to begin.
 */

import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DraftBench } from './draft-bench.js';

const programs = Number(process.env.PLYFS_DRAFT_PROGRAMS ?? 4);
const steps = process.env.PLYFS_DRAFT_STEPS ?? '200';
const firstSeed = Number(process.env.PLYFS_DRAFT_SEED ?? 1);
const program = join(import.meta.dirname, 'random-program.py');

let bench: DraftBench;
beforeEach(() => {
  bench = new DraftBench();
});
afterEach(() => bench.dispose());

const textOf = (folder: string, ...exact: string[]): string => {
  const { code, stdout, stderr } = bench.run(
    'python3',
    join(import.meta.dirname, 'tree-text.py'),
    folder,
    ...exact,
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
};

test.each(Array.from({ length: programs }, (_, index) => firstSeed + index))('program %i', (seed) => {
  const { host, root } = bench;
  // A tree that a program has made, and whose times are all of the past.
  bench.outside(
    `python3 '${program}' ${seed + 100_000} 120; find . -print0 | xargs -0 touch -h -d '2020-01-02 03:04:05.6'`,
  );
  bench.run('sh', '-ec', `rm -rf twin; cp -a host twin`);
  expect(bench.run('sh', '-ec', `cd twin; python3 '${program}' ${seed} ${steps}`).stderr).toBe('');
  const before = textOf(host, 'exact');
  expect(bench.try('draft', `python3 '${program}' ${seed} ${steps}`)).toEqual({
    code: 0,
    stdout: '',
    stderr: '',
  });
  expect(textOf(host, 'exact')).toBe(before);
  const review = bench.command('review', 'draft').stdout;
  const applied = bench.command('apply', '--yes', '--allow-hooks', '--allow-setuid', 'draft');
  expect(applied, review).toMatchObject({ code: 0, stderr: '' });
  expect(textOf(host), review).toBe(textOf(join(root, 'twin')));
  expect(bench.command('review', 'draft').stdout).toBe('');
  expect(bench.command('undo')).toMatchObject({ code: 0 });
  expect(textOf(host, 'exact'), review).toBe(before);
  expect(bench.command('review', 'draft').stdout).toBe(review);
  expect(bench.command('discard', 'draft').code).toBe(0);
});

test('git and make: what they did in a draft is after the apply what they do on the host', () => {
  const { host, root } = bench;
  const env = `export HOME='${root}' GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'
    git() { command git -c user.name=n -c user.email=e@x -c init.defaultBranch=main -c core.hooksPath=/dev/null "$@"; }`;
  bench.outside(`${env}
    git init -q .; mkdir src; echo 'all: out/sum' > Makefile; printf 'out/sum: src/a src/b\\n\\tmkdir -p out\\n\\tcat src/* | cksum > out/sum\\n' >> Makefile
    echo a > src/a; echo b > src/b; echo out > .gitignore; git add -A; git commit -qm one; git branch side; find . -print0 | xargs -0 touch -h -d '2020-01-02'`);
  bench.run('sh', '-ec', 'rm -rf twin; cp -a host twin');
  const work = `${env}
    make -s; echo more >> src/a; git commit -qam two; git checkout -q side; git mv src/b src/c; git commit -qm three
    git checkout -q main; git merge -q -m merged side; git gc -q --prune=now; git tag done; rm -r out; git status --porcelain`;
  expect(bench.run('sh', '-ec', `cd twin; ${work}`)).toMatchObject({ code: 0, stdout: '' });
  expect(bench.try('draft', work)).toMatchObject({ code: 0, stdout: '' });
  expect(bench.command('apply', '--yes', '--allow-hooks', 'draft')).toMatchObject({ code: 0, stderr: '' });
  const told = `${env}; git fsck --strict 2>&1; git status --porcelain; git log --format=%H; git for-each-ref; ls -A . src .git; cat src/*`;
  const [here, there] = [host, join(root, 'twin')].map(
    (cwd) => bench.run('sh', '-c', `cd '${cwd}'; ${told}`).stdout,
  );
  expect(here).toBe(there);
  expect(here).toContain('refs/tags/done');
});
