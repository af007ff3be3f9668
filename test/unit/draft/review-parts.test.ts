/** The parts of a review that need no draft: globs, what deserves attention, kinds of content, hunks. */

import { describe, expect, test } from 'vitest';
import { attentionOf } from '../../../src/draft/changes/attention.js';
import type { Side } from '../../../src/draft/changes/beneath-tree.js';
import type { Change } from '../../../src/draft/changes/change.js';
import { kindOf } from '../../../src/draft/changes/content-kind.js';
import { selectorOf } from '../../../src/draft/changes/select-changes.js';
import { hunksOf, withHunks } from '../../../src/draft/changes/text-hunks.js';

const S_IFREG = 0o100000;

function change(path: string, mode = 0o644, type = S_IFREG): Change {
  const side = { type, mode: type | mode } as Side;
  const area = { id: '0', path: '/' };
  const common = { area, facets: [], host: undefined, base: undefined, isMetadata: false };
  return { ...common, kind: 'added', path, hostPath: path, draft: side };
}

describe('which changes are meant', () => {
  test.each([
    ['/etc', 'etc/passwd', true],
    ['/etc/', 'etc/passwd', true],
    ['/et', 'etc/passwd', false],
    ['*.md', 'home/me/docs/a.md', true],
    ['*.md', 'home/me/a.mdx', false],
    ['src/*.ts', 'home/me/src/a.ts', true],
    ['src/*.ts', 'home/me/src/deep/a.ts', false],
    ['src/**/*.ts', 'home/me/src/deep/a.ts', true],
    ['./a', 'home/me/a', true],
    ['../you', 'home/you/x', true],
    ['[ab]?', 'opt/b1', true],
    ['[!ab]?', 'opt/b1', false],
    ['/opt/a.b', 'opt/axb', false],
    ['/opt/(x)', 'opt/(x)', true],
  ])('%s means %s: %s', (text, path, isMeant) => {
    expect(selectorOf([text], '/home/me')(change(path))).toBe(isMeant);
  });
});

test.each([
  ['work/.git/hooks/pre-commit', ['git hook', 'hidden'], ['hooks']],
  ['etc/cron.d/x', ['cron'], ['hooks']],
  ['etc/systemd/system/a.service', ['unit'], ['hooks']],
  ['root/.bashrc', ['shell start', 'hidden'], ['hooks']],
  ['etc/profile.d/x.sh', ['shell start'], ['hooks']],
  ['etc/sudoers.d/x', ['rights'], ['hooks']],
  ['home/me/.ssh/authorized_keys', ['ssh', 'hidden'], ['hooks']],
  ['home/me/notes/cron.txt', [], []],
])('attention at %s', (path, marks, permits) => {
  expect(attentionOf(change(path))).toEqual({ marks, permits });
});

test('rights and devices deserve attention by themselves', () => {
  expect(attentionOf(change('bin/x', 0o6755))).toEqual({ marks: ['setuid', 'setgid'], permits: ['setuid'] });
  expect(attentionOf(change('bin/x'), ['security.capability']).permits).toEqual(['setuid']);
  expect(attentionOf(change('dev', 0o644, 0o060000)).permits).toEqual(['devices']);
});

test.each([
  ['\x7fELF\x02', 'ELF program'],
  ['\x89PNG\r\n', 'PNG image'],
  ['a\0b', 'data'],
  ['plain\n', 'text'],
])('the content %j is %s', (bytes, kind) => {
  const head = Buffer.from(bytes, 'latin1');
  expect(kindOf(head, head.length)).toBe(kind);
});

test('some hunks of a text are applied, the others are not', () => {
  const before = Array.from({ length: 30 }, (_, index) => `${index}\n`).join('');
  const after = before.replace('3\n', 'three\n').replace('25\n', 'more\n25\n');
  const hunks = hunksOf(before, after)!;
  expect(hunks.length).toBe(2);
  expect(withHunks(before, hunks)).toBe(after);
  expect(withHunks(before, hunks.slice(1))).toBe(before.replace('25\n', 'more\n25\n'));
  expect(withHunks('something else\n', hunks)).toBeUndefined();
  const crlf = 'a\r\nb\r\n';
  expect(withHunks(crlf, hunksOf(crlf, 'a\r\nc')!)).toBe('a\r\nc');
});
