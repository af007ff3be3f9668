/** `--engine fuse-native` as its users meet it: mount, use, refuse, end. */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { WARNING } from '../../src/engine/fuse-native/native-limits.js';
import { isGone, until, Workbench } from './plyfs-run.js';

/** Quotes and a space, which the package's own unmount gives to a shell. */
const POINT = `m "n' $(x)`;

let bench: Workbench;

beforeEach(() => {
  bench = new Workbench('l1/d', 'u', 'host', POINT);
  writeFileSync(join(bench.root, 'l1/f'), 'lower');
});

afterEach(() => bench.dispose());

const mount = (...options: string[]) =>
  bench.plyfs('mount', '-l', 'l1', '--upper', 'u', '--engine', 'fuse-native', ...options, POINT);

it('mounts with one warning, serves, and leaves nothing after umount', () => {
  expect(mount()).toEqual({ code: 0, stdout: '', stderr: `plyfs mount: ${WARNING}\n` });
  const script = 'cat "$1/f"; echo new >"$1/d/g"; rm "$1/f"; ls -R "$1" | tail -n 5';
  expect(bench.run('sh', '-c', script, 'sh', POINT).stdout).toBe(`lower${POINT}:\nd\n\n${POINT}/d:\ng\n`);
  expect(bench.plyfs('umount', POINT)).toMatchObject({ code: 0, stderr: '' });
  expect(bench.mounted()).toEqual([]);
  expect(bench.runIds()).toEqual([]);
  expect(readFileSync(join(bench.root, 'u/d/g'), 'utf8')).toBe('new\n');
});

it('shows a change of a bind made on the host at once, and tells why an operation failed', () => {
  writeFileSync(join(bench.root, 'host/f'), 'one');
  mount('-v', './host:/b', '-v', './host:/b/ro:ro');
  bench.run('sh', '-c', 'echo x >"$1/b/ro/new"', 'sh', POINT);
  const { Failures: failures } = JSON.parse(
    bench.plyfs('top', '--no-stream', '--format', 'json', '--interval', '0.1').stdout,
  );
  expect(failures).toMatchObject([
    { Error: 'EROFS', Path: '/b/ro/new', Cause: "'/b/ro/new' is ro through -v ./host:/b/ro:ro", Pid: 0 },
  ]);
  expect(bench.run('cat', `${POINT}/b/f`).stdout).toBe('one');
  writeFileSync(join(bench.root, 'host/f'), 'two!');
  expect(bench.run('cat', `${POINT}/b/f`).stdout).toBe('two!');
  bench.plyfs('umount', POINT);
});

it('keeps the modification time of a copy', () => {
  mount();
  const script =
    'touch -d @1000.5 "$1/f"; touch -a -d @2000 "$1/f"; cp -p "$1/f" "$1/c"; stat -c %.3Y "$1/c"';
  expect(bench.run('sh', '-c', script, 'sh', POINT).stdout).toBe('1000.500\n');
  bench.plyfs('umount', POINT);
});

it('waits for a job: fsync and the copy of a large file', () => {
  writeFileSync(join(bench.root, 'l1/large'), Buffer.alloc(64 << 20, 'x'));
  mount();
  const script = 'printf y | dd of="$1/large" conv=notrunc,fsync status=none; head -c 2 "$1/large"';
  expect(bench.run('sh', '-c', script, 'sh', POINT)).toEqual({ code: 0, stdout: 'yx', stderr: '' });
  bench.plyfs('umount', POINT);
});

it('ends with a plain umount(8), and when its daemon is killed', async () => {
  mount();
  const served = bench.pid();
  bench.run('umount', POINT);
  await until(() => isGone(served) && bench.runIds().length === 0);
  mount();
  const killed = bench.pid();
  const children = readFileSync(`/proc/${killed}/task/${killed}/children`, 'latin1').trim().split(' ');
  process.kill(killed, 'SIGKILL');
  await until(() => children.every((pid) => isGone(Number(pid))));
  expect(bench.plyfs('umount', POINT).code).toBe(0);
  expect(bench.mounted()).toEqual([]);
});

it('refuses a mount point that the package would cut off, before anything is mounted', () => {
  const long = Array.from({ length: 5 }, () => 'x'.repeat(200)).join('/');
  mkdirSync(join(bench.root, long), { recursive: true });
  const result = bench.plyfs('mount', '-l', 'l1', '--engine', 'fuse-native', long);
  expect(result.code).toBe(1);
  expect(result.stderr).toMatch(
    /its path has 10\d\d bytes, engine 'fuse-native' takes 1023; use --engine kernel\n$/,
  );
  expect(bench.mounted()).toEqual([]);
  expect(readdirSync(join(bench.root, long))).toEqual([]);
});
