/**
 * What COPY finds in a build context, and which variables it may use.
 */

import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BuildContext } from '../../../src/image-build/context/context.js';
import { PathFilter, readIgnoreFile } from '../../../src/image-build/context/path-filter.js';
import { partMatcher } from '../../../src/image-build/context/pattern.js';
import { selectFiles } from '../../../src/image-build/context/select-files.js';
import { matchSources } from '../../../src/image-build/context/source-tree.js';
import { Variables } from '../../../src/image-build/stage/variables.js';
import { deleteTree } from '../../../src/store/delete-tree.js';
import { nameFromText } from '../../../src/vfs/name.js';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'plyfs-context-'));
});

afterEach(() => deleteTree(root));

function files(...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), path);
  }
}

function context(dockerfile?: string): BuildContext {
  return new BuildContext(root, dockerfile);
}

function matches(pattern: string, dockerfile?: string): string[] {
  using opened = context(dockerfile);
  return matchSources(opened.source, pattern);
}

describe('matchSources()', () => {
  test('matches names and patterns, sorted', () => {
    files('b.txt', 'a.txt', 'c.md', 'sub/x.txt', 'sub/deep/y.txt');
    expect(matches('./a.txt')).toEqual(['a.txt']);
    expect(matches('/sub/')).toEqual(['sub']);
    expect(matches('.')).toEqual(['']);
    expect(matches('*.txt')).toEqual(['a.txt', 'b.txt']);
    expect(matches('s*/*.txt')).toEqual(['sub/x.txt']);
    expect(matches('../a.txt')).toEqual(['a.txt']);
    expect(matches('none')).toEqual([]);
    expect(matches('a.txt/x')).toEqual([]);
  });

  test('resolves symlinks inside the context, and follows none that a wildcard matches', () => {
    files('a', 'dir/b.txt');
    symlinkSync('/etc/passwd', join(root, 'out'));
    symlinkSync('/a', join(root, 'in'));
    symlinkSync('dir', join(root, 'linked'));
    expect(['out', 'in', 'linked', 'linked/*', 'link*/*', 'l?nked'].map((one) => matches(one))).toEqual([
      [],
      ['in'],
      ['linked'],
      ['linked/b.txt'],
      [],
      ['linked'],
    ]);
  });

  test('finds names that are no UTF-8', () => {
    const name = Buffer.from('caf\xe9.txt', 'latin1');
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), name]), 'x');
    const [found = ''] = matches('caf?.txt');
    expect(nameFromText(found)).toBe('caf\xe9.txt');
    expect(matches('caf*')).toHaveLength(1);
    using opened = context();
    expect(selectFiles(opened.source, '').includes('caf\xe9.txt')).toBe(true);
  });

  test('leaves out what .dockerignore says, and keeps its exceptions', () => {
    files('a.log', 'keep.log', 'node_modules/x/y', 'docs/a.md', 'docs/README.md', 'src/a');
    const text = '# logs\n*.log\n!keep.log\nnode_modules\ndocs/*\n!docs/README.md\n';
    writeFileSync(join(root, '.dockerignore'), text);
    symlinkSync('a.log', join(root, 'link'));
    expect(matches('*.log')).toEqual(['keep.log']);
    const all = ['node_modules/x/y', 'docs/a.md', 'docs/README.md', 'src/a', 'link'];
    expect(all.flatMap((one) => matches(one))).toEqual(['docs/README.md', 'src/a']);
    using opened = context();
    const { includes, leavesOut } = selectFiles(opened.source, '');
    expect(['docs', 'docs/a.md', 'docs/README.md', 'node_modules', 'keep.log'].filter(includes)).toEqual([
      'docs',
      'docs/README.md',
      'keep.log',
    ]);
    expect(leavesOut).toBe(true);
  });

  test('prefers DOCKERFILE.dockerignore', () => {
    files('a', 'b', 'Dockerfile');
    writeFileSync(join(root, '.dockerignore'), 'a');
    writeFileSync(join(root, 'Dockerfile.dockerignore'), 'b');
    const dockerfile = join(root, 'Dockerfile');
    expect(matches('*', dockerfile)).toContain('a');
    expect(matches('b', dockerfile)).toEqual([]);
  });

  test('says which pattern cannot be read', () => {
    files('a');
    writeFileSync(join(root, '.dockerignore'), 'a\n[b\n');
    expect(() => context()).toThrow(/\/\.dockerignore: invalid pattern '\[b': a bracket has no end/);
  });
});

describe('PathFilter', () => {
  // Pattern, path, whether it matches: moby/patternmatcher's answers.
  test.each([
    ['**', 'file', true],
    ['**/', 'dir/file', true],
    ['**/**', 'dir/file', true],
    ['dir/**', 'dir', false],
    ['dir/**', 'dir/file', true],
    ['**/dir', 'dir', true],
    ['**/dir', 'a/b/dir', true],
    ['**/dir', 'a/xdir', false],
    ['**dir', 'a/xdir', true],
    ['**/dir/two.txt', 'dir2/dir/two.txt', true],
    ['**/dir2/*', 'dir/dir2/file', true],
    ['**/dir2/**', 'dir/dir2/dir2/file', true],
    ['**file', 'dir/file.txt', false],
    ['**/file*txt', 'dir/dir/file.txt', true],
    ['**/*.txt', 'file.txt', true],
    ['**/**/*.txt2', 'dir/dir/file.txt', false],
    ['a**/*.txt', 'a/file/dir/file.txt', true],
    ['abc.def', 'abcdef', false],
    ['abc?def', 'abc/def', false],
    ['a\\\\', 'a\\', true],
    ['a\\*b', 'a*b', true],
    ['[a-c]', 'b', true],
    ['[^a]', 'b', true],
    ['[!a]', 'b', false],
    ['dir', 'dir/below/it', true],
    ['Dir', 'dir', false],
    ['*.TXT', 'a.txt', false],
    ['./dir/../x/', 'x', true],
    ['/x', 'x', false],
    ['é?', 'éé', true],
    ['a(b)+', 'a(b)+', true],
  ])('%s and %s: %s', (pattern, path, isMatch) => {
    expect(new PathFilter([pattern]).matches(path)).toBe(isMatch);
  });

  test.each([
    [
      ['*', '!keep'],
      ['keep', 'keep/x'],
      ['other', 'other/keep'],
    ],
    [
      ['dir', '!dir/keep', 'dir/keep/not'],
      ['dir/keep', 'dir/keep/x'],
      ['dir', 'dir/keep/not', 'dir/x'],
    ],
    [['!a', 'a'], [], ['a', 'a/b']],
    [['a', '!a', 'a/b'], ['a', 'a/c'], ['a/b']],
    [
      ['**/*.md', '!README*.md', 'README-secret.md'],
      ['README.md'],
      ['a.md', 'docs/README.md', 'README-secret.md'],
    ],
  ])('%j: the last that matches decides', (patterns, kept, gone) => {
    const filter = new PathFilter(patterns);
    expect([...kept, ...gone].filter((path) => filter.matches(path))).toEqual(gone);
  });

  test.each(['[', 'a[', '[]a]', '[-a]', '[a-]', 'a\\', '!'])('refuses %s', (pattern) => {
    expect(() => new PathFilter([pattern])).toThrow(`invalid pattern '${pattern}'`);
  });

  test('.dockerignore has comments, blanks, slashes at both ends, a byte order mark and any ends of lines', () => {
    const text = '\uFEFF#c\n #no comment\r\n\n  /a/ \n! /b/c/\n./d//e\n/\n';
    expect(readIgnoreFile(text)).toEqual(['#no comment', 'a', '!b/c', 'd/e', '/']);
  });
});

describe('partMatcher()', () => {
  test.each([
    ['*', 'abc', true],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['[a-c]x', 'bx', true],
    ['[^a-c]x', 'bx', false],
    ['[\\]]', ']', true],
    ['[c-a]', 'b', false],
    ['arr[[]0].txt', 'arr[0].txt', true],
    ['a.c', 'abc', false],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['*(1)+', 'x(1)+', true],
    ['**', 'abc', true],
  ])('%s and %s: %s', (pattern, name, isMatch) => {
    expect(partMatcher(pattern)(name)).toBe(isMatch);
  });

  test('refuses a bracket without an end', () => {
    expect(() => partMatcher('[a')).toThrow("invalid pattern '[a'");
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
    variables.declareArg('V', () => '1');
    variables.declareArg('D', () => 'default');
    variables.declareArg('G', undefined);
    variables.declareArg('U', undefined);
    expect(['V', 'D', 'G', 'U', 'X'].map(variables.lookup)).toEqual([
      '2',
      'default',
      'global',
      undefined,
      undefined,
    ]);
    expect(variables.argEnv()).toEqual(['http_proxy=p', 'HTTP_PROXY=p', 'V=2', 'D=default', 'G=global']);
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
    expect(variables.argEnv()).toEqual(['http_proxy=p', 'HTTP_PROXY=p']);
  });

  test('a stage that is built upon another has its ARGs, and changes none of them there', () => {
    const first = new Variables(buildArgs, new Map(), new Set());
    first.declareArg('A', () => '1');
    const second = first.successor();
    second.declareArg('A', () => '2');
    second.setEnv('B', 'x');
    expect([first.lookup('A'), second.lookup('A'), first.lookup('B')]).toEqual(['1', '2', undefined]);
  });

  test('a default that is not needed is not looked at', () => {
    const variables = new Variables(buildArgs, new Map(), new Set());
    variables.declareArg('V', () => expect.fail());
    expect(variables.lookup('V')).toBe('2');
  });
});
