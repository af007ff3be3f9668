/**
 * `plyfs image build` from outside: what the images that it makes have in them, and what it says is wrong.
 *
 * The base image has a shell and some programs of this host, with the libraries that they need.
 */

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fillSystem } from '../helpers/images.js';
import { cliScript, type Result, Workbench } from './plyfs-run.js';

let bench: Workbench;
let count = 0;
let context: string;

beforeAll(() => {
  bench = new Workbench('base/etc');
  fillSystem(join(bench.root, 'base'));
  expect(bench.run('tar', '-C', 'base', '-czf', 'base.tar.gz', '.').code).toBe(0);
  expect(
    image('import', '-c', 'CMD ["/old"]', '-c', 'ENV PATH=/bin:/usr/bin BASE=1', 'base.tar.gz', 'base').code,
  ).toBe(0);
});

afterAll(() => bench.dispose());

beforeEach(() => {
  count += 1;
  context = `context-${count}`;
  mkdirSync(join(bench.root, context));
});

function image(...args: string[]): Result {
  return bench.plyfs('image', ...args, '--root', 'state');
}

function file(path: string, content: string, mode = 0o644): void {
  const full = join(bench.root, context, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, content);
  chmodSync(full, mode);
}

function build(dockerfile: string, ...args: string[]): Result {
  file('Dockerfile', dockerfile);
  return image('build', '-t', `built:${count}`, context, ...args);
}

function built(dockerfile: string, ...args: string[]): string {
  const result = build(dockerfile, ...args);
  expect(result.stderr.match(/^plyfs .*/m)?.[0]).toBeUndefined();
  expect(result.code).toBe(0);
  return result.stdout.trim();
}

/** What a command prints in a container of the image. */
function output(...command: string[]): string {
  const args = [
    'run',
    '--root',
    'state',
    '--rm',
    '--entrypoint',
    command[0]!,
    `built:${count}`,
    ...command.slice(1),
  ];
  const { code, stdout, stderr } = bench.plyfs(...args);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

function config(): Record<string, unknown> {
  const { stdout } = image('inspect', '--format', '{{json .Config}}', `built:${count}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe('plyfs image build', () => {
  it('copies from another stage, with WORKDIR, ENTRYPOINT and VOLUME', () => {
    file('src/main', 'main\n', 0o755);
    built(`FROM base AS builder
COPY src/ /src
RUN mkdir /out && cat /src/main >/out/app && echo built >>/out/app
FROM base
WORKDIR /app
ENTRYPOINT ["/bin/cat"]
VOLUME /data
COPY --from=builder /out/ .
CMD ["/app/app"]
`);
    expect(bench.plyfs('run', '--root', 'state', '--rm', `built:${count}`).stdout).toBe('main\nbuilt\n');
    expect(config()).toMatchObject({
      Entrypoint: ['/bin/cat'],
      Cmd: ['/app/app'],
      WorkingDir: '/app',
      Volumes: { '/data': {} },
    });
  });

  it('copies with owner, mode and patterns, without what .dockerignore names', () => {
    file('a.txt', 'a');
    file('b.txt', 'b');
    file('secret.txt', 's');
    file('.dockerignore', 'secret.txt\n');
    built(`FROM base
COPY --chown=app --chmod=600 *.txt /etc/cfg/
COPY a.txt /b.txt /plain/
COPY a.txt /renamed
`);
    expect(output('stat', '-c', '%n %u:%g %a', '/etc/cfg', '/etc/cfg/a.txt', '/etc/cfg/b.txt')).toBe(
      '/etc/cfg 1000:1000 755\n/etc/cfg/a.txt 1000:1000 600\n/etc/cfg/b.txt 1000:1000 600\n',
    );
    expect(output('ls', '/etc/cfg', '/plain')).toBe('/etc/cfg:\na.txt\nb.txt\n\n/plain:\na.txt\nb.txt\n');
    expect(output('stat', '-c', '%u:%g %a', '/plain/a.txt', '/renamed')).toBe('0:0 644\n0:0 644\n');
  });

  it('gives RUN the variables of ARG and ENV, and the image those of ENV alone', () => {
    built(
      `ARG TAG=latest
FROM base:$TAG
ARG VERSION=1
ARG TAG
ENV WHO="you $VERSION" \\
    # a comment
    MORE=x
RUN echo "$WHO $VERSION $TAG $BASE" >/said
`,
      '--build-arg',
      'VERSION=2',
    );
    expect(output('cat', '/said')).toBe('you 2 2 latest 1\n');
    expect(config().Env).toEqual(['PATH=/bin:/usr/bin', 'BASE=1', 'WHO=you 2', 'MORE=x']);
  });

  it('runs as USER, in WORKDIR, with here-documents and another SHELL', () => {
    built(`FROM base
WORKDIR /var/data
RUN <<EOF
echo "$(id -u) $PWD" >/first
EOF
RUN chmod 1777 /tmp
USER app
WORKDIR sub
RUN id -u >/tmp/second
SHELL ["/bin/sh", "-ec"]
COPY <<"raw" <<cooked /
$BASE
raw
$BASE
cooked
`);
    expect(output('cat', '/first', '/tmp/second', '/raw', '/cooked')).toBe('0 /var/data\n1000\n$BASE\n1\n');
    expect(config()).toMatchObject({ User: 'app', WorkingDir: '/var/data/sub', Shell: ['/bin/sh', '-ec'] });
  });

  it('unpacks tars that ADD is given, and copies them with COPY', () => {
    file('in/deep/file', 'packed\n');
    bench.run('tar', '-C', `${context}/in`, '-czf', `${context}/t.tar.gz`, '.');
    built('FROM base\nADD t.tar.gz /unpacked\nCOPY t.tar.gz /kept\n');
    expect(output('cat', '/unpacked/deep/file')).toBe('packed\n');
    expect(output('stat', '-c', '%F', '/kept')).toBe('regular file\n');
    // What is compressed, and no tar, is a file like others.
    file('plain', 'plain\n');
    bench.run('gzip', '-k', `${context}/plain`);
    bench.run('tar', '-C', `${context}/in`, '-cJf', `${context}/t.tar.xz`, '.');
    built('FROM base\nADD plain.gz t.tar.xz /both/\n');
    expect(output('ls', '/both', '/both/deep')).toBe('/both:\ndeep\nplain.gz\n\n/both/deep:\nfile\n');
  });

  it('builds from scratch, only the stages that the target needs', () => {
    file('x', 'x');
    const result = build(
      'FROM base AS broken\nRUN /nothing\nFROM scratch AS small\nCOPY x /\nFROM broken\n',
      '--target',
      'small',
    );
    expect([result.code, result.stderr.includes('broken')]).toEqual([0, false]);
    expect(image('history', '--format', '{{.CreatedBy}}', `built:${count}`).stdout).toBe('COPY x /\n');
  });

  it('takes a step from the cache until its words, files or what is before it change', () => {
    file('a', '1');
    const text = 'FROM base\nCOPY a /\nRUN echo run >/ran\nLABEL x=y\n';
    const first = built(text);
    expect(build(text)).toMatchObject({ code: 0, stdout: `${first}\n` });
    const uses = (result: Result): number => result.stderr.split('Using cache').length - 1;
    expect(uses(build(text))).toBe(2);
    expect(uses(build(text.replace('x=y', 'x=z')))).toBe(2);
    file('a', '2');
    expect(uses(build(text))).toBe(0);
    expect(uses(build(text, '--no-cache'))).toBe(0);
    expect(uses(build(text))).toBe(2);
  });

  it('leaves no container and nothing pending, also when a step fails', () => {
    const failed = build('FROM base\nRUN exit 3\n');
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('plyfs image build: line 2: RUN: the command ended with status 3\n');
    for (const folder of ['containers', 'pending', 'trash']) {
      expect(readdirSync(join(bench.root, 'state', folder))).toEqual([]);
    }
    expect(bench.mounted()).toEqual([]);
  });

  it.each([
    ['FROM none', "line 1: FROM: no such image: 'none', and "],
    ['FROM base\nCOPY none /', "line 2: COPY: 'none' is not in the build context; "],
    ['FROM base\nCOPY ../../etc/passwd /', "line 2: COPY: '../../etc/passwd' is not in the build context"],
    ['FROM base\nCOPY a', 'line 2: COPY: it wants at least one source and a target'],
    [
      'FROM base\nCOPY Dockerfile Dockerfile /x',
      "line 2: COPY: the target '/x' of several sources has to end with a slash",
    ],
    ['FROM base\nCOPY --from=none / /', "line 2: COPY: no such image: 'none'"],
    ['FROM base\nCOPY --from=0 / /', "line 2: COPY: there is no stage '0' before this one"],
    ['FROM base AS own\nCOPY --from=Own / /', "line 2: COPY: there is no stage 'Own' before this one"],
    [
      'FROM base\nRUN --mount=type=bind,from=1,target=/x x\nFROM base\nCOPY --from=0 / /',
      "line 2: RUN: there is no stage '1' before",
    ],
    ['FROM base\nCOPY --chmod=9 Dockerfile /', "line 2: COPY: invalid mode '9'; write it as 755, or as"],
    [
      'FROM base\nRUN --mount=type=none x',
      "line 2: RUN: the mount type 'none' is not supported; there are bind",
    ],
    [
      'FROM base\nRUN --mount=type=ssh,required x',
      "line 2: RUN: there is no ssh agent 'default'; give it by",
    ],
    ['FROM base\nRUN --mount=type=secret,id=q,required x', "line 2: RUN: there is no secret 'q'; give it by"],
    ['FROM UPPER', "line 1: FROM: invalid reference format: 'UPPER': the name must be lowercase"],
    ['FROM base\nRUN ["/none"]', 'line 2: RUN: '],
    [
      'FROM --platform=linux/s390x base',
      "line 1: FROM: the image 'base' is for linux/amd64, not for linux/s390x",
    ],
  ])('says what is wrong with %j', (text, message) => {
    const { code, stderr } = build(text);
    expect(code).toBe(1);
    expect(stderr).toContain(`plyfs image build: `);
    expect(stderr).toContain(message);
  });

  it('shows RUN what its mounts have, and keeps nothing of it', () => {
    file('a', 'of the context\n');
    file('token', 'secret\n');
    const text = `FROM base AS builder
RUN echo built >/x
FROM base
RUN --mount=target=/src --mount=from=builder,target=/from --mount=type=cache,target=/c,mode=0711 \\
  --mount=type=tmpfs,target=/t --mount=type=secret,id=token,env=TOKEN \\
  cat /src/a /from/x; echo $TOKEN >&2; echo kept >>/c/kept; cat /c/kept; touch /t/x /src/x
RUN --mount=type=cache,target=/other,id=/c stat -c %a /other && cat /other/kept
`;
    file('Dockerfile', text.replace('touch /t/x /src/x', 'touch /t/x && ! touch /src/x'));
    const secret = join(context, 'token');
    const { code, stderr } = image(
      'build',
      '-t',
      `built:${count}`,
      context,
      '--secret',
      `id=token,src=${secret}`,
    );
    expect([code, stderr.replaceAll(/^(?:Step| --->).*\n/gm, '')]).toEqual([
      0,
      `of the context
built
secret
kept
touch: cannot touch '/src/x': Read-only file system
711
kept
`,
    ]);
    const sizes = image('history', '--format', '{{.Size}}', `built:${count}`).stdout;
    expect(sizes).toMatch(/^0B\n0B\n[1-9]/);
  });

  it('carries out the triggers of a base image, and records a health check and an author', () => {
    file('a', 'triggered\n');
    built(`FROM base
MAINTAINER Anna
HEALTHCHECK --interval=1m30s --retries=2 CMD cat /ok
ONBUILD COPY --chmod=600 a /a
ONBUILD RUN cat /a >/b
`);
    const first = image('inspect', '--format', '{{.Author}} {{json .Config}}', `built:${count}`).stdout;
    expect(first).toContain('"OnBuild":["COPY --chmod=600 a /a","RUN cat /a >/b"]');
    expect(first).toContain('Anna ');
    expect(first).toContain(
      '"Healthcheck":{"Test":["CMD-SHELL","cat /ok"],"Interval":90000000000,"Retries":2}',
    );
    built(`FROM built:${count}\nRUN cat /b >/c\n`);
    expect(output('cat', '/c')).toBe('triggered\n');
    expect(config()).toMatchObject({ OnBuild: null });
  });

  it('copies what patterns match, also from a stage; nothing for one of several is no error', () => {
    file('p.json', 'p');
    file('d/e/f', 'f');
    built(`FROM base AS builder
COPY p.json lock* d /in/
FROM base
COPY --from=builder /in/* /out/
COPY --parents --link d/e/f d/./e /par/
COPY --exclude=e d p.json /ex/
`);
    expect(output('ls', '/out', '/par', '/par/d/e', '/par/e', '/ex')).toBe(
      '/ex:\np.json\n\n/out:\nf\np.json\n\n/par:\nd\ne\n\n/par/d/e:\nf\n\n/par/e:\nf\n',
    );
  });

  it('does a step again when what a symlink leads to, or a variable in a flag, has changed', () => {
    file('real', '1');
    symlinkSync('real', join(bench.root, context, 'link'));
    const text = 'FROM base\nARG WHO=0\nCOPY --chown=$WHO link /link\n';
    built(text);
    file('real', '2');
    built(text);
    expect(output('cat', '/link')).toBe('2');
    built(text, '--build-arg', 'WHO=7');
    expect(output('stat', '-c', '%u', '/link')).toBe('7\n');
  });

  it('makes the same layers again with SOURCE_DATE_EPOCH', () => {
    file('d/a', 'a');
    const text = 'FROM base\nCOPY d /d\nWORKDIR /w\nRUN echo x >/w/x\nCOPY <<EOF /h\nhere\nEOF\n';
    const args = ['--no-cache', '--build-arg', 'SOURCE_DATE_EPOCH=1000000000'];
    const first = built(text, ...args);
    expect(built(text, ...args)).toBe(first);
    expect(output('stat', '-c', '%Y', '/d/a', '/w', '/w/x', '/h')).toBe('1000000000\n'.repeat(4));
  });

  it('takes the context, or the Dockerfile alone, from standard input', () => {
    file('Dockerfile', 'FROM base\nCOPY a /\n');
    file('a', 'packed');
    const tar = spawnSync('tar', ['-C', join(bench.root, context), '-cz', '.']).stdout;
    const id = join(bench.root, 'id');
    const run = (input: string | Buffer) =>
      spawnSync(
        process.execPath,
        [cliScript, 'image', 'build', '-q', '-t', `built:${count}`, '--iidfile', id, '-', '--root', 'state'],
        { cwd: bench.root, env: bench.env, input, encoding: 'utf8', timeout: 60_000 },
      );
    expect(run(tar)).toMatchObject({ status: 0, stderr: '' });
    expect(output('cat', '/a')).toBe('packed');
    const alone = run('FROM base\nLABEL x=y\n');
    expect(alone).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(id, 'utf8')).toBe(alone.stdout.trim());
    expect(readdirSync(join(bench.root, 'state/pending'))).toEqual([]);
  });

  it('says what is wrong with its arguments', () => {
    expect(image('build', 'missing').stderr).toBe(
      "plyfs image build: the build context 'missing' is no directory\n",
    );
    expect(image('build', context).stderr).toMatch(
      /^plyfs image build: cannot read '.*Dockerfile': there is no such file/,
    );
    file('Dockerfile', 'FROM base\n');
    expect(image('build', '--target', 'x', context).stderr).toContain(
      "there is no stage 'x' in the Dockerfile",
    );
    expect(image('build', '-t', 'UPPER', context).stderr).toContain("invalid reference format: 'UPPER'");
    expect(image('build', '--build-arg', 'NO=1', context).stderr).toContain(
      "the build argument 'NO' is not used",
    );
  });

  it('reads the Dockerfile from standard input', () => {
    const { status, stdout } = spawnSync(
      process.execPath,
      [cliScript, 'image', 'build', '-q', '-f', '-', context, '--root', 'state'],
      { cwd: bench.root, env: bench.env, input: 'FROM base\n', encoding: 'utf8', timeout: 60_000 },
    );
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^sha256:[0-9a-f]{64}\n$/)]);
  });
});
