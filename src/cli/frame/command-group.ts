/**
 * Commands that stand for others: `plyfs volume`, `plyfs image`.
 */

import { Command } from 'commander';
import { whyRefused } from './refused-commands.js';
import { didYouMean } from './similar-names.js';

function unknownCommand(group: string, word: string, commands: readonly Command[]): string {
  const names = commands.flatMap((command) => [command.name(), ...command.aliases()]);
  return `unknown command '${group} ${word}'${didYouMean(word, names)}`;
}

/** Without a command below it, the group shows its help. */
export function commandGroup(name: string, description: string, commands: readonly Command[]): Command {
  const group = new Command(name)
    .description(description)
    .helpCommand(false)
    .enablePositionalOptions()
    .allowExcessArguments()
    .passThroughOptions()
    .action((_, command: Command) => {
      const [wanted] = command.args;
      const reason = wanted === undefined ? undefined : whyRefused(wanted);
      if (reason !== undefined) command.error(`there is no '${name} ${wanted}': ${reason}`);
      else if (wanted !== undefined) command.error(unknownCommand(name, wanted, commands));
      else command.help({ error: true });
    });
  for (const command of commands) group.addCommand(command);
  return group;
}
