/** Binds with `cow` of `plyfs mount` as drafts: named by the mount point, also when nothing is mounted there. */

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DraftBench } from './draft-bench.js';

/** A kill after every so many steps; 1 tries each. */
const STRIDE = Number(process.env.PLYFS_KILL_STRIDE ?? 11);

let bench: DraftBench;
beforeEach(() => {
  bench = new DraftBench();
  for (const name of ['l', 'up', 'm']) mkdirSync(at(name));
  bench.outside('mkdir d; echo 1 > f; echo 2 > d/g; echo 3 > gone');
});
afterEach(() => bench.dispose());

const at = (...names: string[]): string => join(bench.root, ...names);
const onHost = (name: string): string => readFileSync(join(bench.host, name), 'utf8');
const mount = (...args: string[]): void => {
  const { code, stderr } = bench.command('mount', '-l', 'l', '--upper', 'up', ...args);
  expect([code, stderr]).toEqual([0, '']);
};
const umount = (): void => expect(bench.plyfs('umount', 'm').code).toBe(0);
const review = (name = 'm'): string =>
  bench.command('review', '--name-only', name).stdout.replaceAll(`${bench.host}/`, '').replaceAll('\n', ' ');
const untimed = (): string => bench.listing().replace(/ \d+\.\d+ \d+\.\d+ /g, ' ');

test('what was changed through a mount is reviewed, applied in part, taken back, applied and thrown away', () => {
  const name = `${at('m')}:/work`;
  const before = untimed();
  mount('-v', `${bench.host}:/work:cow`, 'm');
  bench.run('sh', '-c', 'cd m/work; echo x >> f; rm gone; mv d e; echo 4 > e/n');
  expect(bench.command('drafts', '--all', '--format', '{{.Name}} {{.State}} {{.Over}}').stdout).toBe(
    `${name} in use ${bench.host}\n`,
  );
  expect(
    [review(), review('m:/work'), review(name), review(at('up'))].map((names) => names.split(' ')),
  ).toEqual(Array(4).fill(['gone', 'e', 'e/n', 'f', '']));
  const refused = bench.command('apply', '--yes', 'm').stderr;
  expect(refused).toContain("'/m:/work' is in use: it is mounted, or is being applied; 'plyfs umount /m'");
  expect(bench.command('discard', 'm').code).toBe(1);
  umount();
  expect(bench.command('drafts', '--all', '--format', '{{.Name}} {{.State}}').stdout).toBe(`${name} idle\n`);
  expect(bench.command('apply', '--yes', '--only', join(bench.host, 'f'), 'm').code).toBe(0);
  expect([onHost('f'), existsSync(join(bench.host, 'gone')), review()]).toEqual([
    '1\nx\n',
    true,
    'gone e e/n ',
  ]);
  expect(bench.command('undo').stdout).toBe(`${name}\n`);
  expect([onHost('f'), review()]).toEqual(['1\n', 'gone e e/n f ']);
  expect(bench.command('discard', '--only', join(bench.host, 'f'), 'm').code).toBe(0);
  expect(review()).toBe('gone e e/n ');
  expect(bench.command('apply', '--yes', 'm').code).toBe(0);
  expect([onHost('e/n'), existsSync(join(bench.host, 'gone')), review()]).toEqual(['4\n', false, '']);
  mount('-v', `${bench.host}:/work:cow`, 'm');
  expect(bench.run('sh', '-c', 'cd m/work; cat f e/g; ls; echo y >> f').stdout).toBe('1\n2\ne\nf\n');
  umount();
  // Between the apply and its undo the bind was changed: what was there then is kept.
  expect(bench.command('undo').code).toBe(0);
  expect(untimed()).toBe(before);
  expect(review()).toBe('gone e e/n f ');
  expect(bench.command('discard', 'm').code).toBe(0);
  expect(bench.command('drafts', '--all', '-q').stdout).toBe('');
  expect(bench.run('find', 'up.work/cow').stdout).toBe('up.work/cow\n');
  expect(untimed()).toBe(before);
  expect(bench.command('review', 'm').stderr).toContain("no such draft: 'm'");
  expect(bench.command('review', './m').stderr).toContain("no such bind with cow: './m'");
});

test('several binds are told apart, and a mount point that was used again by the uppers', () => {
  mkdirSync(at('other'));
  writeFileSync(at('other/o'), '');
  const both = ['-v', `${bench.host}:/work:cow`, '--mount', `type=bind,src=${at('other')},dst=/o,cow`];
  mount(...both, 'm');
  bench.run('sh', '-c', 'echo x >> m/work/f; rm m/o/o');
  umount();
  expect(bench.command('review', 'm').stderr).toContain("'m' has 2 binds with cow; name one: /m:/");
  expect([review('m:/work'), review('m:/o')]).toEqual(['f ', `${at('other/o')} `]);
  mkdirSync(at('up2'));
  expect(bench.command('mount', '-l', 'l', '--upper', 'up2', ...both.slice(0, 2), 'm').code).toBe(0);
  umount();
  expect([review('m:/work'), review('up:/work')]).toEqual(['', 'f ']);
  renameSync(at('up.work'), at('gone'));
  expect(bench.command('drafts', '--all', '-q').stdout).toBe(`${at('m')}:/work\n`);
});

test('an apply that is killed leaves the old tree or the new one, where upper lies on another file system than the store', () => {
  expect(bench.run('mount', '-t', 'tmpfs', 'none', 'up').code).toBe(0);
  try {
    mkdirSync(at('up/u'));
    const cow = ['-l', 'l', '--upper', 'up/u', '-v', `${bench.host}:/work:cow`, 'm'];
    expect(bench.command('mount', ...cow).code).toBe(0);
    bench.run('sh', '-c', 'cd m/work; echo x >> f; rm gone; mv d e; echo 4 > e/n');
    umount();
    const before = untimed();
    const changes = review();
    const kill = (step: number, ...args: string[]): boolean =>
      bench.run(
        'env',
        `PLYFS_TEST_KILL_AFTER=${step}`,
        process.execPath,
        bench.cli,
        ...args,
        '--root',
        'store',
      ).code !== 0;
    let isKilled = true;
    for (let step = 1; isKilled; step += STRIDE) {
      isKilled = kill(step, 'apply', '--yes', 'm');
      expect(bench.command('drafts').code).toBe(0);
      const isOld = untimed() === before;
      expect([isOld ? changes : '', existsSync(join(bench.host, 'e'))]).toEqual([review(), !isOld]);
      if (isOld) continue;
      expect(bench.command('undo').code).toBe(0);
      expect([untimed(), review()]).toEqual([before, changes]);
    }
    isKilled = true;
    for (let step = 1; isKilled; step += STRIDE) {
      isKilled = kill(step, 'discard', 'm');
      // What was half thrown away is gone.
      if (existsSync(at('up/u.work/cow')) && review() === changes) continue;
      expect([untimed(), review()]).toEqual([before, '']);
      break;
    }
  } finally {
    bench.run('umount', 'm');
    bench.run('umount', 'up');
  }
});

test('what an apply that was killed would still take out of a bind stays there while it is mounted', () => {
  const log = (): string => bench.run('sh', '-c', 'cat store/drafts/.applied/*/log').stdout;
  mount('-v', `${bench.host}:/work:cow`, 'm');
  bench.run('sh', '-c', 'cd m/work; echo x >> f; rm gone; echo x >> d/g; echo 4 > a');
  umount();
  const kill = ['env', 'PLYFS_TEST_KILL_AFTER=', process.execPath, bench.cli, 'apply', '--yes', 'm'];
  // Between the step at which the host has all of it, and the one at which the bind has nothing of it any more.
  let [low, high] = [0, 256];
  while (!log().includes('"done"') || log().includes('"reset"')) {
    expect(high - low).toBeGreaterThan(1);
    const step = (low + high) >> 1;
    // What the last one has left is not among the steps of the next one.
    expect(bench.command('drafts').code).toBe(0);
    if (log().includes('"reset"')) expect(bench.command('undo').code).toBe(0);
    bench.run(...(kill.with(1, `${kill[1]}${step}`) as [string, ...string[]]), '--root', 'store');
    if (log().includes('"reset"')) high = step;
    else low = step;
  }
  expect([onHost('f'), existsSync(join(bench.host, 'gone'))]).toEqual(['1\nx\n', false]);
  mount('-v', `${bench.host}:/work:cow`, 'm');
  expect(bench.command('drafts').code).toBe(0);
  expect(bench.run('sh', '-c', 'cat m/work/f; ls m/work up.work/cow/*/upper').stdout).toContain(
    '1\nx\nm/work:\na\nd\nf\n\n',
  );
  expect(log()).not.toContain('"reset"');
  // What is written before the rest is done is a change of its own.
  bench.run('sh', '-c', 'cd m/work; echo late >> f; echo 5 > new; mv new a');
  umount();
  expect([review(), log().includes('"reset"'), onHost('f'), onHost('a')]).toEqual([
    'a f ',
    true,
    '1\nx\n',
    '4\n',
  ]);
  expect(bench.command('apply', '--yes', 'm').stderr).toBe('');
  expect([onHost('f'), onHost('a'), onHost('d/g'), review()]).toEqual(['1\nx\nlate\n', '5\n', '2\nx\n', '']);
});
