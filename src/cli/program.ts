/**
 * The commands of plyfs as a commander program.
 *
 * Mistakes on the command line come out in the form of all errors: one line, with the command's name and a hint.
 */

import { Command } from 'commander';
import { takeBooleanValues } from './boolean-values.js';
import { addGlobalOptions } from './global-options.js';
import { whyRefused } from './refused-commands.js';
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

type Source = readonly [names: string, load: () => Promise<readonly Command[]>];

const SHORTCUTS =
  'run exec ps diff cp commit create start stop restart kill logs wait export rename rm top attach';
const IMAGE_SHORTCUTS = 'images rmi tag history build pull push save load import';

/** In the order of the help; each with the names of what it loads. */
const sources: readonly Source[] = [
  ['mount', async () => [(await import('./commands/mount.js')).mountCommand()]],
  ['umount', async () => [(await import('./commands/umount.js')).umountCommand()]],
  ['mounts', async () => [(await import('./commands/mounts.js')).mountsCommand()]],
  ['why', async () => [(await import('./commands/why.js')).whyCommand()]],
  ['inspect', async () => [(await import('./commands/inspect.js')).inspectCommand()]],
  ['doctor', async () => [(await import('./commands/doctor.js')).doctorCommand()]],
  ['container', async () => [(await import('./commands/container/group.js')).containerCommand()]],
  [SHORTCUTS, async () => (await import('./commands/container/group.js')).containerShortcuts()],
  ['image', async () => [(await import('./commands/image/group.js')).imageCommand()]],
  [IMAGE_SHORTCUTS, async () => (await import('./commands/image/group.js')).imageShortcuts()],
  ['volume', async () => [(await import('./commands/volume/group.js')).volumeCommand()]],
  ['system', async () => [(await import('./commands/system/group.js')).systemCommand()]],
  ['login', async () => [(await import('./commands/login.js')).loginCommand()]],
  ['logout', async () => [(await import('./commands/login.js')).logoutCommand()]],
  ['info', async () => [(await import('./commands/system/info.js')).systemInfoCommand('info')]],
  ['version', async () => [(await import('./commands/version.js')).versionCommand()]],
];

export function isCommand(word: string): boolean {
  return sources.some(([names]) => names.split(' ').includes(word));
}

/** @param wanted the command that the user named: the others are then not loaded, which takes 20 ms. */
export async function buildProgram(wanted?: string): Promise<Command> {
  const chosen = sources.filter(([names]) => wanted !== undefined && names.split(' ').includes(wanted));
  const loads = (chosen.length > 0 ? chosen : sources).map(([, load]) => load());
  const commands = (await Promise.all(loads)).flat();
  const program = new Command('plyfs')
    .description('Layers, a writable upper, bind mounts, volumes and tmpfs as one mount, without Docker.')
    .helpCommand(false)
    .enablePositionalOptions()
    .addHelpText('after', EXAMPLES)
    .option('-v, --version', 'show the version')
    .action((_, command: Command) => {
      const [name] = command.args;
      const reason = name === undefined ? undefined : whyRefused(name);
      if (command.opts<{ version?: boolean }>().version) process.stdout.write(`plyfs ${version()}\n`);
      else if (reason !== undefined) command.error(`there is no '${name}': ${reason}`);
      else if (name !== undefined) command.error(`unknown command '${name}'`);
      else command.help({ error: true });
    })
    .allowExcessArguments()
    .passThroughOptions();
  addGlobalOptions(program);
  for (const command of commands) program.addCommand(command);
  finish(program, 'plyfs');
  return program;
}

/** What every command has, those below a group included. */
function finish(command: Command, name: string): void {
  // Where -h is an option of the command's own, as in Docker.
  const isTaken = command.options.some(({ short }) => short === '-h');
  command.helpOption(isTaken ? '--help' : '-h, --help', 'show this help');
  takeBooleanValues(command);
  if (WRONG_OPTION_125.test(name)) endWith125(command);
  reportMistakes(command, name);
  for (const below of command.commands) finish(below, `${name} ${below.name()}`);
}

/** Docker's status for a wrong option of what runs something, whose own status may be 1. */
const WRONG_OPTION_125 = /^plyfs (container )?(run|create|exec)$/;

function endWith125(command: Command): void {
  command.exitOverride(({ code, exitCode }) => {
    const isOption = exitCode !== 0 && /option|invalidArgument/i.test(code);
    process.exit(isOption ? 125 : exitCode);
  });
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
