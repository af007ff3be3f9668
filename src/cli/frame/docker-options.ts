/**
 * Options of Docker's that plyfs has nothing to do for: those that ask for what is so anyway are taken, the others are
 * refused in a line that says why. The help shows neither.
 */

import { type Command, Option } from 'commander';

export function takeOptions(command: Command, flags: readonly string[]): Command {
  for (const each of flags) command.addOption(new Option(each, 'changes nothing').hideHelp());
  return command;
}

/** @param reasons by the option's flags. */
export function refuseDockerOptions(command: Command, reasons: Readonly<Record<string, string>>): Command {
  for (const [flags, reason] of Object.entries(reasons)) {
    const option = new Option(flags, `refused: ${reason}`).hideHelp();
    command.addOption(option);
    command.on(`option:${option.name()}`, () => command.error(`${option.long} cannot be had: ${reason}`));
  }
  return command;
}
