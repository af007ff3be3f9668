/**
 * How other programs have a union mounted: mount(8) by type and by fstab, an automounter, a service manager. Helpers and
 * fstab are those of a mount namespace of the test's own.
 */

import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliScript, Workbench } from './plyfs-run.js';

let bench: Workbench;

beforeAll(() => {
  bench = new Workbench('l', 'm', 'u', 'w', 'sbin/u', 'sbin/w');
  writeFileSync(join(bench.root, 'l/f'), 'layer\n');
  for (const name of ['automounter.py', 'notified.py'])
    copyFileSync(join(import.meta.dirname, name), join(bench.root, name));
});
afterAll(() => bench.dispose());

/** Runs bash with the helpers installed. @returns its output. */
function script(text: string): string {
  const whole = `set -e; mount --make-rprivate /; plyfs() { '${process.execPath}' '${cliScript}' "$@"; }
    mount -t overlay o -o lowerdir=/usr/sbin,upperdir=sbin/u,workdir=sbin/w /usr/sbin
    plyfs system install-helpers > /dev/null; options=lowerdir=$PWD/l,upperdir=$PWD/u,workdir=$PWD/w
    ${text}`;
  const { code, stdout, stderr } = bench.run('unshare', '-m', 'bash', '-c', whole);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

const SHOW = 'findmnt -rno SOURCE,FSTYPE,OPTIONS $PWD/m | cut -d, -f1; cat m/f; umount m';

describe('a union is mounted', () => {
  it.each([
    ['plyfs tree m -o $options', 'tree fuse.plyfs rw\nlayer\n'],
    ['plyfs -o $options,ro tree $PWD/m', 'tree fuse.plyfs rw\nlayer\n'],
    ['plyfs -o $options m', 'plyfs fuse.plyfs rw\nlayer\n'],
    ['mount.plyfs tree $PWD/m -o $options', 'tree fuse.plyfs rw\nlayer\n'],
    ['mount -t plyfs tree m -o $options', 'tree fuse.plyfs rw\nlayer\n'],
    ['mount -t fuse.plyfs none m -o $options', 'none fuse.plyfs rw\nlayer\n'],
    ['mount.fuse3 plyfs#tree $PWD/m -o $options', 'tree fuse.plyfs rw\nlayer\n'],
  ])('by %s', (command, shown) => {
    const path = `mkdir -p bin; printf '#!/bin/sh\\nexec "%s" "%s" "$@"\\n' '${process.execPath}' '${cliScript}' > bin/plyfs; chmod +x bin/plyfs; export PATH=$PWD/bin:$PATH`;
    const expected = command.includes(',ro') ? shown.replace(' rw', ' ro') : shown;
    expect(script(`${path}; ${command}; ${SHOW}`)).toBe(expected);
  });

  it('by fstab, once: mount -a twice, with words for systemd, of a source that is none', () => {
    const line = (source: string): string =>
      `${source} $PWD/m plyfs $options,noauto,users,exec,x-systemd.automount,x-systemd.requires-mounts-for=/srv,nofail 0 0`;
    for (const source of ['tree', 'none']) {
      const shown =
        script(`echo "${line(source).replace('noauto,', '')}" > fstab; mount -a -T fstab; mount -a -T fstab
        findmnt -rno SOURCE $PWD/m; mount -o remount,ro $PWD/m; touch m/x 2> /dev/null || echo ro
        mount -o remount,rw $PWD/m; touch m/x; umount m; findmnt $PWD/m || echo gone`);
      expect(shown).toBe(`${source}\nro\ngone\n`);
    }
  });

  it('not by mount -f, which is for trying', () => {
    expect(script('mount -f -t plyfs tree m -o $options; findmnt $PWD/m || echo none')).toBe('none\n');
  });
});

it.each([
  'own',
  'shared',
])('an automounter has it mounted while everybody else waits, by a daemon that is %s', (daemon) => {
  bench.env.PLYFS_DAEMON = daemon;
  bench.env.PLYFS_DAEMON_IDLE_MS = '0';
  const shown = script(
    'timeout 60 python3 automounter.py m mount -t plyfs tree m -o $options; umount m; umount -l m',
  );
  expect(shown).toBe('packet 5\nmounted 0\nseen f x\n');
});

it('a service manager is told of -f when the mount stands and when it goes; signals at once are one', () => {
  const shown = script(`for where in $PWD/socket @plyfs-$$; do
      timeout 60 python3 notified.py $where '${process.execPath}' '${cliScript}' mount -f -l l m; done`);
  const told = `READY=1 STATUS=${bench.root}/m is mounted\nSTOPPING=1\nstatus 0 layer\n`;
  expect(shown).toBe(told + told);
});

it('plyfs systemd prints units that systemd takes', () => {
  const shown =
    script(`mkdir -p units; plyfs systemd service > units/plyfs@.service; cp units/plyfs@.service units/plyfs@srv-tree.service
    plyfs systemd mount > units/srv-tree.mount; plyfs systemd automount > units/srv-tree.automount
    if command -v systemd-analyze > /dev/null; then systemd-analyze verify units/plyfs@srv-tree.service units/srv-tree.*; fi
    plyfs systemd | grep -c '^\\[\\|^d \\|^x '`);
  expect(shown).toBe('11\n');
});
