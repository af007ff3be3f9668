/** Completion and man pages follow from the commands as `--help` shows them. */

import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { completeWords, shownCommands } from '../../../src/cli/help/complete-words.js';
import { completionScript, SHELLS } from '../../../src/cli/help/completion-scripts.js';
import { manPages } from '../../../src/cli/help/man-page.js';
import { buildProgram } from '../../../src/cli/program.js';

const program = await buildProgram();
const words = (...typed: string[]) => completeWords(program, typed).words;
const kinds = (...typed: string[]) => completeWords(program, typed).kinds;

describe('completeWords()', () => {
  it('knows commands, options and choices', () => {
    expect(words('vol')).toEqual(['volume']);
    expect(words('volume', 'in')).toEqual(['inspect']);
    expect(words('image', 'list', '--dig')).toEqual(['--digests']);
    expect(words('mount', '--engine', '')).toEqual(['kernel', 'fuse-native']);
    expect(words('completion', '')).toEqual([...SHELLS]);
    expect(words('')).not.toContain('complete');
  });

  it.each([
    [['rm', ''], ['container']],
    [['container', 'logs', '-f', ''], ['container']],
    [['run', '--name', 'x', '-v', 'a:/b', 'deb'], ['image']],
    [['run', '--volumes-from', ''], ['container']],
    [['volume', 'rm', 'a', 'b', ''], ['volume']],
    [['umount', ''], ['mount']],
    [
      ['inspect', ''],
      ['mount', 'container', 'image', 'volume'],
    ],
    [['discard', ''], ['draft']],
    [['snapshot', 'restore', 'web', ''], ['snapshot']],
    [['snapshot', 'create', 'web', ''], []],
    [
      ['snapshot', 'ls', ''],
      ['container', 'volume', 'draft'],
    ],
    [
      ['ui', ''],
      ['image', 'container', 'volume'],
    ],
    [['mount', '-l', 'base', ''], []],
    [['volume', 'create', ''], []],
  ])('%j ends with a name of %j', (typed, wanted) => {
    expect(kinds(...typed)).toEqual(wanted);
  });

  it('tells whose snapshots are meant', () => {
    expect(completeWords(program, ['snapshot', 'rm', '--debug', 'web', 's'])).toEqual({
      words: [],
      kinds: ['snapshot'],
      before: ['web'],
    });
  });

  it('offers nothing of its own where another program has its options, or a value is free', () => {
    expect(words('run', 'debian', 'ls', '--')).toEqual([]);
    expect(words('exec', 'web', '-')).toEqual([]);
    expect(words('mount', '--upper', '')).toEqual([]);
    expect(words('nothing', '')).toEqual([]);
  });
});

it.each(SHELLS)('the script for %s has no mistake that its shell would find', (shell) => {
  const script = completionScript(shell);
  expect(script).toContain('plyfs complete -- ');
  const path = join(tmpdir(), `plyfs-completion-${process.pid}.${shell}`);
  writeFileSync(path, script);
  const { status, stderr, error } = spawnSync(shell, ['-n', path], { encoding: 'utf8' });
  rmSync(path);
  // Where the shell is not installed its grammar cannot be asked.
  expect(error === undefined ? [status, stderr] : [0, '']).toEqual([0, '']);
});

it('each command that help lists has a man page with its options and examples', () => {
  const pages = new Map(manPages(program, '1.2.3').map(({ file, text }) => [file, text]));
  const walk = (command: Command, name: string): void => {
    const text = pages.get(`${name}.1`) ?? '';
    expect([name, text.split('\n')[0]]).toEqual([name, expect.stringContaining('1 "" "plyfs 1.2.3"')]);
    for (const { long } of command.createHelp().visibleOptions(command))
      expect(text).toContain((long ?? '').replaceAll('-', '\\-'));
    expect(text).toMatch(/^\.SH (EXAMPLES|COMMANDS)$/m);
    // A line that begins with a dot or an apostrophe is a request.
    const requests = text.match(/^[.'].*$/gm) ?? [];
    expect(requests.filter((line) => !/^\.(?:TH|SH|B|BR|TP|PP|nf|fi)\b/.test(line))).toEqual([]);
    for (const one of shownCommands(command)) walk(one, `${name}-${one.name()}`);
  };
  walk(program, 'plyfs');
  expect(pages.has('plyfs-complete.1')).toBe(false);
});
