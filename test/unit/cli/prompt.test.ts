/** What somebody sees who mistypes a command, or has a narrow terminal. */

import { describe, expect, it } from 'vitest';
import { similarNames } from '../../../src/cli/frame/similar-names.js';
import { wrapHelp } from '../../../src/cli/frame/wrap-help.js';
import { buildProgram } from '../../../src/cli/program.js';
import { stateRoot } from '../../../src/store/layout.js';

describe('similarNames()', () => {
  const names = ['mount', 'umount', 'mounts', 'ps', 'volume', 'run', 'rm', 'rmi'];

  it.each([
    ['muont', ['mount']],
    ['voulme', ['volume']],
    ['mont', ['mount']],
    ['rnu', ['run']],
    ['unmount', ['umount']],
    ['xyz', []],
    ['p', []],
    ['', []],
  ])('of %j offers %j', (word, meant) => {
    expect(similarNames(word, names)).toEqual(meant);
  });
});

describe('wrapHelp()', () => {
  const text = [
    'A paragraph of some words that is written in',
    'two lines.',
    '',
    '  entry      its text, which is longer than the line',
    'Examples:',
    '  plyfs an example that is longer than the line is',
  ];

  it('fills paragraphs and entries, and leaves examples as they are', () => {
    expect(wrapHelp(text.join('\n'), 40).split('\n')).toEqual([
      'A paragraph of some words that is',
      'written in two lines.',
      '',
      '  entry      its text, which is longer',
      '             than the line',
      'Examples:',
      '  plyfs an example that is longer than the line is',
    ]);
  });

  it('changes nothing that fits', () => {
    expect(wrapHelp(text.join('\n'), 60)).toBe(text.join('\n'));
  });

  it('loses no word of any help, at any width', async () => {
    const { commands } = await buildProgram();
    for (const command of commands) {
      let help = '';
      command.configureOutput({ writeOut: (part) => (help += part), getOutHelpWidth: () => 100 });
      command.outputHelp();
      for (const width of [40, 80, 200]) {
        expect(wrapHelp(help, width).split(/\s+/)).toEqual(help.split(/\s+/));
      }
    }
  });
});

it('PLYFS_ROOT says where the store is', () => {
  expect(stateRoot({ PLYFS_ROOT: '/x/y' }, 1000)).toBe('/x/y');
  expect(stateRoot({ PLYFS_ROOT: '' }, 0)).toBe('/var/lib/plyfs');
});
