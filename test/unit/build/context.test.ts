/**
 * What COPY finds in a build context, and which variables it may use.
 */

import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BuildContext } from '../../../src/build/context.js';
import { componentMatcher } from '../../../src/build/glob.js';
import { Variables } from '../../../src/build/variables.js';
import { removeTree } from '../../../src/store/remove-tree.js';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'plyfs-context-'));
});

afterEach(() => removeTree(root));

function files(...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), path);
  }
}

describe('BuildContext', () => {
  test('matches names and patterns, sorted', () => {
    files('b.txt', 'a.txt', 'c.md', 'sub/x.txt', 'sub/deep/y.txt');
    const context = new BuildContext(root);
    expect(context.match('./a.txt')).toEqual(['a.txt']);
    expect(context.match('/sub/')).toEqual(['sub']);
    expect(context.match('.')).toEqual(['']);
    expect(context.match('*.txt')).toEqual(['a.txt', 'b.txt']);
    expect(context.match('s*/*.txt')).toEqual(['sub/x.txt']);
    expect(context.match('../a.txt')).toEqual(['a.txt']);
  });

  test('leaves out what .dockerignore says, and keeps its exceptions', () => {
    files('a.log', 'keep.log', 'node_modules/x/y', 'docs/a.md', 'docs/README.md', 'src/a');
    writeFileSync(
      join(root, '.dockerignore'),
      '# logs\n*.log\n!keep.log\nnode_modules\ndocs/*\n!docs/README.md\n',
    );
    const context = new BuildContext(root);
    expect(context.match('*.log')).toEqual(['keep.log']);
    expect(
      ['node_modules', 'node_modules/x/y', 'docs/a.md', 'docs/README.md', 'src/a'].map((path) =>
        context.isIgnored(path),
      ),
    ).toEqual([true, true, true, false, false]);
  });

  test('prefers DOCKERFILE.dockerignore', () => {
    files('a', 'b', 'Dockerfile');
    writeFileSync(join(root, '.dockerignore'), 'a');
    writeFileSync(join(root, 'Dockerfile.dockerignore'), 'b');
    const context = new BuildContext(root, join(root, 'Dockerfile'));
    expect(context.match('*')).toContain('a');
    expect(() => context.match('b')).toThrow("'b' is not in the build context");
  });

  test('says which pattern cannot be read', () => {
    files('a');
    writeFileSync(join(root, '.dockerignore'), 'a\n[b\n');
    expect(() => new BuildContext(root)).toThrow(/invalid pattern '\[b' of '.*\/.dockerignore'/);
  });

  test('refuses what is not there, and symlinks that lead out', () => {
    files('a');
    symlinkSync('/etc/passwd', join(root, 'out'));
    symlinkSync('a', join(root, 'in'));
    const context = new BuildContext(root);
    expect(() => context.match('none')).toThrow("'none' is not in the build context");
    expect(context.match('*.none')).toEqual([]);
    expect(() => context.match('x.none')).toThrow('is not in the build context');
    expect(() => context.match('out')).toThrow("'out' leads out of the build context");
    expect(context.match('in')).toEqual(['in']);
  });
});

describe('componentMatcher()', () => {
  test.each([
    ['*', 'abc', true],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['[a-c]x', 'bx', true],
    ['[^a-c]x', 'bx', false],
    ['[]]', ']', true],
    ['a.c', 'abc', false],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['*(1)+', 'x(1)+', true],
  ])('%s and %s: %s', (pattern, name, matches) => {
    expect(componentMatcher(pattern)(name)).toBe(matches);
  });

  test('refuses a bracket without an end', () => {
    expect(() => componentMatcher('[a')).toThrow("invalid pattern '[a'");
  });
});

describe('Variables', () => {
  const buildArgs = new Map([
    ['V', '2'],
    ['http_proxy', 'p'],
  ]);

  test('takes --build-arg before the default, the default before the global one', () => {
    const used = new Set<string>();
    const variables = new Variables(buildArgs, new Map([['G', 'global']]), used);
    variables.declareArg('V', '1');
    variables.declareArg('D', 'default');
    variables.declareArg('G', undefined);
    variables.declareArg('U', undefined);
    expect(['V', 'D', 'G', 'U', 'X'].map(variables.lookup)).toEqual([
      '2',
      'default',
      'global',
      undefined,
      undefined,
    ]);
    expect(variables.argEnv()).toEqual(['http_proxy=p', 'V=2', 'D=default', 'G=global']);
    expect(variables.cacheableArgs()).toEqual(['V=2', 'D=default', 'G=global']);
    expect([...used].sort()).toEqual(['V', 'http_proxy']);
  });

  test('ENV hides an ARG of its name, and is what the image keeps', () => {
    const variables = new Variables(buildArgs, new Map(), new Set());
    variables.inherit(['PATH=/bin', 'A=old=er']);
    variables.declareArg('V', undefined);
    variables.setEnv('V', 'env');
    variables.setEnv('A', 'new');
    expect(variables.env()).toEqual(['PATH=/bin', 'A=new', 'V=env']);
    expect(variables.lookup('V')).toBe('env');
    expect(variables.argEnv()).toEqual(['http_proxy=p']);
  });
});
