/** `plyfs apply` and `undo`: what they write, what they refuse, and that a kill leaves the old tree or the new one. */

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DraftBench } from './draft-bench.js';

/** A kill after every so many steps; 1 tries each. */
const STRIDE = Number(process.env.PLYFS_KILL_STRIDE ?? 7);

let bench: DraftBench;
beforeEach(() => {
  bench = new DraftBench();
});
afterEach(() => bench.dispose());

/** The host without times: those of a taking back are its own. */
const untimed = (): string => bench.listing().replace(/ \d+\.\d+ \d+\.\d+ /g, ' ');
const at = (name: string): string => join(bench.host, name);
const read = (name: string): string => readFileSync(at(name), 'utf8');
const apply = (...args: string[]) => bench.command('apply', 'draft', ...args);

test('a part is applied, the rest stays in the draft', () => {
  bench.outside('mkdir -p d/e; echo 1 > d/e/f; echo 2 > g; echo 3 > gone; mkdir old; echo 4 > old/h');
  bench.try(
    'draft',
    'echo x >> d/e/f; echo x >> g; rm gone; mv old new; echo 5 > new/i; mkdir -p m/n; echo 6 > m/n/o',
  );
  expect(apply('--yes', '--only', '*o', '--only', at('gone')).stdout).toBe(
    ['D /gone  (2 B)', 'A /m/  (mode 755)', 'A /m/n/  (mode 755)', 'A /m/n/o  (2 B, mode 644)', '']
      .join('\n')
      .replace(/ \//g, ` ${bench.host}/`),
  );
  expect([read('m/n/o'), read('g'), read('d/e/f'), existsSync(at('gone'))]).toEqual([
    '6\n',
    '2\n',
    '1\n',
    false,
  ]);
  expect(bench.command('review', 'draft', '--stat').stdout.replaceAll(bench.host, '')).toBe(
    'R /old/ -> /new/\nC /d/e/f  (content, 2 -> 4 B)  +1 -0\nC /g  (content, 2 -> 4 B)  +1 -0\nA /new/i  (2 B, mode 644)  +1 -0\n'
      .split('\n')
      .sort((a, b) => 'RAC'.indexOf(a[0] ?? '') - 'RAC'.indexOf(b[0] ?? ''))
      .filter((line) => line !== '')
      .join('\n')
      .concat('\n'),
  );
  // What lies in a renamed directory brings the rename along.
  expect(apply('--yes', '--only', at('new/i')).code).toBe(0);
  expect([read('new/h'), read('new/i'), existsSync(at('old'))]).toEqual(['4\n', '5\n', false]);
  expect(bench.try('draft', 'cat new/h new/i g m/n/o; ls').stdout).toBe('4\n5\n2\nx\n6\nd\ng\nm\nnew\n');
  expect(bench.command('undo').code).toBe(0);
  expect(existsSync(at('old/h')) && !existsSync(at('new'))).toBe(true);
  expect(bench.command('undo').code).toBe(0);
  expect(
    bench.command('review', 'draft', '--stat').stdout.replaceAll(bench.host, '').split('\n').sort(),
  ).toEqual(
    [
      '',
      'A /m/  (mode 755)',
      'A /m/n/  (mode 755)',
      'A /m/n/o  (2 B, mode 644)  +1 -0',
      'A /new/i  (2 B, mode 644)  +1 -0',
      'C /d/e/f  (content, 2 -> 4 B)  +1 -0',
      'C /g  (content, 2 -> 4 B)  +1 -0',
      'D /gone  (2 B)',
      'R /old/ -> /new/',
    ].sort(),
  );
  expect(apply('--yes').code).toBe(0);
  expect([read('m/n/o'), read('g'), read('new/i'), existsSync(at('gone'))]).toEqual([
    '6\n',
    '2\nx\n',
    '5\n',
    false,
  ]);
});

test('an apply that fails on another file system than the store leaves all as it was, after the next command too', () => {
  mkdirSync(bench.host, { recursive: true });
  expect(bench.run('mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', bench.host).code).toBe(0);
  try {
    bench.outside('echo 1 > a; echo 2 > f; echo 3 > z');
    const before = untimed();
    bench.try('draft', 'echo x >> a; echo x >> f; head -c 3000000 /dev/zero > z');
    expect(apply('--yes').stderr).toContain('no space left');
    for (let count = 0; count < 2; count++) {
      expect(bench.command('drafts').code).toBe(0);
      expect(untimed()).toBe(before);
    }
    expect(apply('--yes', '--only', at('a')).code).toBe(0);
    expect(read('a')).toBe('1\nx\n');
    expect(bench.command('undo').code).toBe(0);
    expect(bench.command('drafts').code).toBe(0);
    expect(read('a')).toBe('1\n');
  } finally {
    bench.run('umount', bench.host);
  }
});

test('an undo that is killed is finished by the next command, and the draft has its changes again', () => {
  bench.outside(
    'mkdir -p d old; echo 1 > d/f; echo 2 > g; echo 3 > gone; echo 4 > old/h; mkdir o; echo 5 > o/p',
  );
  bench.try(
    'draft',
    'echo x >> d/f; rm gone; mv old new; mkdir m; echo 6 > m/n; rm -r o; mkdir o; echo 7 > o/q; echo 8 > o/r',
  );
  const kept = (only: readonly string[]): void => {
    const before = untimed();
    const changes = bench.command('review', 'draft', '--stat').stdout;
    let isKilled = true;
    for (let step = 1; isKilled; step += STRIDE) {
      expect(apply('--yes', ...only.flatMap((name) => ['--only', at(name)])).code).toBe(0);
      isKilled =
        bench.run(
          'env',
          `PLYFS_TEST_KILL_AFTER=${step}`,
          process.execPath,
          bench.cli,
          'undo',
          '--root',
          'store',
        ).code !== 0;
      expect(bench.command('drafts').code).toBe(0);
      // Before its first step is in the log there is nothing to finish.
      if (bench.command('review', 'draft', '--stat').stdout !== changes)
        expect(bench.command('undo').code).toBe(0);
      expect(untimed()).toBe(before);
      expect(bench.command('review', 'draft', '--stat').stdout).toBe(changes);
    }
  };
  kept(['m', 'gone', 'new', 'o/q']);
  kept([]);
});

test('what the host has changed too is a conflict: three sides, nothing written without a choice', () => {
  bench.outside('echo 1 > f; echo 2 > g; echo 3 > h; echo 4 > keep');
  bench.try('draft', 'echo draft > f; rm g; echo draft > n; echo draft > keep');
  bench.outside('echo host > f; echo host >> g; echo host > n');
  const refused = apply('--yes');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("conflict at '/host/f': the host has changed it\n  base:  2 B, mode 644");
  expect(refused.stderr).toMatch(/ {2}host: {2}5 B, mode 644.*\n {2}draft: 6 B, mode 644/);
  expect(refused.stderr).toContain("conflict at '/host/g'");
  expect(refused.stderr).toContain("conflict at '/host/n': the host has changed it");
  expect(refused.stderr).toContain('nothing is applied: the host has changed too in 3 of these places');
  expect([read('f'), read('g'), read('n'), read('keep')]).toEqual(['host\n', '2\nhost\n', 'host\n', '4\n']);
  expect(apply('--yes', '--on-conflict', 'host').code).toBe(0);
  expect([read('f'), read('g'), read('n'), read('keep')]).toEqual([
    'host\n',
    '2\nhost\n',
    'host\n',
    'draft\n',
  ]);
  expect(apply('--yes', '--on-conflict', 'draft').code).toBe(0);
  expect([read('f'), existsSync(at('g')), read('n')]).toEqual(['draft\n', false, 'draft\n']);
});

test('single hunks, and the rest of the file stays in the draft', () => {
  bench.outside('seq 30 > f');
  bench.try('draft', "sed -i 's/^3$/three/; s/^25$/twenty-five/' f");
  const script = `printf 'n\\ny\\n' | '${process.execPath}' '${bench.cli}' apply --root store --hunk draft`;
  const { code, stderr } = bench.run('sh', '-c', script);
  expect({ code, stderr }).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('apply this hunk (2/2)?'),
  });
  expect(read('f')).toBe(
    `${Array.from({ length: 30 }, (_, n) => (n === 24 ? 'twenty-five' : n + 1)).join('\n')}\n`,
  );
  expect(bench.command('review', 'draft').stdout).toContain('-3\n+three');
  expect(bench.command('review', 'draft').stdout).not.toContain('twenty-five\n+');
  expect(bench.command('undo').stderr).toContain('has its changes again');
  expect(read('f').split('\n')[24]).toBe('25');
  expect(bench.command('review', 'draft').stdout).toContain('-25\n+twenty-five');
  expect(bench.run('sh', '-c', script).code).toBe(0);
  expect(apply('--yes').code).toBe(0);
  expect(read('f').split('\n')[2]).toBe('three');
});

test('rights, devices and hooks want a word of their own', () => {
  bench.outside('mkdir -p .git/hooks');
  bench.try(
    'draft',
    'cp /bin/true s; chmod u+s s; mknod d c 1 3; echo x > .git/hooks/post-merge; echo y > plain',
  );
  const refused = apply('--yes');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('--allow-devices');
  expect(refused.stderr).toContain('--allow-hooks');
  expect(refused.stderr).toContain('--allow-setuid');
  expect(existsSync(at('plain'))).toBe(false);
  expect(apply('--yes', '--allow-setuid', '--allow-devices').code).toBe(1);
  expect(apply('--yes', '--allow-setuid', '--allow-devices', '--allow-hooks').code).toBe(0);
  expect(bench.run('stat', '-c', '%a %F', at('s'), at('d'), at('.git/hooks/post-merge')).stdout).toBe(
    '4755 regular file\n644 character special file\n644 regular file\n',
  );
});

test('a symlink that somebody plants on the way leads nowhere', () => {
  bench.outside('mkdir -p d away; echo 1 > d/f; echo secret > away/f');
  bench.try('draft', 'echo draft > d/f; echo new > d/n');
  bench.outside('rm -r d; ln -s away d');
  expect(apply('--yes').stderr).toContain("conflict at '/host/d': the host has changed it");
  expect(apply('--yes', '--on-conflict', 'draft').code).toBe(0);
  expect(bench.run('stat', '-c', '%F', at('d')).stdout).toBe('directory\n');
  expect(bench.run('ls', at('away')).stdout).toBe('f\n');
  expect(readFileSync(at('away/f'), 'utf8')).toBe('secret\n');
});

test('undo refuses what was changed since, and takes nothing back then', () => {
  bench.outside('echo 1 > f; echo 2 > g');
  bench.try('draft', 'echo x >> f; echo y > n; rm g');
  expect(apply('--yes').code).toBe(0);
  bench.outside('echo later >> f');
  expect(bench.command('undo').stderr).toContain("cannot undo: '/host/f' was changed since the apply");
  expect([read('f'), read('n'), existsSync(at('g'))]).toEqual(['1\nx\nlater\n', 'y\n', false]);
  expect(bench.command('undo', 'no-more').code).toBe(1);
});

test('a pattern that fits nothing is refused, and nothing is applied', () => {
  bench.try('one', 'mkdir -p new/deep; echo x > new/deep/x');
  const refused = bench.command('apply', 'one', '--yes', '--only', '*/x');
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toContain("draft 'one' has no such change; 'plyfs review --name-only one' shows");
  expect(bench.command('apply', 'one', '--yes', '--only', '**/x').code).toBe(0);
  expect(existsSync(join(bench.host, 'new/deep/x'))).toBe(true);
});

test('the answer no, an empty draft, a draft in use, and a name that is none', () => {
  bench.outside('echo 1 > f');
  bench.try('draft', 'true');
  expect(apply('--yes').stderr).toBe("draft 'draft' has nothing to apply\n");
  bench.try('draft', 'echo x > f');
  const asked = bench.run(
    'sh',
    '-c',
    `echo n | '${process.execPath}' '${bench.cli}' apply --root store draft`,
  );
  expect(asked.code).toBe(1);
  expect(asked.stderr).toContain('1 changes of draft');
  expect(read('f')).toBe('1\n');
  expect(bench.command('apply', 'nobody').stderr).toContain("no such draft: 'nobody'");
  expect(apply('--on-conflict', 'mine').code).toBe(1);
  expect(bench.command('undo').stderr).toContain('there is no apply to take back');
});

test('killed between any two steps, the host is as before or as after the next command', () => {
  const make = `mkdir -p d/e old; echo 1 > d/e/f; ln d/e/f h; echo 2 > g; echo 3 > gone; echo 4 > old/i
    find . -print0 | xargs -0 touch -h -d '2020-01-02 03:04:05'`;
  const change = `echo x >> d/e/f; echo x >> g; rm gone; mv old new; echo 5 > new/j; chmod 600 new/i; mkdir m; ln g m/k`;
  const textOf = (): string =>
    bench.run('python3', join(import.meta.dirname, 'tree-text.py'), bench.host).stdout;
  bench.outside(make);
  const before = textOf();
  bench.try('draft', change);
  const saved = bench.run('sh', '-ec', 'cp -a store saved.store && cp -a host saved.host');
  expect(saved.code).toBe(0);
  expect(apply('--yes').code).toBe(0);
  const after = textOf();
  expect(after).not.toBe(before);
  expect(bench.command('undo').code).toBe(0);
  expect(textOf()).toBe(before);
  const seen = new Set<string>();
  for (let step = 1; step < 500; step += STRIDE) {
    const { code } = bench.run(
      'env',
      `PLYFS_TEST_KILL_AFTER=${step}`,
      process.execPath,
      bench.cli,
      'apply',
      '--root',
      'store',
      '--yes',
      'draft',
    );
    expect(bench.command('drafts').code).toBe(0);
    const now = textOf();
    expect([before, after]).toContain(now);
    seen.add(now);
    if (code === 0) break;
    if (now === after) {
      expect(bench.command('review', 'draft').stdout).toBe('');
      expect(bench.command('undo').code).toBe(0);
    }
    expect(textOf()).toBe(before);
  }
  expect(seen.size).toBe(2);
});
