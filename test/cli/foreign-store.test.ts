/** Root, who names a store of somebody else's: what that one has written of paths and steps is not done with root's rights. */

import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { NOBODY } from '../acceptance/ordinary-user.js';
import { Workbench } from './plyfs-run.js';

let bench: Workbench;
beforeEach(() => {
  bench = new Workbench('theirs', 'ours');
  writeFileSync(join(bench.root, 'ours/secret'), 'canary');
  chmodSync(join(bench.root, 'ours'), 0o700);
});
afterEach(() => bench.dispose());

/** A file in their store, and the folders that it lies in. */
function plant(path: string, content: unknown): void {
  const file = join(bench.root, 'theirs', path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : `${JSON.stringify(content)}\n`);
}

const theirs = (...words: string[]) => bench.plyfs('--root', join(bench.root, 'theirs'), ...words);
const giveAway = () => bench.run('chown', '-hR', `${NOBODY.uid}:${NOBODY.gid}`, 'theirs');
const ours = () => readdirSync(join(bench.root, 'ours'));

it('carries out no steps that another user has written into pending/', () => {
  plant('lock', '');
  plant('pending/aa.json', [
    { do: 'write', path: '../ours/made', text: 'evil' },
    { do: 'rename', from: '../ours/secret', to: 'loot' },
  ]);
  giveAway();
  expect(theirs('ps', '-q')).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(theirs('volume', 'create', 'vol').code).toBe(0);
  expect(ours()).toEqual(['secret']);
});

it('takes back no apply of another user, and none that says so', () => {
  const areas = [{ id: '0', path: join(bench.root, 'ours') }];
  const draft = { name: 'd', createdAt: 'x', over: [], areas };
  plant('drafts/.applied/1-1/apply.json', {
    id: '1-1',
    startedAt: 'x',
    draft,
    areas,
    isWhole: true,
    forgotten: {},
  });
  plant('drafts/.applied/1-1/stage/0/0', 'evil');
  plant('drafts/.applied/1-1/log', { do: 'take', area: '0', path: 'made', item: '0' });
  giveAway();
  expect(theirs('drafts', '-q')).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(theirs('undo')).toEqual({
    code: 1,
    stdout: '',
    stderr: 'plyfs undo: cannot undo: another user has applied, or says so; undo as the owner of the store\n',
  });
  expect(ours()).toEqual(['secret']);
});

it('takes no bind with cow from another user, whose folder is anywhere, and notes none in his store', () => {
  const upper = join(bench.root, 'ours');
  const [bind, work] = ['theirs/bind', 'theirs/w'].map((path) => join(bench.root, path));
  plant('w/x', '');
  plant('bind/upper/f', '');
  plant('bind/discarding/changes.json', {});
  const places = { mountpoint: '/m', target: '/c', source: upper, folder: bind, upper, work };
  plant(`drafts/.binds/aa.json`, { ...places, madeAt: 'x', mountedAt: 'x' });
  giveAway();
  expect(theirs('drafts', '--all', '-q')).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(theirs('discard', '/m:/c').code).toBe(1);
  expect(existsSync(join(bench.root, 'theirs/bind/upper/f'))).toBe(true);
  bench.run('rm', '-r', 'theirs/drafts/.binds');
  symlinkSync(upper, join(bench.root, 'theirs/drafts/.binds'));
  for (const name of ['base', 'up', 'm']) mkdirSync(join(bench.root, name));
  giveAway();
  const root = ['--root', join(bench.root, 'theirs')];
  const mount = ['mount', ...root, '-l', 'base', '--upper', 'up', '-v', './base:/c:cow', 'm'];
  expect(bench.plyfs(...mount).code).toBe(0);
  expect(bench.plyfs('umount', 'm').code).toBe(0);
  expect(ours()).toEqual(['secret']);
});

it('deletes nothing in what another user has linked into his store', () => {
  plant('lock', '');
  symlinkSync(join(bench.root, 'ours'), join(bench.root, 'theirs/trash'));
  giveAway();
  const { code, stderr } = theirs('volume', 'create', 'vol');
  expect([code, stderr]).toEqual([1, expect.stringContaining("/theirs/trash' is a link that another user")]);
  expect(ours()).toEqual(['secret']);
});

it('undoes an apply with what it took away itself, and not with what was laid in its place', () => {
  mkdirSync(join(bench.root, 'area'));
  // Another mount than the store's: what was taken away waits at its top.
  bench.run('mount', '-t', 'tmpfs', 'plyfs-test', 'area');
  writeFileSync(join(bench.root, 'area/f'), 'old');
  const store = ['--root', join(bench.root, 'ours')];
  expect(
    bench.plyfs('try', '-q', ...store, '--name', 'd', '-C', 'area', 'sh', '-c', 'echo new >f').code,
  ).toBe(0);
  expect(bench.plyfs('apply', ...store, '--yes', 'd').code).toBe(0);
  const [stage = ''] = readdirSync(join(bench.root, 'area')).filter((name) => name.startsWith('.plyfs-'));
  const place = join(bench.root, 'area', stage);
  bench.run('mv', place, `${place}.kept`);
  mkdirSync(place, { mode: 0o700 });
  for (const name of readdirSync(`${place}.kept`)) writeFileSync(join(place, name), 'evil');
  chownSync(place, NOBODY.uid, NOBODY.gid);
  expect(bench.plyfs('undo', ...store)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/is not what an apply has made there; move it away\n$/),
  });
  expect(readFileSync(join(bench.root, 'area/f'), 'utf8')).toBe('new\n');
  bench.run('rm', '-r', place);
  bench.run('mv', `${place}.kept`, place);
  expect(bench.plyfs('undo', ...store)).toMatchObject({ code: 0 });
  expect(readFileSync(join(bench.root, 'area/f'), 'utf8')).toBe('old');
  expect(existsSync(place)).toBe(false);
});
