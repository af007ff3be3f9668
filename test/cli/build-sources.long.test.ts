/**
 * `plyfs build`: where files may come from beside a directory, and where what is built may go.
 *
 * git daemon and busybox httpd serve a repository and files on loopback.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliScript, type Result, untilIs, Workbench } from './plyfs-run.js';

const HERE = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`;

let bench: Workbench;
let gitPort: number;
let webPort: number;
const servers: ChildProcess[] = [];

beforeAll(async () => {
  bench = new Workbench(
    'context/sub',
    'repository/dir',
    'served',
    'base/bin',
    'base/proc',
    'base/dev',
    'base/etc',
  );
  makeBase();
  makeRepository();
  gitPort = await serve('git', (port) => [
    'daemon',
    '--export-all',
    `--base-path=${bench.root}/served`,
    '--listen=127.0.0.1',
    `--port=${port}`,
  ]);
  webPort = await serve('busybox', (port) => [
    'httpd',
    '-f',
    '-p',
    `127.0.0.1:${port}`,
    '-h',
    `${bench.root}/served`,
  ]);
});

afterAll(async () => {
  for (const server of servers) {
    server.kill();
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
  }
  bench.dispose();
});

function must(program: string, ...args: string[]): void {
  expect(bench.run(program, ...args)).toMatchObject({ code: 0 });
}

function makeBase(): void {
  must(
    'sh',
    '-c',
    'cp "$(command -v busybox)" base/bin && for a in sh cat ls echo ip; do ln -s busybox base/bin/$a; done',
  );
  must('tar', '-C', 'base', '-cf', 'base.tar', '.');
  expect(plyfs('image', 'import', '-c', 'ENV PATH=/bin', 'base.tar', 'base').code).toBe(0);
  write('context/a', 'a\n');
  write('context/sub/b', 'b\n');
}

/** Two commits, a branch and a tag, in a bare repository that the web serves too. */
function makeRepository(): void {
  const git = (...args: string[]): void =>
    must('git', '-C', 'repository', '-c', 'user.name=t', '-c', 'user.email=t@t', ...args);
  git('init', '-q', '-b', 'main');
  write('repository/dir/file', 'first\n');
  write('repository/Dockerfile', 'FROM scratch\nCOPY dir /\n');
  git('add', '-A');
  git('commit', '-qm', 'one');
  git('tag', 'v1');
  write('repository/dir/file', 'second\n');
  git('commit', '-qam', 'two');
  must('git', 'clone', '-q', '--bare', 'repository', 'served/r.git');
  must('git', '-C', 'served/r.git', 'update-server-info');
  write('served/file.txt', 'from the web\n');
  must('tar', '-C', 'repository', '-czf', 'served/context.tar.gz', 'Dockerfile', 'dir');
}

async function serve(program: string, args: (port: number) => string[]): Promise<number> {
  const port = await freePort();
  servers.push(spawn(program, args(port), { stdio: 'ignore' }));
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (await answers(port)) return port;
    await sleep(50);
  }
  throw new Error(`${program} does not listen`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const result = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return result;
}

function write(path: string, content: string): void {
  writeFileSync(join(bench.root, path), content);
}

function read(path: string): string {
  return readFileSync(join(bench.root, path), 'utf8');
}

function plyfs(...args: string[]): Result {
  return bench.plyfs('--root', 'state', ...args);
}

/** Builds with `-o out`. */
function build(dockerfile: string, ...args: string[]): Result {
  write('Dockerfile', dockerfile);
  bench.run('rm', '-rf', 'out');
  return plyfs('build', '-q', '-f', 'Dockerfile', '-o', 'out', ...args, 'context');
}

function built(dockerfile: string, ...args: string[]): void {
  const { code, stderr } = build(dockerfile, ...args);
  expect([code, stderr]).toEqual([0, '']);
}

describe('plyfs build', () => {
  it('adds git repositories at a branch, tag or commit, a directory of them, with or without .git', () => {
    const git = `git://127.0.0.1:${gitPort}/r.git`;
    const web = `http://127.0.0.1:${webPort}/r.git`;
    const commit = bench.run('git', '-C', 'repository', 'rev-parse', 'v1').stdout.trim();
    built(`FROM scratch
ADD ${git} /default
ADD ${git}#v1:dir /tag
ADD --keep-git-dir=true ${git}#main /kept
ADD --checksum=${commit.slice(0, 8)} ${web}#${commit} /commit
ADD --chown=7:8 --chmod=600 ${web}?branch=main&subdir=dir /web
`);
    expect(read('out/default/dir/file')).toBe('second\n');
    expect([read('out/tag/file'), read('out/commit/dir/file')]).toEqual(['first\n', 'first\n']);
    expect(read('out/web/file')).toBe('second\n');
    expect([
      existsSync(join(bench.root, 'out/kept/.git')),
      existsSync(join(bench.root, 'out/default/.git')),
    ]).toEqual([true, false]);
    expect(build(`FROM scratch\nADD --checksum=1234 ${git} /x\n`).stderr).toContain("is at the commit '");
    expect(build(`FROM scratch\nADD ${git}#none /x\n`).stderr).toContain(
      "cannot check out 'none' of 'git://",
    );
    expect(build(`FROM scratch\nCOPY ${git} /x\n`).stderr).toContain('ADD takes files from addresses');
  });

  it('adds files of the web under their name or another, unpacked where that is asked for', () => {
    const web = `http://127.0.0.1:${webPort}`;
    built(`FROM scratch
ADD ${web}/file.txt /dir/
ADD ${web}/file.txt /renamed
ADD --unpack=true ${web}/context.tar.gz /unpacked
ADD --chmod=644 ${web}/context.tar.gz /packed/
`);
    expect([read('out/dir/file.txt'), read('out/renamed')]).toEqual(['from the web\n', 'from the web\n']);
    expect(read('out/unpacked/dir/file')).toBe('second\n');
    expect(readdirSync(join(bench.root, 'out/packed'))).toEqual(['context.tar.gz']);
    const modes = ['out/renamed', 'out/packed/context.tar.gz'].map(
      (path) => statSync(join(bench.root, path)).mode,
    );
    expect(modes.map((mode) => mode & 0o777)).toEqual([0o600, 0o644]);
    expect(
      build(`FROM scratch\nADD --checksum=sha256:${'0'.repeat(64)} ${web}/file.txt /\n`).stderr,
    ).toContain('has the digest');
    expect(build(`FROM scratch\nADD ${web}/none /\n`).stderr).toContain('answered 404');
  });

  it('takes its context from git, and from a tar of the web', () => {
    for (const context of [
      `git://127.0.0.1:${gitPort}/r.git#v1`,
      `http://127.0.0.1:${webPort}/context.tar.gz`,
    ]) {
      bench.run('rm', '-rf', 'out');
      expect(plyfs('build', '-q', '-o', 'out', context)).toMatchObject({ code: 0, stderr: '' });
    }
    expect(read('out/file')).toBe('second\n');
    expect(plyfs('build', 'ftp://x/y').stderr).toContain('an address is http, https, git or ssh');
  });

  it('takes other contexts by name, before stages and images of that name', () => {
    mkdirSync(join(bench.root, 'more'));
    write('more/m', 'more\n');
    write('more/ignored', '');
    write('more/.dockerignore', 'ignored\n.dockerignore\n');
    built(
      `FROM other AS app
COPY --from=more . /copied/
RUN --mount=from=more,target=/mounted cat /mounted/m >/ran
FROM scratch AS more
`,
      ...['--build-context', 'more=more', '--build-context', 'other=docker-image://base', '--target', 'app'],
    );
    expect([read('out/ran'), readdirSync(join(bench.root, 'out/copied'))]).toEqual(['more\n', ['m']]);
  });

  it('begins a stage with the files of a directory that a context names', () => {
    mkdirSync(join(bench.root, 'rootfs/etc'), { recursive: true });
    mkdirSync(join(bench.root, 'nothing'));
    write('rootfs/etc/os', 'mine\n');
    write('rootfs/left-out', '');
    write('rootfs/.dockerignore', 'left-out\n');
    must('cp', '-a', 'base/bin', 'rootfs/bin');
    must('chown', '-R', '1000:1000', 'rootfs/etc');
    built(
      `FROM scratch AS mine
COPY a /never
FROM mine
RUN stat -c %u /etc/os >/owner
FROM void AS empty
COPY --from=1 / /
`.replaceAll('stat -c %u /etc/os', 'ls -n /etc/os'),
      ...['--build-context', 'MINE=rootfs', '--build-context', 'void=nothing'],
    );
    expect(readdirSync(join(bench.root, 'out')).sort()).toEqual(
      ['.dockerignore', 'bin', 'etc', 'owner'].sort(),
    );
    expect([read('out/etc/os'), read('out/owner').split(/ +/)[2]]).toEqual(['mine\n', '0']);
  });

  it('annotates the manifest, and the index of the image', () => {
    const annotations = ['plain=1', `manifest[${HERE}]:a:b=2`, 'index,manifest-descriptor:both=x=3'];
    const given = annotations.flatMap((text) => ['--annotation', text]);
    expect(
      build(
        'FROM scratch\nCOPY a /\n',
        '-t',
        'annotated:1',
        '-o',
        'type=image',
        '--metadata-file',
        'metadata',
        ...given,
      ).code,
    ).toBe(0);
    const blob = (digest: string) =>
      JSON.parse(read(`state/images/blobs/${digest.replace(':', '/')}`)) as Record<string, unknown>;
    const list = JSON.parse(read('state/images/index.json')) as {
      manifests: { digest: string; annotations: Record<string, string> }[];
    };
    const { 'containerimage.digest': digest = '' } = JSON.parse(read('metadata')) as Record<string, string>;
    const found = list.manifests.find((one) => one.digest === digest)!;
    expect(blob(digest)).toMatchObject({ annotations: { plain: '1', 'a:b': '2' } });
    expect(blob(found.annotations['plyfs.image.index']!)).toMatchObject({
      manifests: [{ digest, platform: { os: 'linux' }, annotations: { both: 'x=3' } }],
      annotations: { both: 'x=3' },
    });
    expect(plyfs('image', 'rm', 'annotated:1')).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(join(bench.root, `state/images/blobs/${digest.replace(':', '/')}`))).toBe(false);
  });

  it('shows RUN an agent with keys that are given as files, which ends with the build', async () => {
    mkdirSync(join(bench.root, 'keys'));
    must('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', 'keys/one');
    const text = `FROM base
RUN --mount=type=ssh,id=k,required ls -l $SSH_AUTH_SOCK
`;
    const agents = () => readdirSync(tmpdir()).filter((name) => name.startsWith('plyfs-ssh-'));
    const before = agents();
    const run = build(text, '--ssh', 'k=keys/one');
    expect(run.stderr).toMatch(/^srw.* \/run\/buildkit\/ssh_agent\.k$/m);
    expect(run.code).toBe(0);
    await untilIs(() => agents().length, before.length);
    expect(bench.run('pgrep', '-f', `ssh-agent -a ${tmpdir()}/plyfs-ssh`).stdout).toBe('');
  });

  it('writes files, tars and archives, and what was made', () => {
    write('Dockerfile', 'FROM scratch\nLABEL x=y\nCOPY a /\n');
    const outputs = [
      'type=tar,dest=files.tar',
      'type=oci,dest=oci.tar',
      'type=docker,dest=docker.tar',
      'type=local,dest=deep/out',
    ];
    const options = [
      '--metadata-file',
      'metadata',
      '--iidfile',
      'id',
      '--annotation',
      'k=v',
      '--load',
      '--rm=true',
    ];
    const noise = ['--force-rm', '--provenance=false', '--sbom=false', '--pull=false', '--progress', 'plain'];
    const args = [...outputs.flatMap((output) => ['-o', output]), ...options, ...noise];
    const { code, stdout } = plyfs('build', '-f', 'Dockerfile', '-t', 'archived:1', ...args, 'context');
    expect([code, stdout.trim()]).toEqual([0, read('id')]);
    expect(bench.run('tar', '-tf', 'files.tar').stdout).toBe('./\na\n');
    expect(bench.run('tar', '-xOf', 'docker.tar', 'manifest.json').stdout).toContain(
      '"RepoTags":["archived:1"]',
    );
    expect(bench.run('tar', '-tf', 'oci.tar').stdout).toContain('oci-layout');
    expect(read('deep/out/a')).toBe('a\n');
    const metadata = JSON.parse(read('metadata')) as Record<string, string>;
    expect(metadata).toMatchObject({
      'containerimage.config.digest': read('id'),
      'image.name': 'archived:1',
    });
    const blob = metadata['containerimage.digest']!.replace(':', '/');
    expect(JSON.parse(read(`state/images/blobs/${blob}`))).toMatchObject({ annotations: { k: 'v' } });
    const toPipe = spawnSync(
      process.execPath,
      [cliScript, '--root', 'state', 'build', '-q', '-f', 'Dockerfile', '-o', '-', 'context'],
      { cwd: bench.root, env: bench.env, timeout: 60_000 },
    );
    expect([toPipe.status, toPipe.stdout.toString('latin1', 257, 262)]).toEqual([0, 'ustar']);
  });

  it('gives RUN the network that it asks for, or that the build does', () => {
    built(
      `FROM base
RUN ip -o link >/none
RUN --network=host cat /proc/net/dev >/host
`,
      '--network',
      'none',
    );
    expect(read('out/none')).toMatch(/^1: lo: <LOOPBACK,UP.*\n$/);
    const names = (text: string): string[] =>
      text.split('\n').flatMap((line) => /^ *(\S+):/.exec(line)?.[1] ?? []);
    expect(names(read('out/host')).sort()).toEqual(names(readFileSync('/proc/net/dev', 'utf8')).sort());
  });

  it('builds for another platform what needs no program of it', () => {
    const text =
      'ARG TARGETVARIANT\nFROM scratch\nARG TARGETARCH\nARG TARGETVARIANT\nCOPY a /$TARGETARCH-$TARGETVARIANT\n';
    built(text, '--platform', 'linux/arm/v7', '-t', 'other:1', '-o', 'type=image');
    expect(readdirSync(join(bench.root, 'out'))).toEqual(['arm-v7']);
    const { stdout } = plyfs('image', 'inspect', '--format', '{{.Os}}/{{.Architecture}}', 'other:1');
    expect(stdout).toBe('linux/arm\n');
    expect(build(`${text}RUN x\n`, '--platform', 's390x').stderr).toContain(
      'programs of linux/s390x cannot run on this host',
    );
  });

  it('says what looks wrong, builds nothing with --check, and shows no proxy', () => {
    const text = 'FROM scratch as Stage\nENV OLD form\nARG API_TOKEN\nCMD x\nCMD y\n';
    const checked = build(text, '--check');
    expect([checked.code, checked.stdout]).toEqual([1, 'Check complete, 7 warnings have been found!\n']);
    const rules = [...checked.stderr.matchAll(/^warning: line (\d+): (\w+):/gm)].map(
      ([, line, rule]) => `${line} ${rule}`,
    );
    expect(rules).toEqual([
      '1 StageNameCasing',
      '1 FromAsCasing',
      '2 LegacyKeyValueFormat',
      '3 SecretsUsedInArgOrEnv',
      '4 JSONArgsRecommended',
      '4 MultipleInstructionsDisallowed',
      '5 JSONArgsRecommended',
    ]);
    expect(build(`# check=skip=all\n${text}`, '--check')).toMatchObject({ code: 0, stderr: '' });
    expect(build(`# check=error=true\n${text}`).stderr).toContain('which are errors');
    built(
      'FROM base\nRUN echo $HTTPS_PROXY $https_proxy >/p\n',
      '--build-arg',
      'https_proxy=user:word@p',
      '-t',
      'p:1',
      '-o',
      'type=image',
    );
    expect(read('out/p')).toBe('user:word@p user:word@p\n');
    expect(plyfs('history', '--no-trunc', 'p:1').stdout).not.toContain('word');
  });

  it.each([
    [['--memory', '1g'], '--memory cannot be had'],
    [['--platform', 'linux/amd64,linux/arm64'], 'names several'],
    [['--network', 'bridge'], "the network 'bridge' cannot be had"],
    [['-o', 'type=none,dest=x'], 'is of no known type'],
    [['-o', 'type=tar'], "the output 'type=tar' has no dest"],
    [['--push'], 'an image to push needs a name'],
    [['--ssh', 'x=none'], "the ssh agent 'x': cannot read '/none': no such file"],
    [['--annotation', 'index-descriptor:a=b'], 'cannot be had: no descriptor'],
    [['--annotation', 'manifest[linux/s390x]:a=b'], 'is for linux/s390x, and the build for'],
    [['--add-host', 'x'], "invalid host 'x'"],
  ])('refuses %j', (args, message) => {
    const { code, stderr } = build('FROM scratch\nCOPY a /\n', ...args);
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
  });
});
