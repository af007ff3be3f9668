/** The rule of `npm run check` on dependencies holds for ours, and fails for each way to leave it. */

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { dependencyFindings } from '../../../scripts/check/lock-file.js';
import { projectRoot } from '../../helpers/project-paths.js';

const read = (path: string) => ({ path, text: readFileSync(`${projectRoot}/${path}`, 'utf8') });
const SHA = `sha512-${'A'.repeat(86)}==`;

const messages = (path: string, value: object | string) =>
  dependencyFindings([{ path, text: typeof value === 'string' ? value : JSON.stringify(value) }]).map(
    ({ message }) => message,
  );
const locked = (one: object) =>
  messages('package-lock.json', { packages: { '': {}, 'node_modules/a': one } });

it('holds for what plyfs has', () => {
  const files = ['package.json', 'package-lock.json', 'scripts/setup.mjs', '.ci/run'].map(read);
  expect(dependencyFindings(files)).toEqual([]);
});

it.each([
  ['scripts/setup.mjs', "const args = ['ci', '--no-audit'];"],
  ['.ci/run', 'npm ci --no-audit || fail_early'],
])('wants %s to keep install scripts from running', (path, text) => {
  const message = 'install scripts of packages run: --ignore-scripts is missing';
  expect(messages(path, text)).toEqual([message]);
  expect(
    messages(
      path,
      text.replace(/(, )?'?--no-audit'?/, (all) => all.replace('no-audit', 'ignore-scripts')),
    ),
  ).toEqual([]);
});

it.each([
  ['^1.0.0'],
  ['*'],
  ['latest'],
  ['git+ssh://x'],
  ['file:../a'],
])('refuses the version %s in package.json', (version) => {
  expect(messages('package.json', { devDependencies: { a: version } })).toEqual([
    `a: '${version}' is no exact version`,
  ]);
});

it('refuses a script that would run where plyfs is installed', () => {
  expect(messages('package.json', { scripts: { postinstall: 'x', test: 'y' } })).toEqual([
    "the script 'postinstall' would run where plyfs is installed",
  ]);
});

it.each<[string, object, string[]]>([
  ['nothing wrong', { version: '1.2.3', integrity: SHA }, []],
  ['no digest', { version: '1.2.3' }, ['node_modules/a: no SHA-512']],
  ['SHA-1 alone', { version: '1.2.3', integrity: 'sha1-x' }, ['node_modules/a: no SHA-512']],
  [
    'git',
    { version: '1.2.3', integrity: SHA, resolved: 'git+ssh://git@host/a' },
    ["node_modules/a: comes from 'git+ssh://git@host/a'"],
  ],
  [
    'http',
    { version: '1.2.3', integrity: SHA, resolved: 'http://host/a.tgz' },
    ["node_modules/a: comes from 'http://host/a.tgz'"],
  ],
  [
    'a link',
    { version: '1.2.3', integrity: SHA, link: true },
    ['node_modules/a: a link into another folder'],
  ],
])('reads the lock file: %s', (_, one, expected) => {
  expect(locked(one)).toEqual(expected);
});
