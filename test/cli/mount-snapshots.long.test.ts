/** Snapshots of mounts that a user has made himself, with an upper of his own: `plyfs mount --upper DIR`. */

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { OrdinaryUser } from '../acceptance/ordinary-user.js';
import { KILL_STRIDE } from '../helpers/kill-stride.js';
import { type Result, until, Workbench } from './plyfs-run.js';

let bench: Workbench;
beforeEach(() => {
  bench = new Workbench('base', 'up', 'mnt');
  bench.env.PLYFS_ROOT = join(bench.root, 'store');
  writeFileSync(join(bench.root, 'base/a'), 'of the layer\n');
  writeFileSync(join(bench.root, 'base/gone'), '');
});
afterEach(() => bench.dispose());

const LIMIT = 100;
const mount = (): Result => bench.plyfs('mount', '-l', 'base', '--upper', 'up', 'mnt');
const sh = (script: string): string => bench.run('sh', '-c', script).stdout;
const at = (...path: string[]): string => join(bench.root, ...path);

function get(...args: string[]): string {
  const { code, stdout, stderr } = bench.plyfs(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.trimEnd();
}

test('each state comes back, mounted or not, and what is open while one is taken goes on', () => {
  mount();
  const taken = sh(`exec 7>>mnt/log; echo one >&7; echo 1 >mnt/state; ln mnt/a mnt/b; echo more >>mnt/b
    '${process.execPath}' '${bench.cli}' snapshot create mnt first; echo two >&7; cat mnt/log`);
  expect(taken).toBe('first\none\ntwo\n');
  sh('echo 2 >mnt/state; rm mnt/gone; mv mnt/a mnt/c');
  expect(get('snapshot', 'create', at('mnt'), 'second')).toBe('second');
  expect(get('snapshot', 'ls', '--format', '{{.Name}} {{.Layers}} {{.Current}}', 'mnt')).toBe(
    'first 1 false\nsecond 2 true',
  );
  expect(get('snapshot', 'diff', '--semantic', 'mnt', 'first', 'second').split('\n').sort()).toEqual(
    ['C /log  content (4B -> 8B)', 'C /state  content', 'D /gone', 'R /a -> /c'].sort(),
  );
  sh('rm mnt/b mnt/c; echo 3 >mnt/state');
  expect(get('snapshot', 'diff', '--semantic', 'mnt', 'second')).toContain('C /state  content');
  const held = sh(`exec 7<mnt/state; '${process.execPath}' '${bench.cli}' snapshot restore mnt first 2>&1`);
  expect(held).toContain('something in it is open');
  expect(sh('cat mnt/state')).toBe('3\n');
  expect(get('snapshot', 'restore', 'mnt', 'first')).toBe('first');
  expect(sh('cat mnt/state mnt/log mnt/a mnt/b; ls mnt')).toBe(
    '1\none\nof the layer\nmore\nof the layer\nmore\na\nb\ngone\nlog\nstate\n',
  );
  get('umount', 'mnt');
  expect(get('snapshot', 'restore', 'up', 'second')).toBe('second');
  mount();
  expect(sh('cat mnt/state mnt/log; ls mnt')).toBe('2\none\ntwo\nb\nc\nlog\nstate\n');
});

test('an upper lies on its layers however it is mounted, and a layer that nobody needs goes', async () => {
  mount();
  for (const name of ['x', 'y', 'z']) {
    sh(`echo ${name} >mnt/${name}`);
    get('snapshot', 'create', 'mnt', name);
  }
  const layers = () => readdirSync(at('up.snapshots/layers')).length;
  expect(layers()).toBe(3);
  // Nothing was written meanwhile: no further layer.
  get('snapshot', 'create', 'mnt', 'same');
  expect(layers()).toBe(3);
  get('snapshot', 'restore', 'mnt', 'x');
  get('snapshot', 'rm', 'mnt', 'z', 'same');
  expect([layers(), sh('ls mnt')]).toEqual([2, 'a\ngone\nx\n']);
  get('umount', 'mnt');
  get('mount', '-o', 'lowerdir=base,upperdir=up,workdir=up.work', 'mnt');
  expect(sh('cat mnt/x')).toBe('x\n');
  const [hex = ''] =
    sh(`grep -A4 '"name": "y"' up.snapshots/snapshots.json`)
      .match(/[0-9a-f]{64}/g)
      ?.slice(-1) ?? [];
  get('mount', '-l', `up.snapshots/layers/${hex}/tree`, 'base');
  get('snapshot', 'rm', 'mnt', 'x', 'y');
  // Another mount has one of them; it goes with the next that is removed.
  expect(layers()).toBe(2);
  get('umount', 'base');
  // Its daemon may hold it a moment longer.
  await until(() => {
    get('snapshot', 'create', 'mnt', 'last');
    get('snapshot', 'rm', 'mnt', 'last');
    return layers() === 1;
  }, 60_000);
  get('umount', 'mnt');
  // Kernel overlayfs has to be told of the layers.
  const [layer] = readdirSync(at('up.snapshots/layers'));
  const options = `lowerdir=up.snapshots/layers/${layer}/tree:base,upperdir=up,workdir=up.work`;
  expect(sh(`mount -t overlay overlay -o ${options} mnt && cat mnt/x mnt/a; umount mnt`)).toBe(
    'x\nof the layer\n',
  );
});

test('what cannot be is refused in a line', () => {
  const refusal = (...args: string[]): string => bench.plyfs(...args).stderr.trimEnd();
  expect(refusal('snapshot', 'create', 'up', 's')).toContain(
    "no such container, volume, draft or mount point: 'up'",
  );
  mount();
  expect(refusal('snapshot', 'create', 'mnt', '../s')).toContain("invalid snapshot name '../s'");
  expect(refusal('snapshot', 'restore', 'mnt', 's')).toContain("no such snapshot of upper '/up': 's'");
  get('snapshot', 'create', 'mnt', 's');
  expect(refusal('snapshot', 'create', 'mnt', 's')).toContain("has a snapshot 's' already");
  get('umount', 'mnt');
  expect(refusal('snapshot', 'create', 'up', 't')).toContain('it is not mounted');
  // Whoever could write there could have anything renamed and removed.
  sh('chmod 777 up.snapshots');
  expect(mount().stderr).toContain("cannot use '/up.snapshots': it is no directory that you alone can write");
  sh('chmod 710 up.snapshots; chown 65534 up.snapshots');
  expect(refusal('snapshot', 'restore', 'up', 's')).toContain('you alone can write');
  sh('chown 0 up.snapshots; mv up.snapshots other; ln -s other up.snapshots');
  expect(mount().stderr).toContain('you alone can write');
  sh(
    `rm up.snapshots; mv other up.snapshots; sed -i 's/"[0-9a-f]\\{64\\}"/"..\\/..\\/base"/' up.snapshots/snapshots.json`,
  );
  expect(mount().stderr).toContain('it names what is no layer');
  get('mount', '-l', 'base', 'mnt');
  expect(refusal('snapshot', 'create', 'mnt', 's')).toContain('the mount is read-only');
});

test('an ordinary user has them of his mounts', () => {
  const user = new OrdinaryUser('base', 'up', 'mnt');
  onTestFinished(() => user.dispose());
  const his = (...args: string[]): string => user.plyfs(...args).stdout;
  user.run('sh', '-c', 'echo 1 >base/f');
  his('mount', '-l', 'base', '--upper', 'up', 'mnt');
  user.run('sh', '-c', 'rm mnt/f; echo 1 >mnt/g');
  expect(his('snapshot', 'create', 'mnt', 'one')).toBe('one\n');
  user.run('sh', '-c', 'mkdir mnt/f; echo 2 >mnt/g');
  expect(his('snapshot', 'diff', '--semantic', 'mnt', 'one')).toBe('A /f\nC /g  content\n');
  expect(his('snapshot', 'restore', 'mnt', 'one')).toBe('one\n');
  expect(user.run('sh', '-c', 'ls mnt; cat mnt/g').stdout).toBe('g\n1\n');
  his('umount', 'mnt');
});

test('restore, killed after each step: the tree is what it was, or what it is', () => {
  const seen = new Set<string>();
  mount();
  sh('echo kept >mnt/note');
  get('snapshot', 'create', 'mnt', 'now');
  get('umount', 'mnt');
  for (let step = 1; ; step += KILL_STRIDE) {
    writeFileSync(at('up/note'), 'later\n');
    bench.env.PLYFS_TEST_KILL_AFTER = String(step);
    const { code } = bench.plyfs('snapshot', 'restore', 'up', 'now');
    delete bench.env.PLYFS_TEST_KILL_AFTER;
    seen.add(get('snapshot', 'diff', '--semantic', 'up', 'now'));
    expect(readdirSync(at('up.snapshots/pending'))).toEqual([]);
    if (code === 0) break;
    expect(step).toBeLessThan(LIMIT);
  }
  expect([...seen].sort()).toEqual(['', 'C /note  content (5B -> 6B)']);
  mount();
  expect(sh('cat mnt/note')).toBe('kept\n');
});

test('create, of which the daemon is killed after each step: nothing of what was written is lost', () => {
  const seen = new Set<string>();
  for (let step = 1; ; step += 3 * KILL_STRIDE) {
    for (const folder of ['up', 'up.work', 'up.snapshots']) sh(`rm -rf ${folder}`);
    mkdirSync(at('up'));
    Object.assign(bench.env, { PLYFS_DAEMON: 'own', PLYFS_TEST_KILL_AFTER: String(step) });
    get('mount', '-l', 'base', '--upper', 'up', 'mnt');
    for (const variable of ['PLYFS_DAEMON', 'PLYFS_TEST_KILL_AFTER']) delete bench.env[variable];
    sh('mkdir mnt/made; echo kept >mnt/made/note; rm mnt/gone');
    const { code } = bench.plyfs('snapshot', 'create', 'mnt', 'now');
    bench.plyfs('umount', 'mnt');
    get('mount', '-l', 'base', '--upper', 'up', 'mnt');
    expect(sh('cat mnt/made/note; ls mnt')).toBe('kept\na\nmade\n');
    if (existsSync(at('up.snapshots/snapshots.json'))) seen.add('now');
    else seen.add('');
    get('umount', 'mnt');
    if (code === 0) break;
    expect(step).toBeLessThan(LIMIT);
  }
  expect([...seen].sort()).toEqual(['', 'now']);
  expect(JSON.parse(readFileSync(at('up.snapshots/snapshots.json'), 'utf8'))).toMatchObject({
    snapshots: [{ name: 'now' }],
  });
});
