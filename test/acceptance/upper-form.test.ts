/** What plyfs leaves in the directories of an upper beside the files: as overlayfs does, by the same script. */

import { afterEach, expect, it } from 'vitest';
import { Workbench } from '../cli/plyfs-run.js';

let bench: Workbench;

afterEach(() => bench.dispose());

function sh(script: string): string {
  const { code, stdout, stderr } = bench.run('bash', '-ec', `cd '${bench.root}'\n${script}`);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
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

/** What `look` says after the script ran in the mount, by either. */
function bothSay(prepare: string, script: string, look: string): { overlayfs: string; plyfs: string } {
  const said = { overlayfs: '', plyfs: '' };
  for (const kind of ['overlayfs', 'plyfs'] as const) {
    bench = new Workbench('low', 'up', 'work', 'at');
    sh(prepare);
    mounts[kind]();
    sh(`cd at; ${script}`);
    said[kind] = sh(look);
    sh('umount at; while [ -n "$(ls -A work/work 2>/dev/null)" ]; do sleep 0.05; done');
    bench.dispose();
  }
  return said;
}

it('the directories in the workdir are closed to all and inherit no ACL, bit or group', () => {
  const { overlayfs, plyfs } = bothSay(
    'setfacl -d -m u:1001:rwx,o::rwx work; chgrp 1001 work; chmod 2777 work',
    'echo > new',
    'for d in work/work work/index; do stat -c "%a %u" $d; getfacl -c $d; done',
  );
  expect(plyfs).toBe(overlayfs);
  expect(plyfs).toContain('user::---');
});

it('a directory is impure while it holds a copy, and pure when listed without one', () => {
  // The mark goes a moment after the listing, when upper is known to take changes.
  const impure = `for i in $(seq 50); do getfattr -n trusted.overlay.impure up/e > /dev/null 2>&1 || break; sleep .1; done
    getfattr --absolute-names -n trusted.overlay.impure up/d up/e 2>/dev/null || true`;
  const { overlayfs, plyfs } = bothSay(
    'mkdir low/l; for f in a b c; do echo $f > low/$f; done',
    'mkdir d e; mv a d; mv b e; mv c d; echo own > d/own; rm d/a; ls d > /dev/null; rm e/b; echo own > e/own; ls e > /dev/null',
    impure,
  );
  expect(plyfs).toBe(overlayfs);
  expect(plyfs).toContain('up/d');
  expect(plyfs).not.toContain('up/e');
});

it('index entries that no name leads to any more go at the next mount', () => {
  bench = new Workbench('low', 'up', 'work', 'at');
  sh('echo x > low/a; ln low/a low/b');
  mounts.plyfs();
  sh('cd at; echo y >> a; rm b');
  expect(sh('ls work/index | wc -l; umount at; while [ -n "$(ls -A work/work)" ]; do sleep 0.05; done')).toBe(
    '1\n',
  );
  sh('rm up/a');
  mounts.plyfs();
  // That of the layer shows again.
  expect(sh('ls work/index; ls at')).toBe('a\n');
  sh('umount at');
});

it('a renamed metacopy of several names says where its data lies by a path from the root', () => {
  const { overlayfs, plyfs } = bothSay(
    'mkdir low/d low/e; head -c 100000 /dev/zero > low/d/a; ln low/d/a low/e/b',
    'chmod 600 d/a; mv d/a d/moved; stat -c "%s %h" e/b',
    'getfattr --absolute-names -n trusted.overlay.redirect up/d/moved',
  );
  expect(plyfs).toBe(overlayfs);
  expect(plyfs).toContain('redirect="/d/a"');
});

it('a metacopy without its data is EIO each time, and does not keep a listing from the other names', () => {
  bench = new Workbench('low', 'up', 'work', 'at');
  sh('mkdir low/d; for f in a b c; do echo $f > low/d/$f; done');
  mounts.plyfs();
  sh('chmod 600 at/d/b');
  expect(bench.plyfs('umount', 'at').code).toBe(0);
  sh('rm low/d/b');
  mounts.plyfs();
  const error = 'cat: at/d/b: Input/output error\n';
  const said = sh('for i in 1 2 3; do ls at/d; cat at/d/b 2>&1 || true; done; cat at/d/a');
  expect(said).toBe(`${`a\nb\nc\n${error}`.repeat(3)}a\n`);
  expect(bench.plyfs('umount', 'at').code).toBe(0);
});

it.each([
  ['of overlayfs', 'mount -t overlay plyfs-test -o lowerdir=low,upperdir=up,workdir=work at'],
  ['that others use as it is', 'true'],
])('a daemon that hears of umount(2) late takes nothing out of a work directory %s', (_name, next) => {
  bench = new Workbench('low', 'up', 'work', 'at');
  sh('for i in {1..50}; do head -c 100000 /dev/zero > low/$i; done');
  mounts.plyfs();
  sh('rm at/50; chmod 600 at/49');
  const [own] = sh('ls work/work').trim().split('\n');
  sh(`kill -STOP ${bench.pid()}; trap 'kill -CONT ${bench.pid()}' EXIT
    umount at; ${next}
    mkdir work/work/dir; echo theirs | tee work/work/dir/0 work/work/{0..9} 'work/work/#'{0..9} > /dev/null`);
  sh(`touch at/{51..60}
    while [ -n "$(ls run/mounts)" ]; do for i in at/*; do echo more >> $i; done; done
    [ ! -e work/work/${own} ]`);
  expect(sh('cat work/work/{0..9} work/work/#{0..9} work/work/dir/0 | sort | uniq -c').trim()).toBe(
    '21 theirs',
  );
  sh('umount at 2>/dev/null || true');
});
