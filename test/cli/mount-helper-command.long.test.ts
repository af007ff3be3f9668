/**
 * mount(8) and umount(8) on mounts of plyfs: remount, and what is free when an umount has returned. Helpers are installed
 * in a mount namespace of the test's own, where nobody else meets them.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliScript, Workbench } from './plyfs-run.js';

let bench: Workbench;
beforeAll(() => {
  bench = new Workbench('l', 'm', 'disk', 'sbin/u', 'sbin/w');
  writeFileSync(join(bench.root, 'l/f'), 'layer\n');
  const made = 'truncate -s 64M image && losetup -f --show image > loop';
  expect(bench.run('bash', '-c', made)).toMatchObject({ code: 0 });
});
afterAll(() => {
  bench.run('bash', '-c', 'losetup -d $(cat loop)');
  bench.dispose();
});

/** Runs bash with upper on a disk of its own, and the helpers or none. @returns its output. */
function script(text: string, helpers: 'with' | 'without'): string {
  const install = `mount -t overlay o -o lowerdir=/usr/sbin,upperdir=sbin/u,workdir=sbin/w /usr/sbin
    plyfs system install-helpers > /dev/null`;
  const whole = `set -e; mount --make-rprivate /; disk=$(cat loop)
    plyfs() { '${process.execPath}' '${cliScript}' "$@"; }
    begin() { until mkfs.ext4 -qF $disk 2> /dev/null; do sleep .05; done; mount $disk disk; mkdir -p disk/u disk/w; plyfs mount -l l --upper disk/u --work disk/w "$@" m; }
    fails() { if "$@" 2> /dev/null; then echo "$* succeeds"; else echo "$1 fails"; fi; }
    ${helpers === 'with' ? install : ''}\n${text}`;
  const { code, stdout, stderr } = bench.run('unshare', '-m', 'bash', '-c', whole);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

describe('umount(8)', () => {
  const change = 'head -c 4M /dev/urandom > m/new; echo more >> m/f; rm -f m/new';
  const free = 'umount disk; mkfs.ext4 -qF $disk; echo free';

  it('with its helper returns when upper, its disk and the device are free', () => {
    expect(script(`for i in 1 2; do begin; ${change}; umount m; ${free}; done`, 'with')).toBe('free\nfree\n');
    expect(script(`begin; ${change}; umount m; rm -r disk/u disk/w; ${free}`, 'with')).toBe('free\n');
  });

  it('of an absolute path too, of which umount(8) knows that it is FUSE, and no more', () => {
    expect(script(`begin; ${change}; umount $PWD/m; ${free}`, 'with')).toBe('free\n');
    expect(script('begin; exec 3< m/f; fails umount $PWD/m; umount -l $PWD/m; cat <&3', 'with')).toBe(
      'umount fails\nlayer\n',
    );
  });

  it('unmounts what is of other FUSE servers as without helpers', () => {
    const other = 'mkdir -p ou ow; fuse-overlayfs -o lowerdir=l,upperdir=ou,workdir=ow m 2> /dev/null';
    expect(script(`${other}; cat m/f; umount $PWD/m; cat m/f 2> /dev/null || echo gone`, 'with')).toBe(
      'layer\ngone\n',
    );
  });

  it('as plyfs umount does', () => {
    expect(script(`begin; ${change}; plyfs umount m; ${free}`, 'without')).toBe('free\n');
  });

  it('without a helper leaves the mount of the disk free, and upper to an overlay', () => {
    const overlay = 'mount -t overlay o -o lowerdir=l,upperdir=disk/u,workdir=disk/w m; cat m/f; umount m';
    expect(script(`begin; ${change}; umount -i m; ${overlay}; umount disk`, 'without')).toBe('layer\nmore\n');
  });

  it('without a helper leaves the disk free that has layers and mount point too', () => {
    const onDisk =
      'mkdir -p disk/l disk/m disk/u disk/w; plyfs mount -l disk/l --upper disk/u --work disk/w disk/m';
    const all = `until mkfs.ext4 -qF $disk 2> /dev/null; do sleep .05; done; mount $disk disk; ${onDisk}; echo x > disk/m/f`;
    const busy =
      'plyfs=$(pgrep -f "^plyfs daemon $PWD/"); kill -STOP $plyfs; umount -i disk/m; umount disk; kill -CONT $plyfs; echo free';
    expect(script(`${all}; ${busy}`, 'without')).toBe('free\n');
  });

  it('without a helper frees the disk at once, whatever keeps the daemon from ending', () => {
    // Its run directory, where it writes last, lies on a frozen file system.
    const frozen = `truncate -s 64M other; mkfs.ext4 -qF other; mkdir -p frozen; mount -o loop other frozen; begin; ${change}
      trap 'fsfreeze -u frozen; umount -l frozen' EXIT; fsfreeze -f frozen`;
    const freed =
      'for i in $(seq 100); do mkfs.ext4 -qF $disk 2> /dev/null && echo free && break; sleep .05; done';
    const run = 'export PLYFS_RUN_DIR=$PWD/frozen/run';
    expect(script(`${run}; ${frozen}; umount -i m; umount disk; ${freed}`, 'without')).toBe('free\n');
  });

  it('of the disk succeeds while the union is mounted, which goes on', () => {
    const shown = script('begin; umount disk; echo more >> m/f; tail -n1 m/f; plyfs umount m', 'without');
    expect(shown).toBe('more\n');
  });

  it('with its helper fails while somebody is inside, and detaches with -l', () => {
    expect(script('begin; exec 3< m/f; fails umount m; umount -l m; cat <&3', 'with')).toBe(
      'umount fails\nlayer\n',
    );
  });
});

describe('mount(8)', () => {
  const tryAll =
    'fails touch m/x; fails bash -c "echo x >> m/f"; fails mkdir m/d; cat m/f > /dev/null; stat -f m > /dev/null';
  const refused = 'touch fails\nbash fails\nmkdir fails\n';

  it.each(['with', 'without'] as const)('-o remount,ro and rw hold, %s helpers', (helpers) => {
    const internal = helpers === 'with' ? '' : '-i';
    const remount = (how: string): string => `mount ${internal} -o remount,${how} m`;
    const shown = script(
      `begin; ${remount('ro')}; ${tryAll}; grep -o " $PWD/m ro" /proc/self/mountinfo | wc -l
      ${remount('rw')}; touch m/y; rm m/y; exec 3>> m/f; fails ${remount('ro')}; exec 3>&-; ${remount('ro')}; plyfs umount m`,
      helpers,
    );
    expect(shown).toBe(`${refused}1\nmount fails\n`);
  });

  it('-o remount,rw of a union that is read-only by request leaves it so', () => {
    const shown = script(`begin --read-only; mount -o remount,rw m; ${tryAll}; umount m`, 'with');
    expect(shown).toBe(refused);
  });

  it('mounts by a line of fstab', () => {
    const line = '$PWD/m fuse.plyfs lowerdir=$PWD/l,upperdir=$PWD/disk/u,workdir=$PWD/disk/w,noatime 0 0';
    const shown = script(
      `until mkfs.ext4 -qF $disk 2> /dev/null; do sleep .05; done; mount $disk disk; mkdir -p disk/u disk/w; echo "name ${line}" > fstab; mount -T fstab $PWD/m
      findmnt -no SOURCE,FSTYPE m | tr -s ' '; touch m/z; ls disk/u/z; umount m`,
      'with',
    );
    expect(shown).toBe('name fuse.plyfs\ndisk/u/z\n');
  });
});
