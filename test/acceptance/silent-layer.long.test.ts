/**
 * A layer on a file system that does not answer any more: who needs it waits until it does, who reads what is elsewhere goes on.
 * The file system is one of FUSE (helpers/faulty-disk.ts) whose server is stopped.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until, Workbench } from '../cli/plyfs-run.js';
import { distPath } from '../helpers/project-paths.js';

let bench: Workbench;
let server: ChildProcess;
beforeAll(async () => {
  bench = new Workbench(
    'stored/only',
    'stored/both',
    'stored/merged',
    'silent',
    'near/both',
    'near/merged',
    'near/own',
    'up',
    'host',
    'm',
  );
  const made = `echo far > stored/only/f; echo far > stored/both/far; ln -s f stored/only/link; echo near > near/merged/near
    echo near > near/own/f; echo up > up/f; echo host > host/f; : > control`;
  expect(bench.run('bash', '-ec', made)).toMatchObject({ code: 0, stderr: '' });
  const paths = ['stored', 'silent', 'control'].map((name) => `${bench.root}/${name}`);
  const script = distPath('test/helpers/faulty-disk.js');
  server = spawn(process.execPath, [script, ...paths], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => server.stdout?.once('data', resolve));
  const layers = ['-l', 'silent', '-l', 'near', '--upper', 'up', '--work', 'work', '-v', './host:/host'];
  expect(bench.plyfs('mount', ...layers, 'm')).toMatchObject({ code: 0, stderr: '' });
});
afterAll(() => {
  server.kill('SIGCONT');
  expect(bench.plyfs('umount', 'm')).toMatchObject({ code: 0 });
  bench.run('umount', '-l', 'silent');
  server.kill('SIGKILL');
  bench.dispose();
});

/** What needs the silent layer. The kernel lets nobody else look names up in the directory of the last two. */
const WAITING = {
  'look-up of a name that it may have': 'stat m/missing',
  'look-up in it': 'stat m/only/g',
  read: 'cat m/only/f',
  link: 'readlink m/only/link',
  listing: 'ls m/both',
  'name made beside it': 'echo x > m/both/new',
};

const GOING_ON = [
  'cat m/own/f',
  'cat m/f',
  'ls m/own',
  'cat m/merged/near',
  'cat m/host/f',
  'echo x > m/host/new',
  'stat m',
];

it('holds up who needs it alone', async () => {
  expect(bench.run('bash', '-ec', 'stat m/only m/both m/merged m/own m/f m/host > /dev/null')).toMatchObject({
    code: 0,
  });
  server.kill('SIGSTOP');
  await until(() => /^State:\s*T/m.test(bench.run('cat', `/proc/${server.pid}/status`).stdout));
  // Longer than an answer speaks for what follows.
  await new Promise((resolve) => setTimeout(resolve, 2_100));
  writeFileSync(
    `${bench.root}/waiting.sh`,
    Object.values(WAITING)
      .map((line, n) => `(${line}; echo $? > done${n}) &`)
      .join('\n'),
  );
  bench.start('bash', 'waiting.sh');
  await new Promise((resolve) => setTimeout(resolve, 300));
  for (const line of GOING_ON)
    expect(bench.run('timeout', '20', 'bash', '-ec', line), line).toMatchObject({ code: 0 });
  expect(bench.run('bash', '-c', 'ls done* 2> /dev/null').stdout).toBe('');
  server.kill('SIGCONT');
  await until(
    () =>
      bench.run('bash', '-c', 'ls done* 2> /dev/null | wc -l').stdout.trim() ===
      String(Object.keys(WAITING).length),
  );
  expect(bench.run('bash', '-c', 'cat done*').stdout.split('\n').slice(0, -1)).toEqual([
    '1',
    '1',
    '0',
    '0',
    '0',
    '0',
  ]);
});
