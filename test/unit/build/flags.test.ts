/**
 * Flags of instructions: mounts of RUN, options of COPY and ADD, health checks, secrets.
 */

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are Dockerfile variables

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { copyOptions } from '../../../src/build/copy-options.js';
import { type Instruction, parseDockerfile, parseTrigger } from '../../../src/build/dockerfile.js';
import { isGitAddress } from '../../../src/build/fetch-remote.js';
import { healthcheckOf } from '../../../src/build/healthcheck.js';
import { parseRunMount, runMounts } from '../../../src/build/run-options.js';
import { parseSecrets } from '../../../src/build/secrets.js';
import { removeTree } from '../../../src/store/remove-tree.js';

const lookup = (name: string): string | undefined => ({ WHO: 'app', EMPTY: '' })[name];

function instruction(text: string): Instruction {
  const found = parseDockerfile(`FROM x\n${text}\n`, 'Dockerfile').stages[0]?.instructions[0];
  if (found === undefined) throw new Error(`no instruction in '${text}'`);
  return found;
}

describe('runMounts()', () => {
  test('reads keys by all their names, with the defaults of the type', () => {
    const [bind, cache, secret] = runMounts(
      instruction(
        'RUN --mount=dst=/a,src=b,from=$WHO --mount=type=cache,target=/c,sharing=locked,uid=5,mode=0700 --mount=type=secret,id=s,env=S,required --network=host x',
      ),
      lookup,
    );
    expect(bind).toMatchObject({ type: 'bind', target: '/a', source: 'b', from: 'app', readOnly: undefined });
    expect(cache).toMatchObject({ type: 'cache', target: '/c', locked: true, uid: 5, mode: 0o700 });
    expect(secret).toMatchObject({ type: 'secret', id: 's', env: 'S', required: true });
  });

  test.each([
    ['type=ssh', "the mount type 'ssh' is not supported"],
    ['type=cache', "the mount 'type=cache' has no target"],
    ['target=/x,rw', 'is writable, which is not supported'],
    ['target=/x,rw=maybe', "'maybe' is not true or false"],
    ['type=cache,target=/x,sharing=all', "'sharing=all' is not shared, private or locked"],
    ['type=tmpfs,target=/x,uid=1', "'uid' is not supported for a mount of type 'tmpfs'"],
    ['type=cache,target', "'target' of the mount 'type=cache,target' has no value"],
    ['type=secret', "the mount 'type=secret' has no id"],
    ['type=secret,id=a,mode=9', "invalid mode '9'"],
    ['type=cache,target=/x,uid=root', "'root' is no id"],
  ])('refuses %s', (spec, message) => {
    expect(() => parseRunMount(spec)).toThrow(message);
  });

  test.each([
    ['RUN --network=none x', "'--network=none' is not supported: the network is the host's"],
    ['RUN --security=insecure x', "'--security=insecure' is not supported"],
    ['RUN --device=x x', "line 2: RUN: the flag '--device' is not supported"],
  ])('refuses %s', (text, message) => {
    expect(() => runMounts(instruction(text), lookup)).toThrow(message);
  });
});

describe('copyOptions()', () => {
  test('replaces variables, also in what history and cache see', () => {
    expect(
      copyOptions(
        instruction('COPY --link --chown=$WHO --exclude=a --exclude=b --parents=false a /'),
        lookup,
      ),
    ).toEqual({
      from: undefined,
      chown: 'app',
      mode: undefined,
      excludes: ['a', 'b'],
      parents: false,
      checksum: undefined,
      shown: '--link --chown=app --exclude=a --exclude=b --parents=false ',
    });
  });

  test.each([
    ['COPY --from= a /', "the flag '--from' has no value"],
    ['COPY --from=$EMPTY a /', "the flag '--from' has no value"],
    ['COPY --foo=1 a /', "the flag '--foo' is not supported"],
    ['ADD --from=x a /', "the flag '--from' is not supported"],
    ['ADD --checksum=md5:1 a /', "'md5:1' is no sha256 digest"],
    ['COPY --link=no a /', "the flag '--link' is true or false, not 'no'"],
  ])('refuses %s', (text, message) => {
    expect(() => copyOptions(instruction(text), lookup)).toThrow(message);
  });

  test('isGitAddress() knows repositories from files', () => {
    const all = [
      'git@a.b:c.git',
      'https://a.b/c.git',
      'https://a.b/c.git#main',
      'https://a.b/c.tar',
      'a.git',
    ];
    expect(all.filter(isGitAddress)).toEqual(all.slice(0, 3));
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
    removeTree(folder);
  }
});
