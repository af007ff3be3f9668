/**
 * Commands that stand for others: `plyfs volume`, `plyfs image`.
 */

import { Command } from 'commander';

/** Without a command below it, the group shows its help. */
export function commandGroup(name: string, description: string, commands: readonly Command[]): Command {
  const group = new Command(name)
    .description(description)
    .helpCommand(false)
    .enablePositionalOptions()
    .allowExcessArguments()
    .action((_, command: Command) => {
      if (command.args.length > 0) command.error(`unknown command '${name} ${command.args[0]}'`);
      else command.help({ error: true });
    });
  for (const command of commands) group.addCommand(command);
  return group;
}
