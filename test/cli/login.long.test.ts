/** `plyfs login` and `logout` at Debian's docker-registry; skopeo reads what they keep. */

import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { DockerRegistry } from '../helpers/docker-registry.js';
import { cliScript, type Result, Workbench } from './plyfs-run.js';

let bench: Workbench;
let registry: DockerRegistry;
let config: string;
let count = 0;

beforeAll(async () => {
  bench = new Workbench('bin');
  registry = await DockerRegistry.withPassword(bench.root);
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  bench.dispose();
});
beforeEach(() => {
  const folder = join(bench.root, `docker${count++}`);
  bench.env.DOCKER_CONFIG = folder;
  config = join(folder, 'config.json');
});

const kept = (): unknown => JSON.parse(readFileSync(config, 'utf8'));
const auth = Buffer.from('anna:secret').toString('base64');

/** @param input of the command. */
function withInput(input: string, ...args: string[]): Result {
  const line = `printf '${input}' | ${process.execPath} ${cliScript} ${args.join(' ')}`;
  return bench.run('sh', '-c', line);
}

test('a password that the registry takes is kept as docker keeps it, and goes with logout', () => {
  const { host } = registry;
  const { code, stdout, stderr } = withInput('secret\\n', 'login', '-u', 'anna', '--password-stdin', host);
  expect([code, stdout]).toEqual([0, 'Login Succeeded\n']);
  expect(stderr).toBe(
    `plyfs login: the password is kept unencrypted in '${config.replace(bench.root, '')}'; a credential helper (credsStore) would encrypt it\n`,
  );
  expect(kept()).toEqual({ auths: { [host]: { auth } } });
  expect([statSync(config).mode & 0o777, statSync(join(config, '..')).mode & 0o777]).toEqual([0o600, 0o700]);
  expect(bench.plyfs('login', `http://${host}/v2/`).stdout).toBe(
    'Authenticating with existing credentials...\nLogin Succeeded\n',
  );
  const seen = bench.run('skopeo', 'list-tags', '--tls-verify=false', `docker://${host}/none`);
  expect(seen.stderr).not.toContain('authentication required');
  expect(bench.plyfs('logout', host)).toMatchObject({
    code: 0,
    stdout: `Removing login credentials for ${host}\n`,
  });
  expect(bench.plyfs('logout', host)).toMatchObject({ code: 0, stdout: `Not logged in to ${host}\n` });
  expect(kept()).toEqual({ auths: {} });
});

test('what else stands in the file stays, also behind a symlink', () => {
  mkdirSync(join(config, '..'));
  const real = join(bench.root, 'real.json');
  const other = { auths: { 'other.example': { auth } }, psFormat: 'x', proxies: { default: {} } };
  writeFileSync(real, JSON.stringify(other));
  chmodSync(real, 0o640);
  symlinkSync(real, config);
  expect(bench.plyfs('login', '-u', 'anna', '-p', 'secret', registry.host).code).toBe(0);
  expect(JSON.parse(readFileSync(real, 'utf8'))).toEqual({
    ...other,
    auths: { ...other.auths, [registry.host]: { auth } },
  });
});

test('a helper keeps it where one is named', () => {
  const log = join(bench.root, 'helper.log');
  const helper = join(bench.root, 'bin/docker-credential-test');
  writeFileSync(
    helper,
    `#!/bin/sh
read -r line; echo "$1 $line" >>${log}
case $1 in get) echo '{"Username":"anna","Secret":"secret"}';; esac
`,
  );
  chmodSync(helper, 0o755);
  bench.env.PATH = `${join(bench.root, 'bin')}:${process.env.PATH}`;
  mkdirSync(join(config, '..'));
  writeFileSync(config, '{"credsStore":"test"}');
  const { host } = registry;
  expect(bench.plyfs('login', '-u', 'anna', '-p', 'secret', host).stderr).not.toContain('unencrypted');
  expect(kept()).toEqual({ credsStore: 'test', auths: { [host]: {} } });
  expect(bench.plyfs('login', host).stdout).toContain('existing credentials...\nLogin Succeeded');
  expect(bench.plyfs('logout', host).stdout).toBe(`Removing login credentials for ${host}\n`);
  const secret = JSON.stringify({ ServerURL: host, Username: 'anna', Secret: 'secret' });
  expect(readFileSync(log, 'utf8')).toBe(`store ${secret}\nget ${host}\nerase ${host}\n`);
});

test.each([
  [
    ['-u', 'anna', '-p', 'wrong', 'HOST'],
    /login attempt to http:\/\/HOST\/v2\/ failed with status: 401 Unauthorized$/,
  ],
  [
    ['-u', 'anna', '-p', 'x', '--password-stdin', 'HOST'],
    /conflicting options: cannot specify both --password and --password-stdin$/,
  ],
  [['--password-stdin', 'HOST'], /the --password-stdin option requires --username to be set$/],
  [
    ['HOST'],
    /Cannot perform an interactive login from a non TTY device; use --username, and --password-stdin$/,
  ],
  [['-u', 'anna', '--password-stdin', 'HOST'], /Password Required$/],
  [['-u', 'anna', '-p', 'x', 'a b'], /'a b' is no host of a registry; write HOST/],
  [
    ['-u', 'anna', '-p', 'x', 'localhost:1'],
    /cannot reach the registry 'localhost:1': the connection was refused$/,
  ],
])('login %j is refused in one line, and nothing is kept', (args, message) => {
  const words = args.map((word) => word.replace('HOST', registry.host));
  const { code, stderr } = withInput('', 'login', ...words.map((word) => `'${word}'`));
  expect(code).toBe(1);
  const last = stderr.trimEnd().split('\n').at(-1) ?? '';
  expect(last.replaceAll(registry.host, 'HOST')).toMatch(message);
  expect(() => statSync(config)).toThrow();
});
