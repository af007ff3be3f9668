/** Flags that layers and uppers have before the mount, in plyfs and overlayfs, and each with the upper of the other. */

import { afterEach, expect, it } from 'vitest';
import { Workbench } from '../cli/plyfs-run.js';

/** A layer and an upper as people leave them, and a host directory. */
const MAKE = `mkdir -p low/d low/da up host; for f in low/a low/i low/s low/n low/d/in up/ua up/ui host/a host/i; do echo data > $f; done
  chattr +S low/s; chattr +A low/n; chattr +a low/a up/ua host/a low/da; chattr +i low/i up/ui host/i low/d`;
const FREE = 'chattr -R -ia low up host 2>/dev/null || true';

/** What a line of shell does, by its status. */
const TRY = `try() { if eval "$1" 2>err; then echo "$1: ok"; else echo "$1: $(sed 's/.*: //' err)"; fi; }`;

/** Every way to change a file, and to open it for adding. */
const CHANGES = `for f in a i; do for at in $PLACES; do p=$at$f
  try ": > $p"; try "echo + >> $p"; try "truncate -s 1 $p"; try "chmod 600 $p"; try "setfattr -n user.x -v 1 $p"
  try "touch -d @5 $p"; try "touch $p"; try "ln $p link"; try "mv -T $p moved"; try "rm -f $p"; cat $p; done; done`;

const IN_DIRECTORIES = `try "echo > d/new"; try "rm d/in"; try "mv d d2"; try "echo more >> d/in"; try "echo > da/new"; try "rm da/new"
  lsattr -d d da s n a i | sed 's/e-*/ /'; lsattr d | sed 's/e-*/ /'`;

let bench: Workbench;

afterEach(() => {
  sh(FREE);
  bench.dispose();
});

function sh(script: string): string {
  const { code, stdout, stderr } = bench.run('bash', '-ec', `cd '${bench.root}'\n${script}`);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

const under = {
  overlayfs: (volume: boolean) => {
    const dirs = 'lowerdir=low,upperdir=up,workdir=work';
    const bind = volume ? '; mkdir -p at/v; mount --bind host at/v' : '';
    sh(`mount -t overlay plyfs-test -o ${dirs},redirect_dir=on,index=on,metacopy=on at${bind}`);
  },
  plyfs: (volume: boolean) => {
    const bind = volume ? ['-v', `${bench.root}/host:/v`] : [];
    const { code, stderr } = bench.plyfs(
      'mount',
      '-l',
      'low',
      '--upper',
      'up',
      '--work',
      'work',
      ...bind,
      'at',
    );
    expect([code, stderr]).toEqual([0, '']);
  },
};

function unmount(): void {
  sh(
    'umount at/v 2>/dev/null || true; umount at; while ! rmdir work/work 2>/dev/null && [ -e work/work ]; do sleep 0.05; done',
  );
}

/** What the script says in a mount of its own. */
function run(kind: keyof typeof under, script: string): string {
  bench = new Workbench('work', 'at');
  sh(MAKE);
  under[kind](true);
  const said = sh(`cd at\n${TRY}\n${script}; rm -f err`);
  unmount();
  return said;
}

function compare(script: string): void {
  const expected = run('overlayfs', script);
  expect(expected).toContain(': Operation not permitted\n');
  sh(FREE);
  bench.dispose();
  expect(run('plyfs', script).split('\n')).toEqual(expected.split('\n'));
}

it('+a and +i of a layer, of upper and of a bind hold as on overlayfs', () => {
  compare(`PLACES='./ u v/'; ${CHANGES}`);
});

it('what was opened before takes as much as on overlayfs once it is immutable or append-only', () => {
  compare(`for flag in i a; do for f in n new; do chattr -ia $f 2> /dev/null || :; echo data > $f; exec 5<> $f; chattr +$flag $f
    try "xfs_io -c 'pwrite 0 1' /proc/self/fd/5"; try "echo x >&5"
    try 'python3 -IS -c "import os; os.copy_file_range(os.open(\\"a\\", 0), 5, 2)"'
    try 'python3 -IS -c "import os; os.posix_fallocate(5, 0, 9000)"'
    exec 5>&-; chattr -$flag $f; done; done`);
});

it('flags of directories of a layer hold, and a copy-up keeps those that overlayfs keeps', () => {
  compare(`touch -d @7 s n d/in; ${IN_DIRECTORIES}`);
});

it.each([
  ['plyfs', 'overlayfs'],
  ['overlayfs', 'plyfs'],
] as const)('what %s keeps of flags in upper, %s heeds', (writer, reader) => {
  bench = new Workbench('work', 'at');
  sh(MAKE);
  under[writer](false);
  sh(
    'cd at; echo more >> d/in; echo more >> a; touch -d @7 s; for f in new both; do echo 1 > $f; chattr +a $f; done; chattr +i both',
  );
  const look = `cd at\n${TRY}\nlsattr -d * | sed 's/e-*/ /'; try "rm both"; try "echo 2 > new"; try "echo 2 >> new"; try "rm new"; try "echo > d/x"
    try "chattr -ai both new a"; try "rm both"; try "echo 3 > new"; cat new a d/in; rm -f err`;
  unmount();
  under[reader](false);
  const seen = sh(look);
  unmount();
  expect(seen).toContain('rm both: Operation not permitted');
  expect(seen).toContain('----ia-');
  expect(seen).toContain(
    'echo 2 > new: Operation not permitted\necho 2 >> new: ok\nrm new: Operation not permitted',
  );
  expect(seen).toContain(
    'echo > d/x: Operation not permitted\nchattr -ai both new a: ok\nrm both: ok\necho 3 > new: ok\n',
  );
  expect(seen.endsWith('3\ndata\nmore\ndata\nmore\n')).toBe(true);
});
