/** `plyfs system`: figures from what is recorded. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, machine, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workbench } from './plyfs-run.js';

let bench: Workbench;

beforeEach(() => {
  bench = new Workbench('l1', 'm', 'state', 'root/etc');
});

afterEach(() => bench.dispose());

const ID = 'c'.repeat(64);

function ok(...args: string[]): string {
  const { code, stdout, stderr } = bench.plyfs(...args, '--root', 'state');
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

/** An image of 5000 bytes, a container of it with 300, a used and a free volume. */
function fillStore(): void {
  writeFileSync(join(bench.root, 'root/etc/f'), 'x'.repeat(5000));
  expect(bench.run('tar', '-C', 'root', '-cf', 'root.tar', '.').code).toBe(0);
  ok('image', 'import', 'root.tar', 'app');
  ok('volume', 'create', 'used');
  ok('volume', 'create', 'free');
  for (const name of ['used', 'free']) {
    writeFileSync(join(bench.root, 'state/volumes', name, '_data/f'), 'x'.repeat(1000));
  }
  const home = join(bench.root, 'state/containers', ID);
  for (const folder of ['upper', 'work', 'merged']) mkdirSync(join(home, folder), { recursive: true });
  writeFileSync(join(home, 'upper/f'), 'x'.repeat(300));
  const mounts = [{ origin: 'volume', request: { type: 'volume', source: 'used', target: '/x' } }];
  const record = {
    id: ID,
    name: 'box',
    createdAt: '',
    image: { id: 'x', name: 'x' },
    layers: [],
    labels: {},
    process: { entrypoint: [], command: ['sh'] },
    mounts,
  };
  writeFileSync(join(home, 'container.json'), JSON.stringify(record));
}

describe('plyfs system', () => {
  it('info tells where things are and how many', () => {
    fillStore();
    const info = JSON.parse(ok('system', 'info', '--format', 'json'));
    expect(info).toMatchObject({
      Version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      ServerVersion: info.Version,
      NodeVersion: process.version,
      KernelVersion: release(),
      Architecture: machine(),
      NCPU: availableParallelism(),
      MemTotal: totalmem(),
      OSType: 'linux',
      UserId: process.geteuid?.(),
      Root: join(bench.root, 'state'),
      DockerRootDir: join(bench.root, 'state'),
      RunRoot: bench.runDirectory,
      Containers: 1,
      ContainersRunning: 0,
      ContainersPaused: 0,
      ContainersStopped: 1,
      Images: 1,
      Layers: 1,
      Volumes: 2,
      Mounts: 0,
      VolumeDrivers: ['local'],
      Engines: ['kernel', 'fuse-native'],
      Driver: 'plyfs',
      Plugins: { Volume: ['local'] },
      SecurityOptions: expect.arrayContaining(['name=seccomp,profile=default']),
    });
    expect(info.ID).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(ok('system', 'info', '--format', '{{.ID}}').trim()).toBe(info.ID);
    expect(ok('system', 'info', '--format', '{{.Containers}} {{.Root}}')).toBe(`1 ${bench.root}/state\n`);
    expect(ok('system', 'info')).toMatch(
      /^Client:\n Version: \d.*\n(.*\n)* Storage Driver: plyfs\n(.*\n)* Volumes: 2\n/,
    );
    Object.assign(bench.env, { HTTPS_PROXY: 'http://anna:secret@p:1', NO_PROXY: 'x' });
    expect(ok('system', 'info')).toContain(' HTTPS Proxy: http://xxxxx:xxxxx@p:1\n No Proxy: x\n');
    const versions = bench.plyfs(
      'version',
      '--format',
      '{{.Client.Version}} {{.Server.Version}}|{{.Server.ApiVersion}}',
    );
    expect(versions.stdout).toBe(`${info.Version} ${info.Version}|\n`);
  });

  it('df shows what is recorded, and says what nobody has measured', () => {
    fillStore();
    const template =
      '{{.Type}} {{.TotalCount}} {{.Active}} {{.SizeBytes}} {{.ReclaimableBytes}} {{.Unmeasured}}';
    expect(ok('system', 'df', '--format', template)).toBe(
      'Images 1 0 5000 5000 0\nContainers 1 0 0 0 1\nLocal Volumes 2 1 0 0 2\n',
    );
    expect(ok('system', 'df')).toMatch(
      /^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE +MEASURED\n.*when unpacked\n.*1 never\n.*2 never\n$/,
    );
    expect(ok('system', 'df', '--measure', '--format', template)).toBe(
      'Images 1 0 5000 5000 0\nContainers 1 0 300 300 0\nLocal Volumes 2 1 2000 1000 0\n',
    );
    writeFileSync(join(bench.root, 'state/volumes/free/_data/g'), 'x'.repeat(1000));
    expect(ok('system', 'df', '--format', template)).toContain('Volumes 2 1 2000 1000 0\n');
    expect(ok('volume', 'ls', '--format', '{{.Name}} {{.SizeBytes}}')).toBe('free 1000\nused 1000\n');
  });

  it('df -v lists each thing', () => {
    fillStore();
    const rows = ok('system', 'df', '-v', '--measure', '--format', 'json')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(
      rows.map((row: Record<string, unknown>) => [row.Type, row.Name, row.Active, row.SizeBytes]),
    ).toEqual([
      ['image', 'app:latest', false, 5000],
      ['container', 'box', false, 300],
      ['volume', 'free', false, 1000],
      ['volume', 'used', true, 1000],
    ]);
    expect(Object.keys(rows[0]).sort()).toEqual(
      ['Type', 'Id', 'Name', 'Active', 'Size', 'SizeBytes', 'UniqueBytes', 'MeasuredAt'].sort(),
    );
  });

  it("df -v has Docker's sections", () => {
    fillStore();
    ok('system', 'df', '--measure');
    expect(
      ok('system', 'df', '-v')
        .replaceAll(/ +(?=\n)/g, '')
        .replaceAll(/ {2,}/g, '  '),
    ).toMatch(
      /^Images space usage:\n\nREPOSITORY {2}TAG {2}IMAGE ID {2}CREATED {2}SIZE {2}SHARED SIZE {2}UNIQUE SIZE {2}CONTAINERS\napp {2}latest {2}.* {2}5kB {2}0B {2}5kB {2}0\n\nContainers space usage:\n\nCONTAINER ID {2}IMAGE {2}COMMAND {2}LOCAL VOLUMES {2}SIZE {2}CREATED {2}STATUS {2}NAMES\nc{12} .* {2}300B .* {2}box\n\nLocal Volumes space usage:\n\nVOLUME NAME {2}LINKS {2}SIZE\nfree {2}0 {2}1kB\nused {2}1 {2}1kB\n\nBuild cache usage: 0B\n\nCACHE ID {2}CACHE TYPE {2}SIZE {2}CREATED {2}LAST USED {2}USAGE {2}SHARED\n$/,
    );
  });

  it('prune removes what nobody uses, after a question', () => {
    fillStore();
    const anonymous = ok('volume', 'create').trim();
    const asked = bench.plyfs('system', 'prune', '--root', 'state');
    expect(asked.code).toBe(1);
    expect(asked.stderr).toContain(
      'WARNING! This will remove 1 stopped container, all images without a name.\n',
    );
    expect(ok('system', 'prune', '-f', '--filter', 'label=none')).toBe('Total reclaimed space: 0B\n');
    expect(ok('system', 'prune', '-f')).toMatch(
      /^Deleted Containers:\nc{64}\n\nTotal reclaimed space: [\d.]+kB\n$/,
    );
    expect(ok('volume', 'ls', '-q', '--filter', 'anonymous=true')).toBe(`${anonymous}\n`);
    const rest = ok('system', 'prune', '-af', '--volumes');
    expect(rest).toMatch(
      new RegExp(
        `^Deleted Volumes:\\n${anonymous}\\n\\nDeleted Images:\\nuntagged: app:latest\\ndeleted: sha256:`,
      ),
    );
    expect(ok('volume', 'ls', '-q')).toBe('free\nused\n');
    expect(ok('system', 'df', '--format', '{{.TotalCount}}')).toBe('0\n0\n2\n');
    expect(ok('system', 'info', '--format', '{{.Layers}}')).toBe('0\n');
  });

  it.each(['info', 'df', 'prune'])('%s has a help with examples', (command) => {
    expect(bench.plyfs('system', command, '--help').stdout).toMatch(/Examples:\n {2}plyfs system/);
  });
});
