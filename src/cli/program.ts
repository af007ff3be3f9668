/**
 * The commands of plyfs as a commander program.
 *
 * Mistakes on the command line come out in the form of all errors: one line, with the command's name and a hint.
 */

import { Command } from 'commander';
import { version } from '../daemon/config/plyfs-version.js';
import { oneLine } from '../errno/printable.js';
import { takeBooleanValues } from './frame/boolean-values.js';
import { addGlobalOptions } from './frame/global-options.js';
import { mistakeLine } from './frame/mistake-line.js';
import { writeOut } from './frame/output-end.js';
import { whyRefused } from './frame/refused-commands.js';
import { didYouMean } from './frame/similar-names.js';
import { wrapHelp } from './frame/wrap-help.js';

const EXAMPLES = `
Examples:
  plyfs mount -l base -l app --upper changes /mnt     two layers and a writable one on top
  plyfs mount -l rootfs --upper up -v /srv:/srv:ro /mnt   the same with a bind mount
  plyfs mounts                                         what is mounted
  plyfs why /mnt/etc/passwd                            which layer shows it, and what it hides
  plyfs inspect /mnt                                   all that is known of a mount, as JSON
  plyfs umount /mnt                                    take it away again
  plyfs run --rm -it -v data:/data debian bash         a command in a container of an image

'plyfs help COMMAND' says more about a command; 'plyfs doctor' checks this host.`;

type Source = readonly [name: string, load: () => Promise<Command>];

/** In the order of the help; each with the name of what it loads. */
const sources: readonly Source[] = [
  ['mount', async () => (await import('./commands/mount-command.js')).mountCommand()],
  ['umount', async () => (await import('./commands/umount-command.js')).umountCommand()],
  ['mounts', async () => (await import('./commands/mounts-command.js')).mountsCommand()],
  ['daemon', async () => (await import('./commands/daemon/daemon-group.js')).daemonCommand()],
  ['metrics', async () => (await import('./commands/metrics-command.js')).metricsCommand()],
  ['why', async () => (await import('./commands/why-command.js')).whyCommand()],
  ['ui', async () => (await import('./commands/ui-command.js')).uiCommand()],
  ['explore', async () => (await import('./commands/explore/explore-command.js')).exploreCommand()],
  ['inspect', async () => (await import('./commands/inspect-any.js')).inspectCommand()],
  ['doctor', async () => (await import('./commands/doctor-command.js')).doctorCommand()],
  ['container', async () => (await import('./commands/container/container-group.js')).containerCommand()],
  // As Docker has them without `container`; `mount`, `inspect` and `prune` are other commands here, or of several.
  ['run', async () => (await import('./commands/container/run/container-run.js')).runCommand('run')],
  ['exec', async () => (await import('./commands/container/run/container-exec.js')).execCommand('exec')],
  [
    'attach',
    async () => (await import('./commands/container/run/container-attach.js')).attachCommand('attach'),
  ],
  ['ps', async () => (await import('./commands/container/container-list.js')).listCommand('ps')],
  ['diff', async () => (await import('./commands/container/container-diff.js')).diffCommand('diff')],
  ['cp', async () => (await import('./commands/container/container-copy.js')).copyCommand('cp')],
  ['commit', async () => (await import('./commands/container/container-commit.js')).commitCommand('commit')],
  [
    'create',
    async () => (await import('./commands/container/run/container-create.js')).createCommand('create'),
  ],
  ['start', async () => (await import('./commands/container/run/container-start.js')).startCommand('start')],
  ['stop', async () => (await import('./commands/container/container-stop.js')).stopCommand('stop')],
  [
    'restart',
    async () => (await import('./commands/container/container-restart.js')).restartCommand('restart'),
  ],
  ['kill', async () => (await import('./commands/container/container-stop.js')).killCommand('kill')],
  ['logs', async () => (await import('./commands/container/container-logs.js')).logsCommand('logs')],
  ['wait', async () => (await import('./commands/container/container-stop.js')).waitCommand('wait')],
  ['top', async () => (await import('./commands/container/container-top.js')).topCommand()],
  ['rename', async () => (await import('./commands/container/container-remove.js')).renameCommand('rename')],
  ['rm', async () => (await import('./commands/container/container-remove.js')).removeCommand('rm')],
  ['export', async () => (await import('./commands/container/container-commit.js')).exportCommand('export')],
  ['snapshot', async () => (await import('./commands/snapshot/snapshot-group.js')).snapshotCommand()],
  ['fork', async () => (await import('./commands/snapshot/fork-command.js')).forkCommand()],
  ['try', async () => (await import('./commands/draft/try-command.js')).tryCommand()],
  ['enter', async () => (await import('./commands/draft/try-command.js')).enterCommand()],
  ['drafts', async () => (await import('./commands/draft/drafts-command.js')).draftsCommand()],
  ['review', async () => (await import('./commands/draft/review-command.js')).reviewCommand()],
  ['apply', async () => (await import('./commands/draft/apply-command.js')).applyCommand()],
  ['undo', async () => (await import('./commands/draft/apply-command.js')).undoCommand()],
  ['discard', async () => (await import('./commands/draft/discard-command.js')).discardCommand()],
  ['image', async () => (await import('./commands/image/image-group.js')).imageCommand()],
  // As Docker has them without `image`.
  ['images', async () => (await import('./commands/image/image-list.js')).imageListCommand('images')],
  ['rmi', async () => (await import('./commands/image/image-remove.js')).imageRemoveCommand('rmi')],
  ['tag', async () => (await import('./commands/image/image-tag.js')).imageTagCommand('tag')],
  ['history', async () => (await import('./commands/image/image-history.js')).imageHistoryCommand('history')],
  ['build', async () => (await import('./commands/image/image-build.js')).imageBuildCommand('build')],
  ['pull', async () => (await import('./commands/image/image-pull.js')).imagePullCommand('pull')],
  ['push', async () => (await import('./commands/image/image-pull.js')).imagePushCommand('push')],
  ['save', async () => (await import('./commands/image/image-save.js')).imageSaveCommand('save')],
  ['load', async () => (await import('./commands/image/image-load.js')).imageLoadCommand('load')],
  ['import', async () => (await import('./commands/image/image-import.js')).imageImportCommand('import')],
  ['volume', async () => (await import('./commands/volume/volume-group.js')).volumeCommand()],
  ['serve', async () => (await import('./commands/serve/serve-group.js')).serveCommand()],
  ['mcp', async () => (await import('./commands/mcp-command.js')).mcpCommand()],
  ['systemd', async () => (await import('./commands/systemd-command.js')).systemdCommand()],
  ['system', async () => (await import('./commands/system/system-group.js')).systemCommand()],
  ['events', async () => (await import('./commands/system/system-events.js')).systemEventsCommand('events')],
  ['login', async () => (await import('./commands/login-command.js')).loginCommand()],
  ['logout', async () => (await import('./commands/login-command.js')).logoutCommand()],
  ['info', async () => (await import('./commands/system/system-info.js')).systemInfoCommand('info')],
  ['version', async () => (await import('./commands/version-command.js')).versionCommand()],
  ['completion', async () => (await import('./commands/help/completion-command.js')).completionCommand()],
  [
    'complete',
    async () => (await import('./commands/help/completion-command.js')).completeCommand(buildProgram),
  ],
  [
    'man-pages',
    async () => (await import('./commands/help/man-pages-command.js')).manPagesCommand(buildProgram),
  ],
];

/** For programs: shells, and what makes the package. */
const HIDDEN = ['complete', 'man-pages'];

function allNames(): string[] {
  return sources.map(([name]) => name).filter((name) => !HIDDEN.includes(name));
}

export function isCommand(word: string): boolean {
  return word === 'help' || sources.some(([name]) => name === word);
}

/** @param wanted the command that the user named: the others are then not loaded, which takes 20 ms. */
export async function buildProgram(wanted?: string): Promise<Command> {
  const chosen = sources.filter(([name]) => name === wanted);
  const commands = await Promise.all((chosen.length > 0 ? chosen : sources).map(([, load]) => load()));
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
      else if (name !== undefined) command.error(`unknown command '${name}'${didYouMean(name, allNames())}`);
      else command.help({ error: true });
    })
    .allowExcessArguments()
    .passThroughOptions();
  addGlobalOptions(program);
  for (const command of commands) program.addCommand(command, { hidden: HIDDEN.includes(command.name()) });
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

/** Help in a pipe is for a pager or a file. */
const PIPE_WIDTH = 130;

/** Where there are colours at all: commander takes the escapes out elsewhere, and where NO_COLOR is set. */
function bold(text: string): string {
  return `\x1b[1m${text}\x1b[22m`;
}

function reportMistakes(command: Command, name: string): void {
  command.configureHelp({ styleTitle: bold, styleUsage: (text) => text });
  command.configureOutput({
    writeOut: (text) => writeOut(wrapHelp(text, process.stdout.columns ?? PIPE_WIDTH)),
    writeErr: (text) => process.stderr.write(wrapHelp(text, process.stderr.columns ?? PIPE_WIDTH)),
    // Not by writeErr, which is for help: a mistake is one line, however narrow the terminal.
    outputError: (text) => process.stderr.write(`${oneLine(mistakeLine(command, name, text))}\n`),
  });
}
