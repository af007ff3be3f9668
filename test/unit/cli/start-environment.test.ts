import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { restoreEnvironment } from '../../../src/cli/frame/start-environment.js';
import { distPath } from '../../helpers/project-paths.js';

const BUSYBOX = '/bin/busybox';
const directory = mkdtempSync(join(tmpdir(), "plyfs start's-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** The lines with which a program begins, before a script that tells what it was given. */
function begun(program: string): string {
  const lines = readFileSync(distPath(program), 'utf8').split('\n');
  const first = lines.slice(
    0,
    lines.findIndex((line) => !/^#!|^':' /.test(line)),
  );
  const file = join(directory, 'program.js');
  const script = 'process.stdout.write(JSON.stringify([process.argv.slice(2), process.env]));';
  writeFileSync(file, [...first, script].join('\n'), { mode: 0o755 });
  return file;
}

/** A PATH on which busybox stands for all but Node, as on Alpine. */
function busyboxPath(): string {
  const bin = join(directory, 'bin');
  mkdirSync(bin, { recursive: true });
  for (const name of ['sh', 'env', 'grep', 'base64']) {
    rmSync(join(bin, name), { force: true });
    symlinkSync(BUSYBOX, join(bin, name));
  }
  rmSync(join(bin, 'node'), { force: true });
  symlinkSync(process.execPath, join(bin, 'node'));
  return bin;
}

const GIVEN = {
  NODE_EXTRA_CA_CERTS: '/no/such file',
  'a.b': 'x=1\n"2"',
  '9': 'nine',
  'BASH_FUNC_f%%': '() {\n :\n}',
  PLAIN: ' $x ',
};
/** How the kernel or a user starts it; busybox is not on every machine. */
const SHELLS: [string, string[], string | undefined][] = [
  ['by its first line', [], process.env.PATH],
  ['by bash', ['/bin/bash'], process.env.PATH],
];
if (existsSync(BUSYBOX)) SHELLS.push(['by the shell of busybox', [BUSYBOX, 'sh'], busyboxPath()]);
const ARGS = ['run', '--env-file=/no/such', '-e', "a b'c", '', '*'];

describe.each(['bin/main.js', 'bin/plyfs-overlay.js'])('%s', (program) => {
  test.each(
    SHELLS,
  )('begins %s without the certificates that Node would parse, with all else', (_, shell, PATH) => {
    const [command = '', ...args] = [...shell, begun(program), ...ARGS];
    const env = { ...GIVEN, PATH };
    const { stdout, stderr } = spawnSync(command, args, { env, cwd: directory, encoding: 'utf8' });
    expect(stderr).toBe('');
    const [seen, environment] = JSON.parse(stdout) as [string[], NodeJS.ProcessEnv];
    expect(seen).toEqual(ARGS);
    expect(environment).not.toHaveProperty('NODE_EXTRA_CA_CERTS');
    restoreEnvironment(environment);
    // Shells add some of these themselves.
    for (const name of ['PWD', 'SHLVL', '_', 'OLDPWD']) delete environment[name];
    expect(environment).toEqual(env);
  });
});

test('who had no such variables has none afterwards', () => {
  const none: NodeJS.ProcessEnv = { PLYFS_EXTRA_CA_CERTS: '' };
  restoreEnvironment(none);
  expect(none).toEqual({});
});
