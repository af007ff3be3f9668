/** Drafts of an ordinary user: a user namespace in which he is who he was, and his files alone that change. */

import { afterEach, beforeEach, expect, test } from 'vitest';
import { NOBODY, OrdinaryUser } from '../../acceptance/ordinary-user.js';

let user: OrdinaryUser;
beforeEach(() => {
  user = new OrdinaryUser('proj');
});
afterEach(() => user.dispose());

const sh = (script: string) => user.run('sh', '-c', script);

test('try, review, apply and undo without privileges', () => {
  sh('cd proj; mkdir old; echo 1 > f; echo 2 > old/g; echo 3 > gone; ln f h');
  const script =
    'id -u; grep CapEff /proc/self/status; echo x >> f; mv old new; rm gone; touch /etc/no 2>&1 | wc -l';
  const tried = user.plyfs('try', '-q', '--name', 'mine', '-C', 'proj', 'sh', '-c', script);
  expect(tried).toEqual({ status: 0, stdout: `${NOBODY.uid}\nCapEff:\t0000000000000000\n1\n`, stderr: '' });
  expect(sh('cd proj; cat f; ls').stdout).toBe('1\nf\ngone\nh\nold\n');
  expect(user.plyfs('review', '--stat', 'mine').stdout.replaceAll(user.home, '~')).toBe(
    'D ~/proj/gone  (2 B)\nR ~/proj/old/ -> ~/proj/new/\nC ~/proj/f  (content, 2 -> 4 B, 2 names)  +1 -0\n',
  );
  expect(user.plyfs('apply', '--yes', 'mine')).toMatchObject({ status: 0, stderr: '' });
  expect(sh('cd proj; cat h new/g; ls').stdout).toBe('1\nx\n2\nf\nh\nnew\n');
  expect(user.plyfs('undo').status).toBe(0);
  expect(sh('cd proj; cat h old/g; ls').stdout).toBe('1\n2\nf\ngone\nh\nold\n');
  expect(user.plyfs('discard', 'mine').status).toBe(0);
  expect(user.mounted()).toEqual([]);
});

test('over the whole tree: his own files are in the draft, those of others are refused as ever', () => {
  sh('echo 1 > proj/f');
  const script = `echo x >> '${user.home}/proj/f'; cat '${user.home}/proj/f'; echo no > /etc/no || echo refused; ls '${user.home}/data/plyfs'`;
  const tried = user.plyfs('try', '-q', '--name', 'all', 'sh', '-c', script);
  expect({ ...tried, stderr: '' }).toEqual({ status: 0, stdout: '1\nx\nrefused\n', stderr: '' });
  expect(sh('cat proj/f').stdout).toBe('1\n');
  expect(user.plyfs('review', '--name-only', 'all').stdout).toBe(`${user.home}/proj/f\n`);
  expect(user.plyfs('discard', 'all').status).toBe(0);
});
