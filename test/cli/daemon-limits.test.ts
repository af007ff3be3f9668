/** What a daemon of root may do while it serves: what serving takes, and nothing else; all of that still works. */

import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KEPT_CAPABILITIES } from '../../src/daemon/client/limited-launch.js';
import { CAP_SYS_RESOURCE, hasCapability } from '../../src/linux/process/process.js';
import { Store } from '../../src/store/store.js';
import { Workbench } from './plyfs-run.js';

let bench: Workbench;
beforeAll(() => {
  bench = new Workbench('l/d', 'm', 'host');
  mkdirSync(`${bench.root}/u`);
  bench.run(
    'sh',
    '-c',
    'echo x > l/f; chmod 4755 l/f; chown 7:8 l/f; setcap cap_net_raw+ep l/d/../f || true',
  );
  const { code, stderr } = bench.plyfs(
    'mount',
    '-l',
    'l',
    '--upper',
    'u',
    '-v',
    `${bench.root}/host:/host`,
    'm',
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});
afterAll(() => {
  expect(bench.plyfs('umount', 'm')).toMatchObject({ code: 0, stderr: '' });
  bench.dispose();
});

/** This host may have taken some from all. */
const kept = [...KEPT_CAPABILITIES.keys()].reduce((bits, number) => bits | (1n << BigInt(number)), 0n);

function setOf(status: string, name: string): bigint {
  return BigInt(`0x${new RegExp(`^${name}:\\s*(\\w+)$`, 'm').exec(status)?.[1]}`);
}

test('each thread has the capabilities that serving takes, and can get no others', () => {
  const threads = readdirSync(`/proc/${bench.pid()}/task`);
  const mine = setOf(readFileSync('/proc/self/status', 'latin1'), 'CapBnd');
  expect(threads.length).toBeGreaterThan(3);
  for (const thread of threads) {
    const status = readFileSync(`/proc/${bench.pid()}/task/${thread}/status`, 'latin1');
    expect(setOf(status, 'CapBnd')).toBe(kept & mine);
    expect(setOf(status, 'CapPrm')).toBe(kept & mine);
    expect(setOf(status, 'CapEff') & ~kept).toBe(0n);
    expect([setOf(status, 'CapInh'), setOf(status, 'CapAmb')]).toEqual([0n, 0n]);
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
  }
});

test('what the machine is short of memory for is not the daemon, but for who has said otherwise', () => {
  const score = (pid: number): string => readFileSync(`/proc/${pid}/oom_score_adj`, 'latin1').trim();
  const mine = score(process.pid);
  const spared = hasCapability(CAP_SYS_RESOURCE) ? '-500' : '0';
  expect(score(bench.pid())).toBe(mine === '0' ? spared : mine);
  const mounted = bench.run(
    'sh',
    '-c',
    `mkdir m4; echo 7 > /proc/self/oom_score_adj; PLYFS_DAEMON=own '${process.execPath}' '${bench.cli}' mount -l l m4`,
  );
  expect(mounted).toMatchObject({ code: 0, stderr: '' });
  const line = bench.listed('{{.Pid}}').find((one) => one.startsWith('/m4 '));
  expect(score(Number(line?.split(' ')[1]))).toBe('7');
  expect(bench.plyfs('umount', 'm4')).toMatchObject({ code: 0, stderr: '' });
});

test.each([
  [
    'owners, modes and set-id bits',
    'chown 1000:1000 m/f && chmod 6755 m/f && stat -c %u:%a m/f',
    '1000:6755',
  ],
  ['device nodes', 'mknod m/null c 1 3 && stat -c %t:%T m/null', '1:3'],
  [
    'capabilities of files',
    'cp /bin/true m/t && setcap cap_net_raw+ep m/t && getcap m/t | grep -c net_raw',
    '1',
  ],
  [
    "attributes that are root's",
    'setfattr -n trusted.a -v b m/f && getfattr --only-values -n trusted.a m/f',
    'b',
  ],
  ['flags of chattr', 'touch m/i && chattr +i m/i && ! rm m/i 2>/dev/null && chattr -i m/i && echo ok', 'ok'],
  [
    'another user on a bind',
    'chmod 755 . && chmod 777 host && setpriv --reuid=1234 --clear-groups touch m/host/his && stat -c %u host/his',
    '1234',
  ],
  ['what others may not read', 'echo s > l/../host/s; chmod 0 host/s; chown 9 host/s; cat m/host/s', 's'],
])('%s', (_, script, wanted) => {
  expect(bench.run('sh', '-c', script)).toMatchObject({
    stdout: `${wanted}\n`.replace(/^b\n$/, 'b'),
    stderr: '',
  });
});

test('volumes that mount(8) mounts', () => {
  const store = new Store(`${bench.root}/store`);
  const flags = ['--root', store.root];
  expect(
    bench.plyfs(
      'volume',
      'create',
      ...flags,
      '--opt',
      'type=tmpfs',
      '--opt',
      'device=tmpfs',
      '--opt',
      'o=size=1m',
      'vol',
    ),
  ).toMatchObject({ code: 0 });
  mkdirSync(`${bench.root}/m2`);
  const mounted = bench.plyfs('mount', ...flags, '-l', 'l', '-v', 'vol:/v', 'm2');
  expect(mounted).toMatchObject({ code: 0, stderr: '' });
  expect(bench.run('sh', '-c', 'echo in > m2/v/f && cat m2/v/f').stdout).toBe('in\n');
  expect(bench.plyfs('umount', 'm2')).toMatchObject({ code: 0, stderr: '' });
});

test('a mount in the foreground is limited alike, under the pid it was started with', async () => {
  mkdirSync(`${bench.root}/m3`);
  const served = bench.start(process.execPath, bench.cli, 'mount', '-f', '-l', 'l', 'm3');
  const ended = new Promise((resolve) => served.once('exit', resolve));
  const wait = 'until [ -e m3/f ]; do sleep 0.05; done';
  expect(bench.run('timeout', '50', 'bash', '-ec', wait)).toMatchObject({ code: 0 });
  const status = readFileSync(`/proc/${served.pid}/status`, 'latin1');
  expect(setOf(status, 'CapBnd') & ~kept).toBe(0n);
  expect(status).toMatch(/^NoNewPrivs:\t1$/m);
  expect(bench.plyfs('umount', 'm3')).toMatchObject({ code: 0, stderr: '' });
  expect(await ended).toBe(0);
});
