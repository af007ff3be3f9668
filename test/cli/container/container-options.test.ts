/**
 * Options of `run` and `create` about what a command may do and sees of the host, beside what Docker's users expect.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ContainerBench } from './bench.js';

let bench: ContainerBench;
beforeAll(() => {
  bench = new ContainerBench('host');
  bench.addImages();
});
afterAll(() => {
  expect(bench.get('ps', '-aq')).toBe('');
  bench.dispose();
});

const STATUS =
  'while read key value; do case $key in CapBnd:|NoNewPrivs:|Seccomp:) echo $key $value;; esac; done < /proc/self/status';

describe('options of run', { timeout: 120_000 }, () => {
  test('names, groups, hosts, resolver, limits, shared memory, sysctls', () => {
    const script =
      'hostname; cat /proc/sys/kernel/domainname /proc/sys/kernel/shmmax; id -G; ulimit -n; ulimit -Hn; cat /etc/hosts /etc/resolv.conf; while read dev place type options; do [ $place = /dev/shm ] && echo $options; done < /proc/mounts; exit 0';
    const out = bench.sh(
      script,
      ...['-h', 'box1', '--domainname', 'dom', '--add-host', 'db:10.0.0.9', '--add-host', 'me=host-gateway'],
      ...[
        '--dns',
        '9.9.9.9',
        '--dns-search',
        'x.y',
        '--dns-option',
        'ndots:2',
        '--sysctl',
        'kernel.shmmax=12345',
      ],
      ...['--group-add', '50', '--group-add', 'extra', '--ulimit', 'nofile=100:200', '--shm-size', '8m'],
      // What is so anyway.
      ...['--rm=true', '--pull=missing', '--restart', 'no', '--network', 'host', '--log-driver', 'json-file'],
    );
    const lines = out.split('\n');
    expect(lines.slice(0, 6)).toEqual(['box1', 'dom', '12345', '0 50 2000', '100', '200']);
    expect(lines).toEqual(
      expect.arrayContaining([
        '127.0.1.1\tbox1.dom box1',
        '10.0.0.9\tdb',
        '127.0.0.1\tme',
        'nameserver 9.9.9.9',
        'search x.y',
        'options ndots:2',
      ]),
    );
    expect(lines.filter((line) => line.startsWith('nameserver'))).toEqual(['nameserver 9.9.9.9']);
    expect(lines.at(-1)).toContain('size=8192k');
  });

  test('a limit below which plyfs itself could not go on holds for the command', () => {
    const script =
      'while read -r line; do case $line in "Max data size"*) echo "$line";; esac; done < /proc/self/limits';
    expect(bench.sh(script, '--ulimit', 'data=1000000').split(/ +/)).toEqual([
      ...['Max', 'data', 'size', '1000000', '1000000', 'bytes'],
    ]);
  });

  test('capabilities are taken and given by name, and no_new_privs; the filter can be left out', () => {
    const flags = ['--cap-drop', 'ALL', '--cap-add', 'cap_chown', '--security-opt', 'no-new-privileges'];
    expect(bench.sh(STATUS, ...flags, '--security-opt', 'seccomp=unconfined').split('\n')).toEqual([
      'CapBnd: 0000000000000001',
      'NoNewPrivs: 1',
      'Seccomp: 0',
    ]);
    const [bounding = ''] = bench.sh(STATUS, '--cap-add', 'ALL', '--cap-drop', 'MKNOD').split('\n');
    const has = (bit: bigint) => (BigInt(bounding.replace('CapBnd: ', '0x')) >> bit) & 1n;
    // NET_ADMIN, MKNOD
    expect([has(12n), has(27n)]).toEqual([1n, 0n]);
  });

  test('--network none has lo alone, for exec too; --device brings a node of the host', () => {
    const interfaces = 'while read name rest; do case $name in *:) echo $name;; esac; done < /proc/net/dev';
    bench.get(
      'run',
      '-d',
      '--name',
      'alone',
      '--network',
      'none',
      '--device',
      '/dev/full:/dev/d/full',
      'box',
      'sleep',
      '60',
    );
    expect(bench.get('exec', 'alone', 'sh', '-c', `${interfaces}; echo x > /dev/d/full || echo full`)).toBe(
      'lo:\nfull',
    );
    bench.get('rm', '-f', 'alone');
  });

  test('--init: the command is not process 1, what it leaves behind is reaped, signals and status come through', () => {
    // For ten seconds at the most.
    const script = `(sh -c "echo \\$\\$ >/orphan; exit 3" &); echo $$; until [ -s /orphan ]; do :; done
      i=0; while [ $((i=i+1)) -lt 500 ]; do [ -e /proc/$(cat /orphan) ] || { echo reaped; break; }; sleep 0.02; done`;
    const [pid, ...outcome] = bench.sh(script, '--init').split('\n');
    expect(Number(pid)).toBeGreaterThan(1);
    expect(outcome).toEqual(['reaped']);
    expect(bench.do('run', '--rm', '--init', 'box', 'sh', '-c', 'kill -TERM $$').code).toBe(143);
    expect(bench.do('run', '--rm', '--init', 'box', 'nosuch').code).toBe(127);
    bench.get(
      'run',
      '-d',
      '--init',
      '--name',
      'init',
      'box',
      'sh',
      '-c',
      'trap "exit 9" TERM; while :; do sleep 0.1; done',
    );
    bench.get('stop', 'init');
    expect(bench.get('wait', 'init')).toBe('9');
    bench.get('rm', 'init');
  });

  test('--cidfile, --label-file, --stop-timeout, --stop-signal, --log-driver none', () => {
    const file = `${bench.root}/host/cid`;
    writeFileSync(`${bench.root}/host/labels`, '# no label\nfrom=file\n');
    const script = 'trap "" TERM; echo printed; while :; do sleep 0.1; done';
    const flags = [
      '--stop-timeout',
      '0',
      '--log-driver',
      'none',
      '--label-file',
      `${bench.root}/host/labels`,
    ];
    const id = bench.get(
      'run',
      '-d',
      '--name',
      'kept',
      '--cidfile',
      file,
      ...flags,
      'box',
      'sh',
      '-c',
      script,
    );
    expect(readFileSync(file, 'utf8')).toBe(id);
    expect(bench.do('create', '--cidfile', file, 'box')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`container ID file found: '/host/cid'`),
    });
    expect(bench.get('inspect', '-f', '{{.Config.Labels.from}}', 'kept')).toBe('file');
    bench.get('stop', 'kept');
    // Without the option ten seconds lie between the signal and the end.
    const events = bench
      .get('events', '--until', '0s', '--filter', 'container=kept', '--format', 'json')
      .split('\n');
    const [asked, died] = ['kill', 'die'].map((action) => {
      const event = events.map((line) => JSON.parse(line)).find(({ Action }) => Action === action);
      return (event as { readonly timeNano: number }).timeNano / 1e6;
    }) as [number, number];
    expect(died - asked).toBeLessThan(9_000);
    expect(bench.get('wait', 'kept')).toBe('137');
    expect(bench.do('logs', 'kept')).toMatchObject({ code: 1, stdout: '' });
    bench.get('rm', 'kept');
    bench.do('run', '--cidfile', `${file}.new`, 'no/such:image@', 'id');
    expect(existsSync(`${file}.new`)).toBe(false);
  });

  test.each([
    [['-p', '80:80'], 'cannot take --publish: '],
    [['-P'], 'cannot take --publish-all: '],
    [['--cgroup-parent', '/x'], 'cannot take --cgroup-parent: '],
    [['--restart', 'always'], 'cannot take --restart always: '],
    [['--network', 'mine'], "cannot use the network 'mine': "],
    [['--gpus', 'all'], 'cannot take --gpus: '],
    [['--link', 'x'], 'cannot take --link: '],
    [['--storage-opt', 'inodes=1'], "unknown storage option 'inodes=1'"],
    [['--sysctl', 'net.ipv4.ip_forward=1'], "sysctl 'net.ipv4.ip_forward' cannot be set"],
    [['--ulimit', 'x=1'], "invalid ulimit type: 'x'"],
    [['--cap-add', 'FOO'], "invalid capability: 'FOO'"],
    [['--pull', 'sometimes'], "invalid pull option: 'sometimes'"],
    [['--add-host', 'x:y'], "invalid IP address in add-host: 'y'"],
    [['--bogus'], "unknown option '--bogus'"],
  ])('%j is refused with the reason in one line, status 125', (flags, reason) => {
    const { code, stdout, stderr } = bench.do('run', ...flags, 'box', 'id');
    expect([code, stdout, stderr.trimEnd().split('\n').length]).toEqual([125, '', 1]);
    expect(stderr).toContain(`plyfs run: ${reason}`);
  });

  test('a wrong option of create and exec is 125, an unknown container of exec 1', () => {
    expect(bench.do('create', '--bogus', 'box').code).toBe(125);
    expect(bench.do('exec', '--bogus', 'none', 'id').code).toBe(125);
    expect(bench.do('exec', 'none', 'id').code).toBe(1);
  });

  test('bytes of --env-file that are not UTF-8 are refused with the line', () => {
    writeFileSync(`${bench.root}/host/env`, Buffer.from('A=1\nB=\xff\n', 'latin1'));
    expect(bench.do('run', '--rm', '--env-file', `${bench.root}/host/env`, 'box', 'id')).toEqual({
      code: 125,
      stdout: '',
      stderr:
        "plyfs run: cannot read the environment file '/host/env': line 2 is not UTF-8; write it in UTF-8, as Docker wants it too\n",
    });
  });
});
