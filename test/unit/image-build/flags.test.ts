/**
 * Flags of instructions: mounts of RUN, options of COPY and ADD, health checks, secrets.
 */

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are Dockerfile variables

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { type Instruction, parseDockerfile, parseTrigger } from '../../../src/dockerfile/dockerfile.js';
import { healthcheckOf } from '../../../src/image/add/healthcheck-instruction.js';
import { parseGitAddress } from '../../../src/image-build/context/git-address.js';
import { parseFileMode } from '../../../src/image-build/stage/file-mode.js';
import { copyOptions } from '../../../src/image-build/steps/copy/copy-options.js';
import { parseRunMount, runOptions } from '../../../src/image-build/steps/run/run-options.js';
import { parseSecrets } from '../../../src/image-build/steps/run/secrets.js';
import { S_IFDIR, S_IFREG } from '../../../src/linux/constants.js';
import { deleteTree } from '../../../src/store/delete-tree.js';

const lookup = (name: string): string | undefined => ({ WHO: 'app', EMPTY: '' })[name];

function instruction(text: string): Instruction {
  const found = parseDockerfile(`FROM x\n${text}\n`, 'Dockerfile').stages[0]?.instructions[0];
  if (found === undefined) throw new Error(`no instruction in '${text}'`);
  return found;
}

describe('runOptions()', () => {
  test('reads keys by all their names, with the defaults of the type', () => {
    const { mounts, network } = runOptions(
      instruction(
        'RUN --mount=dst=/a,src=b,from=$WHO --mount=type=CACHE,sharing=locked,uid=5,mode=0700,from=x,source=y --mount=type=secret,id=s,env=S,required --network=none x',
      ),
      lookup,
    );
    expect(mounts).toMatchObject([
      { type: 'bind', target: '/a', source: 'b', from: 'app', readOnly: undefined },
      { type: 'cache', target: undefined, sharing: 'locked', uid: 5, mode: 0o700, from: 'x', source: 'y' },
      { type: 'secret', id: 's', env: 'S', required: true },
    ]);
    expect(network).toBe('none');
  });

  test('takes quoted mounts, and variables that hold a comma', () => {
    const text = `RUN --mount=type=bind,source=a\\ b,rw --mount='type=tmpfs,target=/t,size=1m' x`;
    expect(runOptions(instruction(text), lookup).mounts).toMatchObject([
      { source: 'a b', target: undefined, readOnly: false },
      { type: 'tmpfs', target: '/t', sizeBytes: 1 << 20 },
    ]);
    expect(parseRunMount('target=$X,ro', () => 'a,b')).toMatchObject({ target: 'a,b', readOnly: true });
  });

  test.each([
    ['type=none,target=/x', "the mount type 'none' is not supported; there are bind, cache"],
    ['target=/x,rw=maybe', "'maybe' is not true or false"],
    ['type=cache,target=/x,sharing=all', "'sharing=all' is not shared, private or locked"],
    ['type=tmpfs,target=/x,uid=1', "'uid' is not supported for a mount of type 'tmpfs'"],
    ['type=cache,target', "'target' of the mount 'type=cache,target' has no value"],
    ['type=secret', "the mount 'type=secret' has no id"],
    ['type=secret,id=a,mode=9', "invalid mode '9'"],
    ['type=secret,id=a,source=b', 'has an id and a source'],
    ['type=cache,target=/x,uid=root', "'root' is no id"],
  ])('refuses %s', (spec, message) => {
    expect(() => parseRunMount(spec)).toThrow(message.split(';')[0]!);
  });

  test.each([
    ['RUN --network=other x', "line 2: RUN: 'other' is not default, none or host"],
    ['RUN --security=none x', "line 2: RUN: 'none' is not sandbox or insecure"],
    ['RUN --device=x x', "line 2: RUN: '--device' cannot be had: RUN has the devices of a container alone"],
    ['RUN --frob=x x', "line 2: RUN: the flag '--frob' is not supported"],
  ])('refuses %s', (text, message) => {
    expect(() => runOptions(instruction(text), lookup)).toThrow(message);
  });
});

describe('copyOptions()', () => {
  test('replaces variables, also in what history and cache see', () => {
    expect(
      copyOptions(
        instruction('COPY --link --chown=$WHO --exclude=a --exclude=b --parents=false a /'),
        lookup,
      ),
    ).toMatchObject({
      from: undefined,
      chown: 'app',
      mode: undefined,
      excludes: ['a', 'b'],
      parents: false,
      checksum: undefined,
      unpack: undefined,
      shown: '--link --chown=app --exclude=a --exclude=b --parents=false ',
    });
  });

  test.each([
    ['COPY --from= a /', "the flag '--from' has no value"],
    ['COPY --from=$EMPTY a /', "the flag '--from' has no value"],
    ['COPY --foo=1 a /', "the flag '--foo' is not supported"],
    ['ADD --from=x a /', "the flag '--from' is not supported"],
    ['COPY --chmod=9 a /', "invalid mode '9'"],
    ['COPY --chmod=u=z a /', "invalid mode 'u=z'"],
    ['COPY --link=no a /', "the flag '--link' is true or false, not 'no'"],
  ])('refuses %s', (text, message) => {
    expect(() => copyOptions(instruction(text), lookup)).toThrow(message);
  });

  test.each([
    ['755', 0o600, S_IFREG, 0o755],
    ['04755', 0o600, S_IFREG, 0o4755],
    ['u=rwX,go=rX', 0o600, S_IFREG, 0o644],
    ['u=rwX,go=rX', 0o700, S_IFREG, 0o755],
    ['u=rwX,go=rX', 0o600, S_IFDIR, 0o755],
    ['+x', 0o644, S_IFREG, 0o755],
    ['a-w,u+w', 0o666, S_IFREG, 0o644],
    ['g=u', 0o640, S_IFREG, 0o660],
    ['u+s,+t', 0o755, S_IFREG, 0o5755],
    ['o=', 0o777, S_IFREG, 0o770],
  ])('--chmod=%s makes of %o (type %o) %o', (text, mode, type, made) => {
    expect(parseFileMode(text)(mode, type).toString(8)).toBe(made.toString(8));
  });
});

describe('parseGitAddress()', () => {
  test.each([
    ['git@a.b:c.git', { remote: 'git@a.b:c.git', ref: undefined, directory: '' }],
    ['https://a.b/c.git#main', { remote: 'https://a.b/c.git', ref: 'main', directory: '' }],
    ['https://a.b/c.git#v1:sub/../dir/', { remote: 'https://a.b/c.git', ref: 'v1', directory: 'dir' }],
    ['git://a/b#:../..', { remote: 'git://a/b', ref: undefined, directory: '' }],
    [
      'https://a.b/c.git?tag=v1&subdir=x&keep-git-dir=true&submodules=false&checksum=ab',
      { ref: 'refs/tags/v1', directory: 'x', keepsGitDirectory: true, submodules: false, checksum: 'ab' },
    ],
  ])('reads %s', (text, found) => {
    expect(parseGitAddress(text)).toMatchObject(found);
  });

  test.each([
    'https://a.b/c.tar',
    'a.git',
    './git@x:y',
    'dir/git@x:y',
    'file:///x.git',
  ])('%s is none', (text) => {
    expect(parseGitAddress(text)).toBeUndefined();
  });

  test('refuses what git would take for an option', () => {
    expect(() => parseGitAddress('git://a/b#--upload-pack=x')).toThrow("'--upload-pack=x' is no name");
    expect(() => parseGitAddress('git://a/b?other=x')).toThrow("'other' of the address 'git://a/b?other=x'");
  });
});

describe('healthcheckOf()', () => {
  test('reads commands, and durations as Go writes them', () => {
    const { flags, text } = instruction('HEALTHCHECK --timeout=1.5s --start-period=100ms CMD ["a", "b"]');
    expect(healthcheckOf(flags, text)).toEqual({ Test: ['CMD', 'a', 'b'], Timeout: 1.5e9, StartPeriod: 1e8 });
    expect(healthcheckOf([], 'none')).toEqual({ Test: ['NONE'] });
  });

  test.each([
    ['HEALTHCHECK --interval=5 CMD x', "'5' is no duration"],
    ['HEALTHCHECK --every=5s CMD x', "the flag '--every=5s' means nothing"],
    ['HEALTHCHECK --retries=1 NONE', 'NONE stands alone'],
    ['HEALTHCHECK CMD', "'CMD' is no check"],
  ])('refuses %s', (line, message) => {
    const { flags, text } = instruction(line);
    expect(() => healthcheckOf(flags, text)).toThrow(message);
  });
});

test.each(['FROM x', 'ONBUILD RUN x', 'MAINTAINER x', 'NONE x', ''])('ONBUILD may not have %j', (text) => {
  expect(() => parseTrigger(text, instruction('ONBUILD RUN x'))).toThrow(
    'is no instruction that ONBUILD may have',
  );
});

test('secrets come from files and variables', () => {
  const folder = mkdtempSync(join(tmpdir(), 'plyfs-secrets-'));
  vi.stubEnv('PLYFS_TEST_SECRET', 'v');
  try {
    writeFileSync(join(folder, 'a,b'), 'f');
    const found = parseSecrets([
      `id=one,"src=${folder}/a,b"`,
      'id=two,env=PLYFS_TEST_SECRET',
      'id=PLYFS_TEST_SECRET',
    ]);
    expect([...found].map(([id, content]) => [id, content.toString()])).toEqual([
      ['one', 'f'],
      ['two', 'v'],
      ['PLYFS_TEST_SECRET', 'v'],
    ]);
    expect(() => parseSecrets(['src=x'])).toThrow("invalid secret 'src=x'");
    expect(() => parseSecrets([`id=x,src=${folder}/none`])).toThrow('cannot read the secret');
    expect(() => parseSecrets(['id=x,env=PLYFS_NO_SUCH'])).toThrow("there is no variable 'PLYFS_NO_SUCH'");
  } finally {
    vi.unstubAllEnvs();
    deleteTree(folder);
  }
});
