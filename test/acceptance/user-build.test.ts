/** `image build` by an ordinary user: what he copies is root's in the image, and nobody else's. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fillSystem } from '../helpers/images.js';
import { OrdinaryUser } from './ordinary-user.js';

let user: OrdinaryUser;

beforeAll(() => {
  user = new OrdinaryUser('run');
  mkdirSync(`${user.home}/context`);
  mkdirSync(`${user.root}/system`);
  fillSystem(`${user.root}/system`);
  expect(user.run('tar', '-C', `${user.root}/system`, '-cf', 'base.tar', '.').status).toBe(0);
  expect(user.plyfs('image', 'import', 'base.tar', 'base').status).toBe(0);
  writeFileSync(`${user.home}/context/a`, 'a');
});

afterAll(() => user.dispose());

function build(text: string) {
  writeFileSync(`${user.home}/context/Dockerfile`, text);
  return user.plyfs('image', 'build', '-t', 'built', 'context');
}

it('builds, and the layers are as if root had built them', () => {
  const { status, stderr } = build(
    'FROM base\nCOPY a /\nCOPY --chown=0:0 a /b\nRUN stat -c %u:%g /a && echo >/c\n',
  );
  expect([status, stderr.split('\n').slice(-3)[0]]).toEqual([0, '0:0']);
  expect(user.plyfs('image', 'save', '-o', 'image.tar', 'built').status).toBe(0);
  const script = `mkdir out; tar -C out -xf image.tar
    for blob in out/blobs/sha256/*; do tar -tvzf $blob --numeric-owner; done 2>/dev/null | grep -E ' (a|b|c)$'`;
  const listed = user.run('sh', '-c', script).stdout.trim().split('\n');
  expect(listed.map((line) => line.split(/\s+/)[1])).toEqual(['0/0', '0/0', '0/0']);
  expect(user.mounted()).toEqual([]);
});

it('says what he cannot do', () => {
  expect(build('FROM base\nCOPY --chown=app a /\n').stderr).toContain(
    "plyfs image build: line 2: COPY: files cannot be given to 'app' without privileges; run plyfs as root\n",
  );
  expect(build('FROM base\nUSER app\nRUN id\n').stderr).toContain(
    'line 3: RUN: cannot run as user 1000:1000 without privileges',
  );
});

it('shows RUN a secret, and leaves it nowhere', () => {
  writeFileSync(`${user.home}/token`, 'CANARY-4b1d');
  const buildWith = (mounts: string, run: string) => {
    writeFileSync(`${user.home}/context/Dockerfile`, `FROM base\nRUN ${mounts} ${run}\n`);
    const secrets = ['--secret', 'id=t,src=token', '--secret', 'id=v,env=HOME'];
    return user.plyfs('image', 'build', '-t', 'secret', ...secrets, 'context');
  };
  const { status, stderr } = buildWith(
    '--mount=type=secret,id=t,mode=0440 --mount=type=secret,id=v,env=V',
    'stat -c "%s %a %u:%g" /run/secrets/t && test -n "$V" && cat /run/secrets/t >/dev/null && echo read',
  );
  expect([status, stderr.split('\n').slice(-4, -2)]).toEqual([0, ['11 440 0:0', 'read']]);
  // Whatever its end was.
  expect(buildWith('--mount=type=secret,id=t', 'exit 3').status).toBe(1);
  expect(buildWith('--mount=type=secret,id=t,uid=5', 'true').stderr).toMatch(
    /line 2: RUN: cannot give 'type=secret,id=t,uid=5' to 5:0: /,
  );
  const { stdout } = user.run('sh', '-c', 'grep -rlaD skip CANARY-4b1d data run . 2>/dev/null | sort -u');
  expect(stdout).toBe('./token\n');
  expect(user.mounted()).toEqual([]);
});
