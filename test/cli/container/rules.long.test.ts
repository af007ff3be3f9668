/**
 * What Docker's users expect of commands and lists, beyond the textbook: signals while a command starts, --rm of what
 * cannot start, the root's attributes, image mounts, restart, filters.
 */

import { chmodSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { processIdentity, writeState } from '../../../src/container/record/command-state.js';
import { addImage, fillSystem } from '../../helpers/images.js';
import { cliScript, untilIs } from '../plyfs-run.js';
import { ContainerBench } from './bench.js';

let bench: ContainerBench;
beforeAll(() => {
  bench = new ContainerBench('host');
  bench.addImages();
});
afterAll(() => bench.dispose());

describe('run', { timeout: 120_000 }, () => {
  test('a signal that comes while the command is being started ends it, at any moment', async () => {
    const delaysMs = [100, 250, 400, 550, 700, 900, 1200];
    const ends = delaysMs.map(async (delayMs) => {
      const words = ['run', '--root', bench.store.root, '--rm', 'box', 'sleep', '60'];
      const child = bench.start(process.execPath, cliScript, ...words);
      const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve(signal ?? code)));
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      child.kill('SIGINT');
      return await ended;
    });
    for (const end of await Promise.all(ends)) expect(['SIGINT', 130]).toContain(end);
    // Takes back what a create that was cut off has left.
    bench.get('volume', 'create', 'next');
    bench.get('volume', 'rm', 'next');
    expect(bench.store.names('containers')).toEqual([]);
    expect(bench.mounted()).toEqual([]);
  });

  test('--env-file is not taken by Node', () => {
    const { code, stderr } = bench.run(
      process.execPath,
      '--',
      cliScript,
      'run',
      '--root',
      bench.store.root,
      '--env-file',
      '/no/such',
      'box',
    );
    expect(code).toBe(125);
    expect(stderr).toContain("plyfs run: cannot read the environment file '/no/such'");
  });

  test('--rm leaves nothing of a container that cannot be mounted', () => {
    const { code, stderr } = bench.do('run', '--rm', '-v', '/anonymous', '-v', 'named:/etc/passwd', 'box');
    expect([code, stderr]).toEqual([125, expect.stringContaining('directory over a file')]);
    expect(bench.get('ps', '-aq')).toBe('');
    expect(bench.get('volume', 'ls', '-q')).toBe('named');
    bench.get('volume', 'rm', 'named');
  });

  test('ignored signals are not handed down', () => {
    const line = `trap '' INT HUP; node ${cliScript} run --root ${bench.store.root} --rm box sh -c 'while read key value; do case $key in SigIgn:) echo $value;; esac; done < /proc/self/status'`;
    expect(bench.run('sh', '-c', line)).toEqual({ code: 0, stdout: '0000000000000000\n', stderr: '' });
  });

  test('/ has the mode of the image, and diff tells of a change of it', () => {
    addImage(bench.store.root, { name: 'shut:latest', config: { Env: ['PATH=/bin'] } }, [
      fillSystem,
      (directory) => chmodSync(directory, 0o1711),
    ]);
    expect(bench.get('run', '--name', 'root', 'shut', 'stat', '-c', '%a', '/')).toBe('1711');
    expect(bench.get('diff', 'root')).toBe('');
    expect(bench.get('start', '-a', 'root')).toBe('1711');
    bench.get('container', 'mount', 'root');
    bench.get('exec', 'root', 'chmod', '700', '/');
    expect(bench.get('diff', 'root')).toBe('C /');
    bench.get('rm', '-f', 'root');
  });
});

describe('exec', () => {
  test('makes no directory that was mistyped', () => {
    bench.get('create', '--name', 'typo', 'box');
    bench.get('container', 'mount', 'typo');
    expect(bench.do('exec', '-w', '/nope', 'typo', 'pwd')).toMatchObject({
      code: 126,
      stderr: "plyfs exec: cannot enter the working directory '/nope': no such file or directory\n",
    });
    expect(bench.do('exec', '-w', 'tmp', 'typo', 'pwd').code).toBe(126);
    expect(bench.get('diff', 'typo')).toBe('');
    bench.get('rm', '-f', 'typo');
  });
});

describe('stop and restart', { timeout: 120_000 }, () => {
  test('restart runs the command again, also of one that did not run, and of one with --rm', async () => {
    const prints = (text: string) => untilIs(() => bench.get('logs', 'again'), text);
    bench.get('run', '-d', '--name', 'again', 'box', 'sh', '-c', 'echo up; exec sleep 60');
    expect(bench.get('restart', '-t', '0', 'again')).toBe('again');
    await prints('up\nup');
    bench.get('stop', '--timeout', '0', 'again');
    bench.get('restart', 'again');
    await prints('up\nup\nup');
    bench.get('rm', '-f', 'again');
    bench.get('run', '-d', '--rm', '--name', 'once', 'box', 'sleep', '60');
    bench.get('restart', 'once');
    expect(bench.get('ps', '--format', '{{.Names}} {{.State}}')).toBe('once running');
    bench.get('stop', 'once');
    expect(bench.get('ps', '-aq')).toBe('');
  });

  test('stop removes what was created with --rm, with its unnamed volumes', () => {
    const config = { Env: ['PATH=/bin'], Cmd: ['sleep', '60'], Volumes: { '/data': {} } };
    addImage(bench.store.root, { name: 'sleeper:latest', config }, [fillSystem]);
    bench.get('create', '--rm', '--name', 'fleeting', 'sleeper');
    bench.get('stop', 'fleeting');
    expect(bench.get('ps', '-a', '--format', '{{.Names}}')).toBe('fleeting');
    bench.get('start', 'fleeting');
    bench.get('stop', 'fleeting');
    expect([bench.get('ps', '-aq'), bench.get('volume', 'ls', '-q')]).toEqual(['', '']);
  });
});

describe('images that containers mount', () => {
  test('must be there at create, and stay while the container has them', () => {
    addImage(bench.store.root, { name: 'part:latest' }, [
      (directory) => writeFileSync(`${directory}/f`, 'x'),
    ]);
    expect(bench.do('create', '--mount', 'type=image,src=none,dst=/x', 'box').stderr).toContain(
      "no such image: 'none'",
    );
    const id = bench.get('create', '--name', 'uses', '--mount', 'type=image,src=part,dst=/x', 'box');
    expect(bench.do('image', 'rm', 'part').stderr).toBe(
      `plyfs image rm: unable to remove 'part': container ${id.slice(0, 12)} is using it; remove the container first, or use -f\n`,
    );
    bench.get('image', 'prune', '-af');
    expect(bench.get('images', '--format', '{{.Repository}} {{.Containers}}', 'part')).toBe('part 1');
    bench.get('rm', 'uses');
    bench.get('image', 'rm', 'part');
  });
});

describe('ps and prune', { timeout: 120_000 }, () => {
  test('filters', () => {
    bench.addImages();
    bench.get('create', '--name', 'made', '-l', 'tier=web', '-v', 'named:/v', 'box');
    bench.do('run', '--name', 'failed', '-l', 'tier=db', 'box', 'sh', '-c', 'exit 3');
    const names = (...filters: string[]) =>
      bench
        .get('ps', '-a', ...filters.flatMap((one) => ['--filter', one]), '--format', '{{.Names}}')
        .split('\n');
    expect(names()).toEqual(['failed', 'made']);
    expect(names('label=tier')).toEqual(['failed', 'made']);
    expect(names('label=tier=web')).toEqual(['made']);
    expect(names('name=^m')).toEqual(['made']);
    expect(names('status=exited', 'exited=3')).toEqual(['failed']);
    expect(names('volume=named')).toEqual(['made']);
    expect(names('volume=/v')).toEqual(['made']);
    expect(names('ancestor=box', 'since=made')).toEqual(['failed']);
    expect(names('before=failed')).toEqual(['made']);
    expect(names('ancestor=gone')).toEqual(['']);
    expect(names('status=paused')).toEqual(['']);
    for (const [wrong, hint] of [
      ['status=asleep', 'there are created, running, exited, dead'],
      ['exited=x', 'it is a number'],
    ]) {
      expect(bench.do('ps', '--filter', wrong ?? '').stderr).toBe(
        `plyfs ps: invalid filter '${wrong}'; ${hint}\n`,
      );
    }
  });

  test('prune asks, keeps what its filters spare, and says what it has freed', () => {
    const { code, stderr } = bench.do('container', 'prune');
    expect([code, stderr]).toEqual([1, expect.stringContaining('cancelled, nothing is removed')]);
    expect(bench.get('container', 'prune', '-f', '--filter', 'label!=tier=db')).toMatch(
      /^Deleted Containers:\n[0-9a-f]{64}\n\nTotal reclaimed space: \d/,
    );
    expect(bench.get('ps', '-a', '--format', '{{.Names}}')).toBe('failed');
    expect(bench.get('container', 'prune', '-f', '--filter', 'until=1h')).toBe('Total reclaimed space: 0B');
    bench.get('container', 'prune', '-f');
    expect(bench.get('ps', '-aq')).toBe('');
  });

  test('a container whose command is being started is none that prune or rm takes', () => {
    const id = bench.get('create', '--name', 'starting', 'box');
    const state = { startedAt: new Date().toISOString(), supervisor: processIdentity(process.pid) };
    writeState(bench.store, id, state);
    expect(bench.get('container', 'prune', '-f')).toBe('Total reclaimed space: 0B');
    expect(bench.do('rm', 'starting').stderr).toContain('container is running');
    writeState(bench.store, id, { startedAt: state.startedAt });
    expect(bench.get('rm', 'starting')).toBe('starting');
  });
});
