/** `plyfs volume ...` from outside: what it prints, what it refuses and in which words. */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cliScript, type Result, Workbench } from './plyfs-run.js';

let bench: Workbench;

beforeEach(() => {
  bench = new Workbench('l1', 'm', 'state');
});

afterEach(() => bench.dispose());

function volume(command: string, ...args: string[]): Result {
  return bench.plyfs('volume', command, '--root', 'state', ...args);
}

function ok(command: string, ...args: string[]): string {
  const { code, stdout, stderr } = volume(command, ...args);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

function data(name: string, path = ''): string {
  return join(bench.root, 'state/volumes', name, '_data', path);
}

/** A container as the store keeps it. */
function container(id: string, name: string, volumes: Record<string, string>): void {
  const home = join(bench.root, 'state/containers', id);
  mkdirSync(home, { recursive: true });
  const mounts = Object.entries(volumes).map(([target, source]) => ({
    origin: 'volume',
    request: { type: 'volume', source, target, readOnly: false, labels: {}, driverOptions: {} },
  }));
  writeFileSync(
    join(home, 'container.json'),
    JSON.stringify({ id, name, createdAt: '', layers: [], mounts }),
  );
}

const ID = 'c'.repeat(64);

describe('plyfs volume', () => {
  it('creates, lists, and removes', () => {
    expect(ok('create', 'data')).toBe('data\n');
    expect(ok('create', 'data')).toBe('data\n');
    expect(ok('create')).toMatch(/^[0-9a-f]{64}\n$/);
    expect(ok('ls', '--filter', 'anonymous=false')).toBe('DRIVER   VOLUME NAME   USED BY\nlocal    data\n');
    expect(ok('ls', '-q').trim().split('\n')).toHaveLength(2);
    expect(ok('rm', 'data')).toBe('data\n');
    expect(ok('ls', '-q', '--filter', 'name=data')).toBe('');
  });

  it('says who uses what: containers by name, mounts by their place', () => {
    for (const name of ['mine', 'shared', 'free']) ok('create', name);
    container(ID, 'app', { '/data': 'mine', '/more': 'shared' });
    expect(bench.plyfs('mount', '-l', 'l1', '--root', 'state', '-v', 'shared:/x', 'm').code).toBe(0);
    const at = `${bench.root}/m`;
    expect(ok('ls', '--format', '{{.Name}} {{.UsedBy}}')).toBe(`free \nmine app\nshared app,${at}\n`);
    expect(ok('ls', '-q', '--filter', 'dangling=true')).toBe('free\n');
    expect(JSON.parse(ok('inspect', 'shared', '--format', '{{json .UsedBy}}'))).toEqual([
      { Kind: 'container', Id: ID, Name: 'app', Targets: ['/more'] },
      { Kind: 'mount', Id: expect.stringMatching(/^[0-9a-f]{12}$/), Name: at, Targets: ['/x'] },
    ]);
    expect(bench.plyfs('umount', 'm').code).toBe(0);
    expect(ok('ls', '--format', '{{.Name}} {{.UsedBy}}', '--filter', 'name=shared')).toBe('shared app\n');
  });

  it('filters by all that is given, of names by one', () => {
    ok('create', 'one', '--label', 'app=shop', '--label', 'keep');
    ok('create', 'two', '--label', 'app=blog');
    const names = (...filters: string[]) =>
      ok('ls', '-q', ...filters.flatMap((filter) => ['--filter', filter]))
        .trim()
        .split('\n');
    expect(names('label=app')).toEqual(['one', 'two']);
    expect(names('label=app=shop')).toEqual(['one']);
    expect(names('label=app', 'label=keep')).toEqual(['one']);
    expect(names('name=tw', 'name=on')).toEqual(['one', 'two']);
    expect(names('name=tw', 'label=keep')).toEqual(['']);
    expect(names('driver=other')).toEqual(['']);
  });

  it('has stable keys in --format json and inspect', () => {
    ok('create', 'data', '--label', 'a=b', '--opt', 'type=tmpfs', '--opt', 'device=tmpfs');
    const row = JSON.parse(ok('ls', '--format', 'json'));
    expect(row).toEqual({
      Name: 'data',
      Driver: 'local',
      Scope: 'local',
      Mountpoint: data('data'),
      CreatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      Labels: 'a=b',
      Options: ['type=tmpfs', 'device=tmpfs'],
      Anonymous: false,
      Mounted: false,
      UsedBy: [],
      MadeFor: '',
      SizeBytes: -1,
      MeasuredAt: '',
      ...{ Availability: 'N/A', Group: 'N/A', Links: 'N/A', Size: 'N/A', Status: 'N/A' },
    });
    expect(JSON.parse(ok('inspect', 'data'))).toEqual([
      {
        Name: 'data',
        Driver: 'local',
        Scope: 'local',
        Mountpoint: data('data'),
        CreatedAt: row.CreatedAt,
        Labels: { a: 'b' },
        Options: { type: 'tmpfs', device: 'tmpfs' },
        Anonymous: false,
        MadeFor: null,
        FilledFrom: null,
        Mounted: false,
        UsedBy: [],
        Usage: null,
        EarlierUsage: [],
      },
    ]);
    expect(ok('inspect', 'data', '--format', '{{.Name}} {{index .Labels "a"}} {{.Options.type}}')).toBe(
      'data b tmpfs\n',
    );
  });

  it('removes several names past an error, and with -f ignores those there are not', () => {
    for (const name of ['one', 'two', 'used']) ok('create', name);
    container(ID, 'app', { '/data': 'used' });
    expect(volume('rm', 'one', 'none', 'used', 'two')).toEqual({
      code: 1,
      stdout: 'one\ntwo\n',
      stderr:
        "plyfs volume rm: no such volume: 'none'; 'plyfs volume ls' shows those there are\n" +
        `plyfs volume rm: cannot remove volume 'used': volume is in use - [${ID}]; 'plyfs volume inspect' says by whom\n`,
    });
    expect(volume('rm', '-f', 'none')).toEqual({ code: 0, stdout: 'none\n', stderr: '' });
    expect(volume('rm', '-f', 'used').code).toBe(1);
  });

  it('refuses to remove or rename what a mount uses, until that is gone', () => {
    ok('create', 'data');
    expect(bench.plyfs('mount', '-l', 'l1', '--root', 'state', '-v', 'data:/x', 'm').code).toBe(0);
    const id = bench.listed('{{.Id}}')[0]?.split(' ')[1];
    expect(volume('rm', 'data').stderr).toContain(`cannot remove volume 'data': volume is in use - [${id}]`);
    expect(volume('rename', 'data', 'new').stderr).toContain(
      `cannot rename volume 'data': volume is in use - [${id}]`,
    );
    expect(volume('prune', '-af').stdout).toBe('Total reclaimed space: 0B\n');
    expect(bench.plyfs('umount', 'm').code).toBe(0);
    ok('rename', 'data', 'new');
    expect(ok('rm', 'new')).toBe('new\n');
  });

  it('prunes unused anonymous volumes, with -a named ones too', () => {
    const [anonymous, used] = [ok('create').trim(), ok('create').trim()];
    ok('create', 'named', '--label', 'keep');
    ok('create', 'other');
    container(ID, 'app', { '/data': used });
    writeFileSync(data(anonymous, 'f'), 'x'.repeat(100_000));
    expect(ok('prune', '-f')).toMatch(
      new RegExp(`^Deleted Volumes:\\n${anonymous}\\n\\nTotal reclaimed space: 1\\d\\dkB\\n$`),
    );
    expect(ok('prune', '-f', '--all', '--filter', 'label!=keep')).toContain('Deleted Volumes:\nother\n');
    expect(ok('prune', '-f', '--filter', 'all=true')).toContain('Deleted Volumes:\nnamed\n');
    expect(readdirSync(join(bench.root, 'state/volumes'))).toEqual([used]);
  });

  it('asks before it prunes, also in a pipe', () => {
    ok('create');
    const asked = bench.run('sh', '-c', `: | ${process.execPath} ${cliScript} volume prune --root state`);
    expect(asked.code).toBe(1);
    expect(asked.stderr).toMatch(
      /^WARNING! This will remove the anonymous volumes .*\nAre you sure you want to continue\? \[y\/N\] \nplyfs volume prune: cancelled, nothing is removed; /,
    );
    expect(ok('ls', '-q')).not.toBe('');
    const yes = bench.run('sh', '-c', `echo y | ${process.execPath} ${cliScript} volume prune --root state`);
    expect(yes.code).toBe(0);
    expect(ok('ls', '-q')).toBe('');
  });

  it('renames in the records of containers too, and makes an anonymous volume a named one', () => {
    const name = ok('create').trim();
    writeFileSync(data(name, 'f'), 'kept');
    container(ID, 'app', { '/data': name, '/more': name });
    ok('rename', name, 'data');
    expect(readFileSync(data('data', 'f'), 'utf8')).toBe('kept');
    expect(ok('ls', '--format', '{{.Name}} {{.Anonymous}} {{.UsedBy}}')).toBe('data false app\n');
    expect(readFileSync(join(bench.root, `state/containers/${ID}/container.json`), 'utf8')).not.toContain(
      name,
    );
  });

  it('clones with links, owners, times and xattrs', () => {
    ok('create', 'data', '--label', 'a=b');
    const made = bench.run(
      'sh',
      '-ec',
      `cd ${data('data')}; echo 1 > f; ln f g; chown 3:4 f; setfattr -n user.x -v y f; touch -d '2001-01-01' f .; chmod 750 .`,
    );
    expect(made.stderr).toBe('');
    expect(ok('clone', 'data', 'copy', '--label', 'c=d')).toBe('copy\n');
    const tree = (name: string) =>
      bench.run(
        'sh',
        '-c',
        `cd ${data(name)} && find . -printf '%p %m %U %G %n %T@ %s\\n' | sort; getfattr -d f`,
      ).stdout;
    expect(tree('copy')).toBe(tree('data'));
    expect(JSON.parse(ok('inspect', 'copy'))[0]).toMatchObject({
      Labels: { a: 'b', c: 'd' },
      Usage: { Bytes: 2, Files: 2 },
    });
  });
});

describe('errors', () => {
  const cases: readonly (readonly [args: string[], message: string])[] = [
    [
      ['create', 'x'],
      "invalid volume name 'x': only [a-zA-Z0-9][a-zA-Z0-9_.-]+ is allowed (two characters at least)",
    ],
    [
      ['create', '/srv'],
      "invalid volume name '/srv': only [a-zA-Z0-9][a-zA-Z0-9_.-]+ is allowed (two characters at least); a host directory is mounted with -v",
    ],
    [['create', '-d', 'nfs', 'xx'], "no such volume driver: 'nfs'"],
    [['create', '-o', 'foo=1', 'xx'], "invalid volume option: 'foo'; there are type, device, o, size"],
    [['create', '-o', 'type=nfs', 'xx'], "missing required volume option: 'device'"],
    [['create', '-o', 'size=tiny', 'xx'], "invalid volume option 'size=tiny': invalid size: 'tiny'"],
    [['create', '--label', '=x', 'xx'], "invalid label '=x': it has no key; it is KEY=VALUE"],
    [['create', '-o', 'size=1m', 'data'], "volume 'data' exists with other options: none"],
    [['create', '--label', 'a=c', 'data'], "volume 'data' exists without the label 'a=c'"],
    [['rm', 'none'], "no such volume: 'none'"],
    [['inspect', 'none'], "no such volume: 'none'"],
    [['rename', 'none', 'new'], "no such volume: 'none'"],
    [['rename', 'data', 'other'], "cannot rename volume 'data': there is a volume 'other' already"],
    [['rename', 'data', 'x'], "invalid volume name 'x'"],
    [['clone', 'none', 'new'], "no such volume: 'none'"],
    [['clone', 'data', 'other'], "cannot clone volume 'data': there is a volume 'other' already"],
    [['ls', '--filter', 'foo=1'], "invalid filter 'foo'; there are name, label, dangling, driver, anonymous"],
    [['ls', '--filter', 'dangling=perhaps'], "invalid filter 'dangling=perhaps'; it is true or false"],
    [['ls', '--format', '{{.Nome}}'], "at <.Nome>: can't evaluate field Nome; there are Name, Driver"],
    [['inspect', '--format', '{{.Nome}}', 'data'], 'map has no entry for key "Nome"'],
    [
      ['inspect', '--format', '{{range .}}', 'data'],
      "invalid format '{{range .}}': template: :1: unexpected EOF; '{{range}}' has no {{end}}",
    ],
  ];

  it.each(cases)('%j', (args, message) => {
    ok('create', 'data', '--label', 'a=b');
    ok('create', 'other');
    const [command = '', ...rest] = args;
    const { code, stderr } = volume(command, ...rest);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/^plyfs( volume)?( \w+)?: /);
  });

  it.each([
    'create',
    'ls',
    'inspect',
    'rm',
    'prune',
    'rename',
    'clone',
    'export',
    'import',
  ])('%s has a help with examples', (command) => {
    const { code, stdout } = bench.plyfs('volume', command, '--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(/Examples?:\n {2}.*plyfs volume/);
  });
});
