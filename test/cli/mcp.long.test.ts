/** `plyfs mcp`, spoken to as by an agent's host. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { McpClient } from '../helpers/mcp-client.js';
import { ContainerBench } from './container/bench.js';
import { cliScript, until } from './plyfs-run.js';

const bench = new ContainerBench('host');
afterAll(() => bench.dispose());

const host = join(bench.root, 'host');
const server = (...options: string[]) =>
  new McpClient([cliScript, 'mcp', '--root', bench.store.root, ...options], { cwd: host, env: bench.env });
const onHost = (script: string): string => bench.run('sh', '-ec', `cd ${host}; ${script}`).stdout;

test('drafts: try, review, apply, undo, discard, and what is refused', { timeout: 240_000 }, async () => {
  onHost('echo one >f; mkdir -p .git/hooks');
  await using mcp = server();
  expect(await mcp.begin()).toMatchObject({ serverInfo: { name: 'plyfs' }, capabilities: { tools: {} } });
  const script = 'echo two >>f; echo hi >.git/hooks/x; pwd; echo oops >&2; cat; exit 3';
  expect(await mcp.get('try', { draft: 'd', directory: host, command: ['sh', '-c', script] })).toEqual({
    draft: 'd',
    exitCode: 3,
    stdout: `${host}\n`,
    stderr: 'oops\n',
    isOutputCut: false,
    isTimedOut: false,
    isStillRunning: false,
  });
  expect(onHost('cat f; ls .git/hooks')).toBe('one\n');
  expect(await mcp.get('drafts')).toMatchObject({ drafts: [{ name: 'd', over: [host], lastExitCode: 3 }] });
  const changes = [
    {
      kind: 'added',
      path: `${host}/.git/hooks/x`,
      marks: ['git hook', 'hidden'],
      patch: '@@ -1,0 +1,1 @@\n+hi',
    },
    { kind: 'changed', path: `${host}/f`, marks: [], patch: '@@ -1,1 +1,2 @@\n one\n+two', linesAdded: 1 },
  ];
  expect(await mcp.get('review', { draft: 'd' })).toMatchObject({ total: 2, changes });
  expect(await mcp.get('review', { draft: 'd', offset: 1, limit: 1 })).toMatchObject({
    total: 2,
    changes: [changes[1]],
  });

  expect(await mcp.refused('apply', { draft: 'd' })).toMatchObject({
    code: 'ERR_NOT_PERMITTED',
    allow: ['hooks'],
    changes: [{ path: `${host}/.git/hooks/x` }],
  });
  expect(await mcp.get('discard', { draft: 'd', only: ['.git/hooks/x'] })).toEqual({
    isWhole: false,
    paths: [`${host}/.git/hooks/x`],
  });
  onHost('echo meanwhile >f');
  expect(await mcp.refused('apply', { draft: 'd' })).toMatchObject({
    code: 'ERR_CONFLICT',
    conflicts: [{ path: `${host}/f`, what: 'the host has changed it' }],
  });
  expect(await mcp.get('apply', { draft: 'd', onConflict: 'draft' })).toMatchObject({
    changes: [{ path: `${host}/f` }],
  });
  expect(onHost('cat f')).toBe('one\ntwo\n');
  expect(await mcp.get('undo')).toEqual({ draft: 'd', isRefilled: true });
  expect(onHost('cat f')).toBe('meanwhile\n');
  expect(await mcp.refused('undo')).toMatchObject({ code: 'ERR_NOT_FOUND' });

  expect(await mcp.refused('try', { draft: 'd', command: ['/none'] })).toMatchObject({
    code: 'ERR_CANNOT_START',
  });
  expect(await mcp.refused('review', { draft: 'other' })).toMatchObject({ code: 'ERR_NOT_FOUND' });
  expect(await mcp.call('review', { draft: 5 })).toMatchObject({ isError: true });
  // Cancelled: what it has started ends with it, and the draft can be had again.
  // Its own: the same test of somebody else on this machine sleeps too.
  const mark = `sleep 31.${process.pid}`;
  const { id } = mcp.send('tools/call', {
    name: 'try',
    arguments: { draft: 'd', command: ['sh', '-c', `${mark}; true`] },
  });
  const isRunning = () => bench.run('pgrep', '-xf', mark).code === 0;
  await until(isRunning, 60_000);
  expect(await mcp.refused('discard', { draft: 'd' })).toMatchObject({ code: 'ERR_IN_USE' });
  mcp.notify('notifications/cancelled', { requestId: id });
  await until(() => !isRunning(), 60_000);
  await until(() => bench.run('flock', '-n', join(bench.store.root, 'drafts/d/lock'), 'true').code === 0);
  expect(await mcp.get('discard', { draft: 'd' })).toEqual({ isWhole: true, paths: [] });
  // The host closes it while a command runs.
  mcp.send('tools/call', {
    name: 'try',
    arguments: { directory: host, command: ['sh', '-c', `${mark}; true`] },
  });
  await until(isRunning, 60_000);
  expect(await mcp.end()).toBe(0);
  await until(() => !isRunning(), 60_000);
  expect(mcp.others).toEqual([]);
});

test('snapshots of a container and a fork; without apply nothing writes on the host', {
  timeout: 120_000,
}, async () => {
  bench.addImages();
  bench.get('create', '--name', 'web', 'box');
  await using mcp = server('--no-apply');
  await mcp.begin();
  const { result } = await mcp.send('tools/list', {}).answer;
  const names = (result?.tools as { readonly name: string }[]).map(({ name }) => name);
  expect(names).toContain('try');
  expect(names.filter((name) => name === 'apply' || name === 'undo')).toEqual([]);
  await mcp.get('snapshot_create', { target: 'web', name: 'a' });
  bench.get('cp', '/etc/hostname', 'web:/added');
  await mcp.get('snapshot_create', { target: 'web', name: 'b' });
  expect(await mcp.refused('snapshot_create', { target: 'web', name: 'b' })).toMatchObject({
    code: 'ERR_EXISTS',
  });
  expect(await mcp.get('snapshot_diff', { target: 'web', name: 'a', other: 'b' })).toMatchObject({
    differences: expect.arrayContaining([{ kind: 'A', path: '/added', aspects: [] }]),
  });
  await mcp.get('snapshot_restore', { target: 'web', name: 'a' });
  expect(await mcp.get('snapshot_list', { target: 'web' })).toMatchObject({
    snapshots: [
      { name: 'a', isCurrent: true },
      { name: 'b', isCurrent: false },
    ],
  });
  await mcp.get('fork', { target: 'web', name: 'second', snapshot: 'b' });
  expect(bench.get('diff', 'second')).toContain('A /added');
  bench.get('container', 'mount', 'web');
  expect(await mcp.refused('snapshot_restore', { target: 'web', name: 'b' })).toMatchObject({
    code: 'ERR_IN_USE',
  });
  bench.get('container', 'umount', 'web');
  await mcp.get('snapshot_remove', { target: 'web', name: 'b' });
  expect(await mcp.end()).toBe(0);
  expect(existsSync(join(bench.store.root, 'drafts'))).toBe(true);
});
