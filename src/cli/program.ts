/**
 * The commands of plyfs as a commander program.
 *
 * Mistakes on the command line come out in the form of all errors: one line, with the command's name and a hint.
 */

import { Command } from 'commander';
import { containerCommand, containerShortcuts } from './commands/container/group.js';
import { doctorCommand } from './commands/doctor.js';
import { imageCommand } from './commands/image/group.js';
import { imageListCommand } from './commands/image/list.js';
import { inspectCommand } from './commands/inspect.js';
import { mountCommand } from './commands/mount.js';
import { mountsCommand } from './commands/mounts.js';
import { systemCommand } from './commands/system/group.js';
import { umountCommand } from './commands/umount.js';
import { volumeCommand } from './commands/volume/group.js';
import { whyCommand } from './commands/why.js';
import { version } from './version.js';

const EXAMPLES = `
Examples:
  plyfs mount -l base -l app --upper changes /mnt     two layers and a writable one on top
  plyfs mount -l rootfs --upper up -v /srv:/srv:ro /mnt   the same with a bind mount
  plyfs mounts                                         what is mounted
  plyfs why /mnt/etc/passwd                            which layer shows it, and what it hides
  plyfs inspect /mnt                                   all that is known of a mount, as JSON
  plyfs umount /mnt                                    take it away again
  plyfs run --rm -it -v data:/data debian bash         a command in a container of an image

'plyfs COMMAND --help' says more about a command; 'plyfs doctor' checks this host.`;

export function buildProgram(): Command {
  const program = new Command('plyfs')
    .description('Layers, a writable upper, bind mounts, volumes and tmpfs as one mount, without Docker.')
    .helpCommand(false)
    .enablePositionalOptions()
    .addHelpText('after', EXAMPLES)
    .option('--version', 'show the version')
    .action((_, command: Command) => {
      if (command.opts<{ version?: boolean }>().version) process.stdout.write(`plyfs ${version()}\n`);
      else if (command.args.length > 0) command.error(`unknown command '${command.args[0]}'`);
      else command.help({ error: true });
    })
    .allowExcessArguments();
  for (const command of [
    mountCommand(),
    umountCommand(),
    mountsCommand(),
    whyCommand(),
    inspectCommand(),
    doctorCommand(),
    containerCommand(),
    ...containerShortcuts(),
    imageCommand(),
    imageListCommand('images'),
    volumeCommand(),
    systemCommand(),
  ]) {
    program.addCommand(command);
  }
  finish(program, 'plyfs');
  return program;
}

/** What every command has, those below a group included. */
function finish(command: Command, name: string): void {
  command.helpOption('-h, --help', 'show this help');
  reportMistakes(command, name);
  for (const below of command.commands) finish(below, `${name} ${below.name()}`);
}

function reportMistakes(command: Command, name: string): void {
  command.configureOutput({
    outputError: (text, write) => {
      const [message, suggestion] = text
        .replace(/^error: /, '')
        .trimEnd()
        .split('\n');
      const hint =
        suggestion?.replace(/^\(Did you mean (.*)\?\)$/, "did you mean '$1'?") ?? `see '${name} --help'`;
      // Of choices commander makes a second sentence; that is the better hint.
      const choices = /^(.*)\. Allowed choices are (.*)\.$/.exec(message ?? '');
      write(choices ? `${name}: ${choices[1]}; choose ${choices[2]}\n` : `${name}: ${message}; ${hint}\n`);
    },
  });
}
