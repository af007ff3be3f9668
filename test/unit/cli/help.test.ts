/** What `--help` of every command and shortcut must have: what it does, what each option means, an example. */

import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { buildProgram } from '../../../src/cli/program.js';

const commands = walk(await buildProgram(), 'plyfs');

function walk(command: Command, name: string): [name: string, command: Command][] {
  const below = command.commands.flatMap((one) => walk(one, `${name} ${one.name()}`));
  return [[name, command], ...below];
}

/** As `--help` prints it, with what is added after the options. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => 120 });
  command.outputHelp();
  return text;
}

describe('--help', () => {
  test('knows all commands of the contract', () => {
    const names = commands.map(([name]) => name.replace(/^plyfs ?/, ''));
    const contract = {
      '': 'mount umount mounts why doctor run ps images diff cp commit exec',
      image: 'import load save pull push ls inspect history tag rm prune build',
      volume: 'create ls inspect rm prune rename clone export import',
      container: 'create start stop mount run exec ls inspect diff cp commit export rename rm prune',
      system: 'info df prune',
    };
    const wanted = Object.entries(contract).flatMap(([group, words]) =>
      words.split(' ').map((word) => `${group} ${word}`.trim()),
    );
    expect(names).toEqual(expect.arrayContaining(wanted));
  });

  test('shows the same for a command that is loaded alone', async () => {
    const top = (await buildProgram()).commands;
    expect(top.length).toBeGreaterThan(20);
    for (const command of top) {
      const { commands: loaded } = await buildProgram(command.name());
      expect(loaded.length).toBeLessThan(top.length);
      expect(loaded.filter((one) => one.name() === command.name()).map(helpOf)).toEqual([helpOf(command)]);
    }
  });

  test.each(commands)('%s says what it does, and gives an example', (name, command) => {
    expect(command.description()).toMatch(/^\S.{10,}/);
    const help = helpOf(command);
    expect(help).toContain(command.description().slice(0, 40));
    // Where -h is --hostname, as in Docker, help has the long form alone.
    expect(help).toMatch(/(-h, |\s)--help/);
    if (command.commands.length === 0)
      expect(help).toMatch(new RegExp(`Examples?:\n  .*${name.split(' ')[0]} `));
    for (const option of command.options.filter(({ hidden }) => !hidden))
      expect([option.flags, option.description]).not.toContain('');
    for (const argument of command.registeredArguments) expect(argument.name()).not.toBe('');
  });

  test.each(commands)('%s: no line of its own text is wider than a wide terminal', (_, command) => {
    const tooWide = helpOf(command)
      .split('\n')
      .filter((line) => line.length > 130);
    expect(tooWide).toEqual([]);
  });
});
