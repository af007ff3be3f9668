/** `plyfs review`: every change of a draft, deletions first, moves as one line, texts as hunks. */

import { afterEach, beforeEach, expect, test } from 'vitest';
import { DraftBench } from './draft-bench.js';

let bench: DraftBench;
beforeEach(() => {
  bench = new DraftBench();
});
afterEach(() => bench.dispose());

const review = (...args: string[]): string =>
  bench.command('review', 'draft', ...args).stdout.replaceAll(bench.host, '');

test('kinds, notes, marks and hunks', () => {
  bench.outside(`mkdir -p a/b d/e old .git/hooks; echo one > f; ln f h; echo k > d/e/k; echo k > d/l; seq 9 > n
    echo z > old/z; echo 1 > m1; echo gone > gone; ln -s f s; cp /bin/true prog; echo same > same; echo t > t`);
  bench.try(
    'draft',
    `echo two >> f; sed -i s/^5$/five/ n; mv old new; echo more >> new/z; rm gone; rm -r d; mkdir d; echo q > d/q
     mv m1 m2; cp /bin/true bin; chmod u+s bin; touch .git/hooks/pre-commit; setfattr -n user.k -v 1 a; mkfifo p
     mknod dev c 1 3; ln -sfn n s; chmod 700 a/b; chown 5:6 prog; cat same > x; cat x > same; rm x; touch -d @1 t`,
  );
  expect(review().split('\n\n')[0]?.split('\n')).toEqual([
    'D /d/e/  (with all in it)',
    'D /d/l  (2 B)',
    'D /gone  (5 B)',
    'R /m1 -> /m2',
    'R /old/ -> /new/',
    'A /.git/hooks/pre-commit  (0 B, mode 644)  [git hook, hidden]',
    expect.stringMatching(/^A \/bin {2}\(\d+ B, mode 4755, ELF program\) {2}\[setuid\]$/),
    'A /d/q  (2 B, mode 644)',
    'A /dev  (character device, mode 644)  [device]',
    'A /p  (fifo, mode 644)',
    'C /a/  (+user.k)',
    'C /a/b/  (mode 755 -> 700)',
    'C /f  (content, 4 -> 8 B, 2 names)',
    'C /n  (content, 18 -> 21 B)',
    'C /new/z  (content, 2 -> 7 B)',
    'C /prog  (owner 0:0 -> 5:6)',
    'C /s  (symlink, content, leads to n)',
    expect.stringMatching(/^C \/same {2}\(time of modification\)$/),
    'C /t  (time of modification)',
  ]);
  expect(review(`${bench.host}/n`)).toBe(
    [
      'C /n  (content, 18 -> 21 B)',
      '',
      'C /n  (content, 18 -> 21 B)',
      '@@ -2,7 +2,7 @@',
      ' 2',
      ' 3',
      ' 4',
      '-5',
      '+five',
      ' 6',
      ' 7',
      ' 8',
      '',
    ].join('\n'),
  );
  expect(review('--stat', `${bench.host}/f`)).toBe('C /f  (content, 4 -> 8 B, 2 names)  +1 -0\n');
  expect(review('--name-only', 'pre-*', '*prog').split('\n')).toEqual([
    '/.git/hooks/pre-commit',
    '/prog',
    '',
  ]);
  const records = review('--format', 'json').trimEnd().split('\n');
  expect(JSON.parse(records[4]!)).toMatchObject({
    Kind: 'moved',
    Path: '/new',
    From: '/old',
    Type: 'directory',
  });
});

test('renames inside renames, names given anew, and a directory in place of a file', () => {
  bench.outside(
    'mkdir -p a/x/deep b; echo 1 > a/x/deep/f; echo 2 > a/g; echo 3 > b/h; echo 4 > log; echo 5 > was',
  );
  bench.try(
    'draft',
    `mv a c; mv c/x y; echo more >> y/deep/f; mkdir a; echo new > a/n; rm -r b; mv y/deep b; mv log log.1; echo 6 > log
     rm was; mkdir was`,
  );
  expect(review('--stat').trimEnd().split('\n')).toEqual([
    'D /b/  (with all in it)',
    'R /a/x/deep/ -> /b/',
    'R /a/ -> /c/',
    'R /log -> /log.1',
    'R /a/x/ -> /y/',
    'A /a/  (mode 755)',
    'A /a/n  (4 B, mode 644)  +1 -0',
    'A /log  (2 B, mode 644)  +1 -0',
    'C /b/f  (content, 2 -> 7 B)  +1 -0',
    'C /was/  (file -> directory)',
  ]);
});

test('names that would act on a terminal, or are no UTF-8, come out as they are in a pipe, and nothing is no change', () => {
  bench.outside('mkdir q; echo x > q/f');
  bench.try(
    'draft',
    'printf x > "$(printf "esc\\033[31m")"; printf x > "$(printf "\\377")"; cat q/f > /dev/null; ls q',
  );
  expect(review('--name-only')).toBe('/esc\x1b[31m\n/\ufffd\n');
  bench.command('discard', 'draft');
  bench.try('draft', 'ls');
  expect(review()).toBe('');
});
