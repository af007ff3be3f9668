/**
 * An upper into which somebody put attributes by hand: what leads nowhere fails where overlayfs fails, by itself alone; no
 * two files show one number, and none shows what is another's. Kernel overlayfs goes through the same first.
 */

import { afterEach, beforeEach, expect, it } from 'vitest';
import { AT_FDCWD, O_DIRECTORY, O_RDONLY } from '../../src/linux/constants.js';
import { close, openat } from '../../src/linux/files/open.js';
import { fileSystemUuid, originRecord } from '../../src/union/form/origin.js';
import { Workbench } from '../cli/plyfs-run.js';

let bench: Workbench;

beforeEach(() => {
  bench = new Workbench();
});
afterEach(() => bench.dispose());

function sh(script: string): string {
  const { code, stdout, stderr } = bench.run('bash', '-ec', `cd '${bench.root}'\n${script}`);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

/** What a copy of the file says of where it came from. */
function originOf(path: string): string {
  const fd = openat(AT_FDCWD, bench.root, O_RDONLY | O_DIRECTORY);
  const uuid = fileSystemUuid(fd);
  close(fd);
  return `0x${originRecord(AT_FDCWD, `${bench.root}/${path}`, uuid)?.toString('hex')}`;
}

function plant(path: string, attribute: string, value: string): void {
  const form = value.startsWith('0x') ? value : JSON.stringify(value);
  sh(`setfattr -h -n trusted.overlay.${attribute} -v '${form}' '${path}'`);
}

const mounts = {
  overlayfs: () =>
    sh(
      'mount -t overlay plyfs-test -o lowerdir=low,upperdir=up,workdir=work,redirect_dir=on,index=on,metacopy=on at',
    ),
  plyfs: () => {
    const { code, stderr } = bench.plyfs('mount', '-l', 'low', '--upper', 'up', '--work', 'work', 'at');
    expect([code, stderr]).toEqual([0, '']);
  },
};

/** What the script says in the mount of either, of the same planted tree. */
function bothSay(prepare: () => void, script: string): { overlayfs: string; plyfs: string } {
  const said = { overlayfs: '', plyfs: '' };
  for (const kind of ['overlayfs', 'plyfs'] as const) {
    sh('mkdir low up work at');
    prepare();
    mounts[kind]();
    said[kind] = sh(script);
    sh('umount at; while [ -n "$(ls -A work/work 2>/dev/null)" ]; do sleep 0.05; done; rm -r low up work at');
  }
  return said;
}

const TRY = `
  try() { "$@" 2>&1 > /dev/null | sed 's/.*: //' | sort -u; }
  map() { python3 -IS -c 'import mmap, os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
print(mmap.mmap(fd, 10, prot=1)[:])' "$1" 2>&1 | tail -n 1 | sed 's/^.*Error: .Errno [0-9]*. //; s/: .*//'; }
  cd at/d`;

const EACH = `${TRY}; for name in $(cd ../../up/d; ls) ../found.unmarked ../missing.unmarked ../block.unmarked; do for twice in 1 2; do
  echo "$name: $(try stat $name) $(try cat $name) $(map $name) $(try chmod 640 $name)" \\
    "$(try truncate -s 3 $name) $(try bash -c ": >> $name") $(try mv $name $name.moved)"
done; done`;

function metacopy(name: string, value: string, redirect?: string): void {
  sh(`truncate -s 10 'up/d/${name}'`);
  plant(`up/d/${name}`, 'metacopy', value);
  if (redirect !== undefined) plant(`up/d/${name}`, 'redirect', redirect);
}

it('a metacopy that leads to no data is EIO each time, whatever is done with it', {
  timeout: 120_000,
}, () => {
  const { overlayfs, plyfs } = bothSay(() => {
    sh('mkdir -p low/d/is-directory up/d; ln -s /etc/passwd low/d/is-link; echo 123456789 > low/d/digest');
    plant('up/d', 'impure', 'y');
    metacopy('missing', '0x');
    metacopy('is-directory', '0x');
    metacopy('is-link', '0x');
    metacopy('digest', '0x010203');
    metacopy('redirected', '0x', '/d/nothing');
    metacopy('dots', '0x', '/d/../x');
    metacopy('empty', '0x', '');
    // As somebody leaves them who moves files of an upper that is not mounted.
    sh('truncate -s 10 up/missing.unmarked up/found.unmarked up/block.unmarked');
    for (const name of ['missing', 'found', 'block']) plant(`up/${name}.unmarked`, 'metacopy', '0x');
    for (const name of ['found', 'block']) plant(`up/${name}.unmarked`, 'redirect', '/d/digest');
    // Its attributes take a block, as its data would.
    sh(
      `setfattr -n user.long -v "$(printf '%01000d' 0)" up/block.unmarked; test "$(stat -c %b up/block.unmarked)" -gt 0`,
    );
  }, EACH);
  expect(plyfs).toBe(overlayfs);
  for (const name of ['found', 'block']) expect(plyfs).toContain(`../${name}.unmarked:   b'123456789\\n'`);
  expect(plyfs.match(/Input\/output error/g)?.length).toBeGreaterThan(50);
});

it('a redirect that leads nowhere is the errno of overlayfs, or an empty directory', () => {
  const values = ['/d/../x', 'a/b', '', '.', '/d/missing', '/d/file', 'x'.repeat(300), '/'];
  const { overlayfs, plyfs } = bothSay(
    () => {
      sh('mkdir -p low/d up/d; echo > low/d/file');
      values.forEach((value, at) => {
        sh(`mkdir -p low/d/r${at} up/d/r${at}; echo > low/d/r${at}/x`);
        plant(`up/d/r${at}`, 'redirect', value);
      });
    },
    `${TRY}; for at in ${values.map((_, at) => at).join(' ')}; do echo "$at $(try ls r$at) $(ls r$at 2> /dev/null)"; done`,
  );
  expect(plyfs).toBe(overlayfs);
});

it('what is broken does not break the listing of its directory', () => {
  sh('mkdir -p low/d up/d work at; echo > low/d/fine');
  plant('up/d', 'impure', 'y');
  metacopy('missing', '0x');
  metacopy('digest', '0x010203');
  sh('mkdir up/d/dots up/d/long');
  plant('up/d/dots', 'redirect', '/d/../x');
  plant('up/d/long', 'redirect', 'x'.repeat(300));
  mounts.plyfs();
  const names = 'digest\ndots\nfine\nlong\nmissing\n';
  expect(
    sh("ls at/d; ls at/d; python3 -c \"import os; print(*sorted(os.listdir('at/d')), sep='\\n')\""),
  ).toBe(names.repeat(3));
  sh('umount at');
});

it('of several that say to be copies of one file each shows its own content and number', () => {
  sh('mkdir -p low/d up/d low/e work at; for f in low/d/hidden low/e/shown low/e/f; do echo $f > $f; done');
  plant('up/d', 'impure', 'y');
  for (const [name, original] of [
    ['one', 'low/d/hidden'],
    ['two', 'low/d/hidden'],
    ['shown', 'low/e/shown'],
    ['directory', 'low/e'],
    ['link', 'low/e/f'],
  ] as const) {
    sh(name === 'link' ? 'ln -s nowhere up/d/link' : `echo ${name} > up/d/${name}`);
    plant(`up/d/${name}`, 'origin', originOf(original));
  }
  // Each of its names may have been copied by itself; and one of a file that is gone.
  sh('echo > low/e/a; ln low/e/a low/e/b; echo alias > up/d/alias; echo stale > up/d/stale; echo > low/gone');
  plant('up/d/alias', 'origin', originOf('low/e/a'));
  plant('up/d/stale', 'origin', originOf('low/gone'));
  sh('rm low/gone low/d/hidden; mkdir up/r1 up/r2; echo > up/r1/own; echo > up/r2/own');
  plant('up/r1', 'redirect', '/e');
  plant('up/r2', 'redirect', '/e');
  mounts.plyfs();
  const numbers = "find at -printf '%i %p\\n' | grep -v ' at/r./[abfs]' | sort -k 2";
  sh(numbers);
  const shown = sh(numbers);
  const lines = shown.trim().split('\n');
  expect(lines.length).toBe(18);
  const byNumber = new Map(lines.map((line) => line.split(' ') as [string, string]));
  // The two names of one file have one number.
  expect([...byNumber.values()].length, shown).toBe(17);
  expect(sh('cd at; cat d/one d/two d/shown e/shown d/alias')).toBe('one\ntwo\nshown\nlow/e/shown\nalias\n');
  sh('umount at');
  mounts.plyfs();
  // A number that was given once is not given to another while the union is mounted, though the kernel forgets.
  const again =
    'stat -c %i at/d/one at/d/two; echo 2 > /proc/sys/vm/drop_caches; stat -c %i at/d/two at/d/one';
  const [one, two, twoAgain, oneAgain] = sh(again).trim().split('\n');
  expect([oneAgain, twoAgain]).toEqual([one, two]);
  sh('umount at');
});

/** In which order the three names are looked up. */
const ORDERS = [
  'one two shown',
  'one shown two',
  'two one shown',
  'two shown one',
  'shown one two',
  'shown two one',
];

it('a file and two that say to be its copies have three numbers, in whatever order they are looked up', () => {
  ORDERS.forEach((_, at) => {
    sh(`mkdir -p low/${at} low/e${at} up/${at} work at; echo shown > low/e${at}/shown`);
    plant(`up/${at}`, 'impure', 'y');
    for (const name of ['one', 'two']) {
      sh(`echo ${name} > up/${at}/${name}`);
      plant(`up/${at}/${name}`, 'origin', originOf(`low/e${at}/shown`));
    }
  });
  mounts.plyfs();
  const all = new Set<string>();
  ORDERS.forEach((order, at) => {
    const path = (name: string): string => `at/${name === 'shown' ? `e${at}` : at}/${name}`;
    // The kernel forgets each before the next comes.
    const looks = order
      .split(' ')
      .map((name) => `stat -c '${name} %i' ${path(name)}; echo 2 > /proc/sys/vm/drop_caches`)
      .join('; ');
    const numbers = sh(looks);
    for (const line of numbers.trim().split('\n')) all.add(line.split(' ')[1]!);
    expect(sh(looks)).toBe(numbers);
    // readdir(3), without a lookup.
    const listed = `python3 -IS -c 'import os, sys; [print(e.name, e.inode()) for d in sys.argv[1:] for e in os.scandir(d)]'`;
    const sorted = numbers.trim().split('\n').toSorted();
    expect(sh(`${listed} at/${at} at/e${at}`).trim().split('\n').toSorted()).toEqual(sorted);
    // Who is copied up keeps what it showed.
    sh(`chmod 600 ${path('shown')}`);
    expect(sh(looks)).toBe(numbers);
    expect(sh(`cat ${['one', 'two', 'shown'].map(path).join(' ')}`)).toBe('one\ntwo\nshown\n');
  });
  expect(all.size).toBe(ORDERS.length * 3);
  sh('umount at');
});

it('a copy keeps the number of its original over mounts, under another name too', () => {
  sh('mkdir -p low/d up work at; echo > low/d/f; echo > low/d/g; ln low/d/g low/d/h');
  mounts.plyfs();
  const before = sh('cd at; stat -c %i d d/f d/g d/h; mv d/f f; touch f d; echo x >> d/h; mv d e');
  sh('umount at');
  mounts.plyfs();
  expect(sh('cd at; stat -c %i e f e/g e/h')).toBe(before);
  sh('umount at');
});
