/** Uppers that fuse-overlayfs wrote, in each of its forms, show the same tree under plyfs and take changes there. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workbench } from '../cli/plyfs-run.js';

const MAKE = `mkdir -p low/d/sub/deep low/gone/x low/opq/x low/e low/again/old low/exec
  for f in d/a d/b d/sub/s d/sub/deep/z gone/g opq/o f t again/old/x; do echo $f > low/$f; done
  echo run > low/exec/tool; chmod 4755 low/exec/tool; mkdir up work at; chown -R 65534:65534 .`;

/** Deleted, replaced, made opaque, copied up and moved, in the mount. */
const CHANGE = `cd at; rm d/a; rm -r gone; rm -r opq; mkdir opq; echo new > opq/new; echo more >> d/b; chmod 640 t
  rm f; echo again > f; mkdir into; mv d/sub into/sub; rm -r e; rm -r again; mkdir again; mkdir again/fresh`;
/** Not by an attribute: fuse-overlayfs 1.10 cannot make a symlink there (ENOMEM). */
const SYMLINK = 'cd at; ln -s f l';

/** Everything that both show alike; sizes of directories are their own affair. */
const LOOK = `cd at; find . -printf '%P %y %m %U:%G %l\\n' | sort; find . -type f | sort | xargs tail -v -n +1
  find . -type f | sort | xargs getfattr -d -m ^user; [ ! -e .wh.gone ]; [ ! -e gone ]`;

const IN_NAMESPACE = `mknod fuse c 10 229; chmod 666 fuse; mount --bind fuse /dev/fuse
  setpriv --reuid=65534 --regid=65534 --clear-groups unshare -Urm bash -ec "$1" < /dev/null`;

let bench: Workbench;

beforeEach(() => {
  bench = new Workbench('lab');
  bench.run('chmod', '755', bench.root);
  shell(MAKE);
});

afterEach(() => bench.dispose());

function shell(script: string, ...args: string[]): string {
  const { code, stdout, stderr } = bench.run(
    'bash',
    '-ec',
    `cd '${bench.root}/lab'\n${script}`,
    '-',
    ...args,
  );
  expect([code, code === 0 ? '' : stderr]).toEqual([0, '']);
  return stdout;
}

/** Changes the tree under fuse-overlayfs. @returns what it shows then. */
function written(environment: string, options: string): string {
  const start = `${environment} fuse-overlayfs -o lowerdir=low,upperdir=up,workdir=work${options} at`;
  const more = options === '' ? SYMLINK : 'true';
  return shell(`${start}; (${CHANGE}); (${more}); (${LOOK}); umount at`);
}

function mount(upper = 'up', ...layers: string[]): void {
  const done = bench.plyfs(
    ...['mount', '-l', 'lab/low', ...layers.flatMap((layer) => ['-l', `lab/${layer}`])],
    ...['--upper', `lab/${upper}`, '--work', 'lab/plyfs-work', '-o', 'compat=fuse-overlayfs', 'lab/at'],
  );
  expect([done.code, done.stderr]).toEqual([0, '']);
}

function unmount(): void {
  expect(bench.plyfs('umount', 'lab/at').code).toBe(0);
}

const HIDDEN = 'FUSE_OVERLAYFS_DISABLE_OVL_WHITEOUT=1';

describe.each([
  ['as root', 'LC_ALL=C', '', '600:65534:65534 644:7:8'],
  ['with .wh. files', HIDDEN, '', '600:65534:65534 644:7:8'],
  ['with owners and modes in a user attribute', HIDDEN, ',xattr_permissions=2', '600:0:0 755:7:8'],
  ['with owners and modes in a security attribute', 'LC_ALL=C', ',xattr_permissions=1', '600:0:0 755:7:8'],
])('an upper written %s', (_, environment, options, owners) => {
  it('shows the same tree', () => {
    const expected = written(environment, options);
    expect(expected).toContain('into/sub/deep/z');
    mount();
    expect(shell(LOOK)).toBe(expected);
    unmount();
  });

  it('takes what is made again, deleted, moved and changed', () => {
    written(environment, options);
    mount();
    shell(`cd at; rm d/b; echo back > d/a; mkdir gone; echo in > gone/in; mv into moved; rm -r opq again
      mv t d/sub; chmod 600 d/sub; chown 7:8 f; ln d/a linked; mkdir again`);
    unmount();
    mount();
    expect(
      shell(
        `cd at; find . | grep -v '^./l$' | sort | tr '\\n' ' '; cat d/a gone/in d/sub moved/sub/s; stat -c %a:%u:%g d/sub f`,
      ),
    ).toBe(
      '. ./again ./d ./d/a ./d/sub ./exec ./exec/tool ./f ./gone ./gone/in ./linked ./moved ./moved/sub ' +
        `./moved/sub/deep ./moved/sub/deep/z ./moved/sub/s back\nin\nt\nd/sub/s\n${owners.replace(' ', '\n')}\n`,
    );
    unmount();
  });
});

describe.each([
  ['as root', 'LC_ALL=C', ''],
  ['with .wh. files', HIDDEN, ''],
  ['with owners and modes in a user attribute', HIDDEN, ',xattr_permissions=2'],
  ['with owners and modes in a security attribute', 'LC_ALL=C', ',xattr_permissions=1'],
])('a layer written %s', (_, environment, options) => {
  it('shows the same tree, is not changed, and takes changes above it', () => {
    const expected = written(environment, options);
    const state = `find up -printf '%P %y %m %U:%G %n %s %T@ %C@\\n' | sort`;
    const before = shell(`mkdir above; chown 65534:65534 above; ${state}`);
    mount('above', 'up');
    expect(shell(LOOK)).toBe(expected);
    shell(`cd at; rm -r opq; mkdir opq; mkdir gone; mv into moved; echo more >> d/b; ln t linked; rm f`);
    unmount();
    mount('above', 'up');
    expect(
      shell(`cd at; find . | grep -v '^./l$' | sort | tr '\\n' ' '; tail -n 1 d/b; cat linked moved/sub/s`),
    ).toBe(
      '. ./again ./again/fresh ./d ./d/b ./exec ./exec/tool ./gone ./linked ./moved ./moved/sub ' +
        './moved/sub/deep ./moved/sub/deep/z ./moved/sub/s ./opq ./t more\nt\nd/sub/s\n',
    );
    unmount();
    expect(shell(state)).toBe(before);
  });
});

it('an upper written without root shows the same tree', () => {
  const run = `fuse-overlayfs -o lowerdir=low,upperdir=up,workdir=work at; (${CHANGE}); (${LOOK}); fusermount3 -u at || umount at`;
  const expected = shell('unshare -m bash -ec "$1" - "$2"', IN_NAMESPACE, run);
  mount();
  // In the name space the user is root.
  expect(shell(LOOK).replaceAll(' 65534:65534', ' 0:0')).toBe(expected);
  unmount();
});

it('names that begin with .wh. are refused with the option, and ordinary without it', () => {
  written(HIDDEN, '');
  mount();
  expect(
    shell(
      'cd at; for made in "touch .wh.x" "mv f .wh.f" "mkdir .wh.d"; do $made 2> /dev/null || echo no; done',
    ),
  ).toBe('no\nno\nno\n');
  expect(shell('ls -A at | grep -F .wh. || true')).toBe('');
  unmount();
  expect(
    bench.plyfs('mount', '-l', 'lab/low', '--upper', 'lab/up', '--work', 'lab/plyfs-work', 'lab/at').code,
  ).toBe(0);
  expect(shell('ls -A at | grep -F .wh.gone')).toBe('.wh.gone\n');
  unmount();
});
