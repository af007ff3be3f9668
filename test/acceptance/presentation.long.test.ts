/** fuse-overlayfs's options about owners, link counts and attributes, beside fuse-overlayfs itself. */

import { afterEach, beforeEach, expect, it } from 'vitest';
import { Workbench } from '../cli/plyfs-run.js';
import { distPath } from '../helpers/project-paths.js';

const MAKE = `mkdir -p low/d/e up work at; echo a > low/a; chown 5:6 low/a; echo b > low/b; chown 1005:1006 low/b
  chmod 777 low/d; chown 6:7 low/d; setfattr -n user.low -v 1 low/b`;

/** Looked at, made, changed. */
const DO = `cd at; stat -c '%n %u:%g' .; stat -c '%n %u:%g %h' a b d; touch n; mkdir nd; ln -s n l; chown 7:8 a; chown 7 b
  stat -c '%n %u:%g' a b n nd l d; setfattr -n user.x -v 1 a || true; getfattr -d a b || true`;

let bench: Workbench;

beforeEach(() => {
  bench = new Workbench();
  bench.env.PLYFS_DAEMON = 'own';
  bench.env.LC_ALL = 'C';
});

afterEach(() => bench.dispose());

function done(program: string, options: string): string {
  const { code, stdout, stderr } = bench.run(
    'bash',
    '-ec',
    `rm -rf low up work at; ${MAKE}; ${program} -o 'lowerdir=low,upperdir=up,workdir=work,${options}' at 2>/dev/null
     (${DO}) 2>&1; umount at; echo upper; cd up; stat -c '%n %u:%g %a' *`,
  );
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

const OVERLAY = `'${process.execPath}' -- '${distPath('src/cli/plyfs-overlay.js')}'`;

it.each([
  'uidmapping=5:0:10:0:20:1:1000:1000:50,gidmapping=6:0:20:0:30:1:1000:2000:50',
  'squash_to_root',
  'squash_to_uid=77,squash_to_gid=78',
  'squash_to_root,squash_to_uid=77',
  'static_nlink',
  'noxattrs=1',
  'noacl,max_idle_threads=2,clone_fd,fsync=0,writeback=0,users,X-mount.mkdir',
])('%s shows and stores what fuse-overlayfs does', (options) => {
  const expected = done('fuse-overlayfs', options);
  expect(done(OVERLAY, options).split('\n')).toEqual(expected.split('\n'));
});

it('a caller whom no range covers makes nothing', () => {
  expect(
    bench.run(
      'bash',
      '-ec',
      `${MAKE}; ${OVERLAY} -o lowerdir=low,upperdir=up,workdir=work,uidmapping=5:0:10 at
       cd at; setpriv --reuid=1005 --clear-groups touch d/x && exit 3; stat -c %u a b; cd ..; umount at`,
    ),
  ).toMatchObject({ code: 0, stdout: '0\n65534\n' });
});
