/** An upper over layers that it was not made for, and a work directory of another upper: told or refused at mount. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workbench } from './plyfs-run.js';

let bench: Workbench;

beforeEach(() => {
  bench = new Workbench('base', 'other', 'up', 'up2', 'work', 'm');
  sh('echo old > base/a; ln base/a base/b; echo > other/file');
});
afterEach(() => bench.dispose());

function sh(script: string): string {
  const { code, stdout, stderr } = bench.run('bash', '-ec', script);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

/** Mounts, runs the script in the mount, unmounts. @returns what mount said. */
function mounted(options: string[], script = ':'): string {
  const { code, stderr } = bench.plyfs('mount', ...options, 'm');
  expect(code, stderr).toBe(0);
  sh(`cd m; ${script}`);
  expect(bench.plyfs('umount', 'm')).toMatchObject({ code: 0, stderr: '' });
  return stderr;
}

const OVERLAYFS = 'mount -t overlay plyfs-test m -o redirect_dir=on,metacopy=on,index=on,upperdir=';
const MADE = ['-l', 'base', '--upper', 'up', '--work', 'work'];
const MOVED = ['-l', 'other', '--upper', 'up', '--work', 'work'];

describe.each(['plyfs', 'overlayfs'])('an upper that %s made', (maker) => {
  beforeEach(() => {
    if (maker === 'plyfs') expect(mounted(MADE, 'echo new >> a')).toBe('');
    else sh(`${OVERLAYFS}up,lowerdir=base,workdir=work; echo new >> m/a; umount m`);
  });

  it('is told of over other layers, refused with index=on, and not asked with index=off', () => {
    expect(mounted(MADE, 'test "$(cat b)" = "old\nnew"')).toBe('');
    expect(mounted(MOVED)).toMatch(
      /^plyfs mount: warning: upper '.*\/up' was made over other layers than '.*\/other'[^\n]+\n$/,
    );
    expect(mounted([...MOVED, '-o', 'index=off'])).toBe('');
    const { code, stderr } = bench.plyfs('mount', ...MOVED, '-o', 'index=on', 'm');
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/was made over other layers .*ESTALE\)[^\n]*\n$/),
    ]);
    expect(mounted([...MADE, '-o', 'index=on'])).toBe('');
    expect(bench.run('bash', '-c', `${OVERLAYFS}up,lowerdir=other,workdir=work`).stderr).toContain('Stale');
  });

  it('keeps its work directory for itself while the index holds something', () => {
    const taken = ['-l', 'base', '--upper', 'up2', '--work', 'work'];
    const { code, stderr } = bench.plyfs('mount', ...taken, 'm');
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/work '.*' belongs to another upper .*ESTALE\)/),
    ]);
    expect(bench.run('bash', '-c', `${OVERLAYFS}up2,lowerdir=base,workdir=work`).stderr).toContain('Stale');
    sh('rm -r work/index');
    expect(mounted(taken, 'test "$(cat a)" = old')).toBe('');
    // Nothing in it any more that an upper could miss.
    expect(mounted(MADE, 'test "$(cat a)" = "old\nnew"')).toBe('');
  });
});

it('an upper may be told of layers no more: with index=off nothing is recorded', () => {
  expect(mounted([...MADE, '-o', 'index=off'])).toBe('');
  expect(mounted([...MOVED, '-o', 'index=on'])).toBe('');
});
