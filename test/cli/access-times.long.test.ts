/** Which options of the mount decide over the access times of upper and layers. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workbench } from './plyfs-run.js';

let bench: Workbench;

beforeEach(() => {
  bench = new Workbench('l1', 'deep/u', 'deep/w', 'm');
  writeFileSync(join(bench.root, 'l1/low'), 'low');
});

afterEach(() => bench.dispose());

/** Reads a file of upper three times; says whether each moved its access time, in the mount and in upper. */
function moves(name: string): boolean[] {
  const script = `stat -c %X m/${name}; for i in 1 2 3; do sleep 1.1; cat m/${name} >&2; stat -c %X m/${name}; done`;
  const { code, stdout } = bench.run('sh', '-c', script);
  expect(code).toBe(0);
  const times = stdout.trim().split('\n');
  return times.slice(1).map((time, index) => time !== times[index]);
}

describe('plyfs mount', () => {
  it.each([
    ['relatime', [true, false, false]],
    ['noatime', [false, false, false]],
    ['strictatime', [true, true, true]],
  ])('with %s moves access times as the option says', (option, expected) => {
    const layers = ['-o', `lowerdir=l1,upperdir=deep/u,workdir=deep/w,${option}`];
    expect(bench.plyfs('mount', ...layers, 'm')).toMatchObject({ code: 0, stderr: '' });
    expect(bench.run('sh', '-c', 'echo x > m/f; mkdir m/d; mv m/f m/d/f').code).toBe(0);
    expect(moves('d/f')).toEqual(expected);
    expect(moves('low')).toEqual([false, false, false]);
    expect(bench.run('sh', '-c', 'echo y >> m/low; rm m/low; mv m/d m/e; cat m/e/f').stdout).toBe('x\n');
    expect(bench.plyfs('umount', 'm').code).toBe(0);
  });

  it('takes noatime where upper and work are on a mount of their own', () => {
    mkdirSync(join(bench.root, 'deep/t'));
    expect(bench.run('mount', '-t', 'tmpfs', 'tmpfs', 'deep/t').code).toBe(0);
    mkdirSync(join(bench.root, 'deep/t/u'));
    mkdirSync(join(bench.root, 'deep/t/w'));
    const layers = ['-o', 'lowerdir=l1,upperdir=deep/t/u,workdir=deep/t/w,noatime'];
    expect(bench.plyfs('mount', ...layers, 'm')).toMatchObject({ code: 0, stderr: '' });
    expect(bench.run('sh', '-c', 'echo x > m/f; cat deep/t/u/f').stdout).toBe('x\n');
    expect(bench.plyfs('umount', 'm').code).toBe(0);
  });

  it('moves no access time of a read-only bind, of a directory, of what is mounted in it and of a single file', () => {
    mkdirSync(join(bench.root, 'host/sub'), { recursive: true });
    expect(bench.run('mount', '-t', 'tmpfs', '-o', 'strictatime', 'tmpfs', 'host/sub').code).toBe(0);
    const make =
      'mkdir host/d; for f in host/f host/d/g host/sub/h host/one; do echo x > $f; touch -a -d @5 $f; done; ln -s f host/l; touch -h -a -d @5 host/l host/d host/sub';
    expect(bench.run('sh', '-c', make).code).toBe(0);
    const binds = [
      '-v',
      `${bench.root}/host:/b:ro`,
      '-v',
      `${bench.root}/host/one:/one:ro`,
      '-v',
      `${bench.root}/host:/w`,
    ];
    expect(bench.plyfs('mount', '-l', 'l1', ...binds, 'm')).toMatchObject({ code: 0, stderr: '' });
    const read = 'cat m/b/f m/b/d/g m/b/sub/h m/one; cat m/b/l; ls m/b/d m/b/sub; readlink m/b/l';
    expect(bench.run('sh', '-c', read).stdout).toBe('x\nx\nx\nx\nx\nm/b/d:\ng\n\nm/b/sub:\nh\nf\n');
    const times = 'stat -c %X host/f host/d/g host/sub/h host/one host/l host/d host/sub | sort -u';
    expect(bench.run('sh', '-c', times).stdout).toBe('5\n');
    expect(bench.run('sh', '-c', 'cat m/w/f; stat -c %X host/f').stdout).not.toBe('x\n5\n');
    // What the host changes shows as before.
    expect(
      bench.run('sh', '-c', 'echo new > host/t; mv host/t host/one; echo n > host/f; cat m/one m/b/f').stdout,
    ).toBe('new\nn\n');
    expect(bench.plyfs('umount', 'm').code).toBe(0);
    expect(bench.run('umount', 'host/sub').code).toBe(0);
  });
});
