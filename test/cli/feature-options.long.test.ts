/** `metacopy=`, `redirect_dir=`, `index=`, `xino=` ...: plyfs and kernel overlayfs with the same words leave the same behind, and read it alike. */

import { afterEach, describe, expect, it } from 'vitest';
import { Workbench } from './plyfs-run.js';

let bench: Workbench;

afterEach(() => bench.dispose());

const MAKE = `mkdir -p low/lower/sub low/merged work up m; echo data > low/file; echo linked > low/a; ln low/a low/b
  echo x > low/lower/x; echo y > low/merged/y; head -c 3000000 /dev/zero | tr '\\0' z > low/big; setfattr -n user.mine -v 1 low/file`;

/** Each line is told with its error, without the names of programs. */
const CHANGE = `move() { perl -e 'rename($ARGV[0], $ARGV[1]) or print "$ARGV[0]: $!\\n"' "$1" "$2"; }
  chmod 600 file; chown 7:8 big; echo new > merged/new; move merged renamed; move lower lower2; move lower2 merged/lower3
  mkdir fresh; echo z > fresh/z; move fresh fresh2; move file moved; ln moved moved2; chmod 640 a; ls -1R; cat moved moved2 b; sum big
  stat -c '%n %a %u %s %h' moved big a b`;

/** What upper holds: types, sizes, and the attributes that say something of other places. */
const UPPER = `cd up; find . | sort | while read -r f; do [ -f "$f" ] && stat -c '%n %F %s %h' "$f" || stat -c '%n %F' "$f"; done
  getfattr -R -P -d -m 'overlay.(redirect|metacopy|nlink)' -e text . | grep = || true`;

const SEEN = `ls -1R 2>&1; for f in moved moved2 a b; do cat $f; stat -c '%a %h' $f; done 2>&1; sum big 2>&1`;

function sh(script: string): string {
  const { code, stdout, stderr } = bench.run('bash', '-c', `set -e; cd '${bench.root}'; ${script}`);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

type Kind = 'overlayfs' | 'plyfs';

function mount(kind: Kind, options: string): number | undefined {
  const all = `lowerdir=low,upperdir=up,workdir=work${options === '' ? '' : `,${options}`}`;
  if (kind === 'plyfs') return bench.plyfs('mount', '-o', all, 'm').code;
  return bench.run('bash', '-c', `cd '${bench.root}'; mount -t overlay plyfs-test -o ${all} m`).code;
}

const LEAVE = 'umount m; while [ -n "$(ls -A work/work 2>/dev/null)" ]; do sleep 0.05; done';

/** What is seen while changing, what is left, and what the kernel then makes of it with the same options. */
function behind(kind: Kind, options: string): string[] {
  bench = new Workbench();
  sh(MAKE);
  expect(mount(kind, options)).toBe(0);
  const seen = sh(`cd m; ${CHANGE}; cd ..; ${LEAVE}`);
  const left = sh(`(${UPPER})`);
  expect(mount('overlayfs', options)).toBe(0);
  const again = sh(`cd m; ${SEEN}; cd ..; ${LEAVE}`);
  bench.dispose();
  return [seen, '--- upper', left, '--- to the kernel', again].join('\n').split('\n');
}

describe('as kernel overlayfs', () => {
  it.each([
    'metacopy=off,redirect_dir=off,index=off',
    'metacopy=off,redirect_dir=follow,index=off',
    'redirect_dir=nofollow,index=off',
    'metacopy=off,redirect_dir=on,index=off',
    'metacopy=on,redirect_dir=on,index=on',
    'metacopy=off,redirect_dir=off,index=on',
    'userxattr,index=off',
  ])('%s', (options) => {
    const expected = behind('overlayfs', options);
    expect(behind('plyfs', options)).toEqual(expected);
    expect(expected.some((line) => line.includes('Invalid cross-device link'))).toBe(
      !options.includes('redirect_dir=on'),
    );
  });
});

describe('an upper with metacopies and redirects', () => {
  it.each([
    'metacopy=off',
    'redirect_dir=off',
    'redirect_dir=nofollow',
    'redirect_dir=follow',
  ])('is read with %s as by kernel overlayfs', (options) => {
    const read = (kind: Kind): string => {
      bench = new Workbench();
      sh(MAKE);
      expect(mount('overlayfs', 'metacopy=on,redirect_dir=on')).toBe(0);
      sh(`cd m; chmod 600 file big; mv lower lower2; cd ..; ${LEAVE}`);
      expect(mount(kind, options)).toBe(0);
      const seen = bench.run(
        'bash',
        '-c',
        `cd '${bench.root}/m'; (cat file; ls lower2; chmod 644 big; cat a; cat merged/y) 2>&1; cd ..; ${LEAVE}`,
      );
      bench.dispose();
      return seen.stdout;
    };
    expect(read('plyfs')).toBe(read('overlayfs'));
  });
});

it.each([
  ['metacopy=on,redirect_dir=off', 'conflicting mount options'],
  ['userxattr,redirect_dir=on', 'conflicting mount options'],
  ['userxattr,redirect_dir=off', 'conflicting mount options'],
  ['userxattr,metacopy=on', 'conflicting mount options'],
])('%s is refused, by overlayfs too', (options, reason) => {
  bench = new Workbench();
  sh(MAKE);
  const all = `lowerdir=low,upperdir=up,workdir=work,${options}`;
  const { code, stderr } = bench.plyfs('mount', '-o', all, 'm');
  expect([code, stderr]).toEqual([1, expect.stringContaining(reason)]);
  expect(mount('overlayfs', options)).toBe(32);
});

it('xino=off is refused over two disks, and shows the numbers of one', () => {
  bench = new Workbench();
  sh(`${MAKE}; mkdir disk`);
  const disk = `${bench.root}/disk`;
  sh(`mount -t tmpfs tmpfs '${disk}'; mkdir '${disk}/l'`);
  try {
    const { code, stderr } = bench.plyfs('mount', '-o', `lowerdir=disk/l:low,xino=off`, 'm');
    expect([code, stderr]).toEqual([1, expect.stringContaining("'xino=off' cannot be had")]);
  } finally {
    sh(`umount '${disk}'`);
  }
  expect(mount('plyfs', 'xino=off')).toBe(0);
  expect(sh('stat -c %i m/file')).toBe(sh('stat -c %i low/file'));
  sh(LEAVE);
});
