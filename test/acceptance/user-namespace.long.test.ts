/**
 * `plyfs-overlay` by an ordinary user who is root in a namespace of his own, as in `buildah unshare`: nothing is said of what is
 * root's alone, and upper is in the form that overlayfs and fuse-overlayfs read there.
 */

import { afterEach, beforeEach, expect, it } from 'vitest';
import { OrdinaryUser } from './ordinary-user.js';

const MAKE = `mkdir -p low/d low/op low/gone up work at; echo i > low/op/i; for f in f g gone/x; do echo $f > low/$f; done; echo z > low/d/z`;

const CHANGE = `cd at; rm f; chmod 600 g; rm -r op; mkdir op; echo new > op/new; rm -r gone; mv d e; ln g h; cd ..`;

const LOOK = `(cd at; find . -printf '%P %y %m %U:%G\\n' | sort; cat g h op/new e/z)`;

let user: OrdinaryUser;

beforeEach(() => {
  user = new OrdinaryUser();
});
afterEach(() => user.dispose());

it('is read by overlayfs and by fuse-overlayfs', () => {
  const program = user.program.replace(/main\.js$/, 'plyfs-overlay.js');
  const overlay = `PLYFS_DAEMON=own '${process.execPath}' -- '${program}'`;
  const options = '-o lowerdir=low,upperdir=up,workdir=work';
  const script = `set -e; cd "$HOME"; unset PLYFS_RUN_DIR; ${MAKE}; ${overlay} ${options},metacopy=on at; ${CHANGE}; ${LOOK}; umount at
    echo --; getfattr -d -R -m 'redirect|metacopy|trusted' up
    mount -t overlay o ${options},userxattr at; ${LOOK}; umount at; echo --
    fuse-overlayfs ${options} at 2> /dev/null; ${LOOK}; umount at`;
  const { status, stdout, stderr } = user.run('unshare', '-Urm', 'bash', '-c', script);
  expect([status, stderr]).toEqual([0, '']);
  const [ours = '', overlayfs, fuse] = stdout.split('--\n');
  expect(ours).toContain('op/new f 644 0:0\n');
  expect(ours).not.toContain('gone');
  expect([overlayfs, fuse]).toEqual([ours, ours]);
});
