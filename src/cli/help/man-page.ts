/**
 * Man pages of the commands, from what their help says (man 7 groff_man): one for plyfs and one for each command, `plyfs-volume-create.1`.
 */

import type { Command } from 'commander';
import { shownCommands } from './complete-words.js';

interface ManPage {
  /** `plyfs-run.1`. */
  readonly file: string;
  readonly text: string;
}

/** The pages of a command and of those below it that its help lists. @param version of the program, for the foot of the page. */
export function manPages(program: Command, version: string): ManPage[] {
  return pagesOf(program, program.name(), version);
}

function pagesOf(command: Command, words: string, version: string): ManPage[] {
  const page = { file: `${words.replaceAll(' ', '-')}.1`, text: pageOf(command, words, version) };
  return [page, ...shownCommands(command).flatMap((one) => pagesOf(one, `${words} ${one.name()}`, version))];
}

function pageOf(command: Command, words: string, version: string): string {
  const help = command.createHelp();
  const title = words.replaceAll(' ', '-');
  const usage = help
    .commandUsage(command)
    .replace(command.name(), '')
    .replace(/^[^[<]*/, '')
    .trim();
  const sections = [
    `.TH ${title.toUpperCase().replaceAll('-', '\\-')} 1 "" "plyfs ${version}" "plyfs"`,
    `.SH NAME\n${escaped(title)} \\- ${escaped(command.description())}`,
    `.SH SYNOPSIS\n.B ${escaped(words)}\n${escaped(usage)}`,
    ...entries(
      'OPTIONS',
      help.visibleOptions(command).map((one) => [one.flags, help.optionDescription(one)]),
    ),
    ...entries(
      'COMMANDS',
      shownCommands(command).map((one) => [one.name(), help.subcommandDescription(one)]),
    ),
    ...entries(
      'ARGUMENTS',
      help.visibleArguments(command).map((one) => [one.name(), help.argumentDescription(one)]),
    ),
    ...details(afterText(command)),
    seeAlso(command, words),
  ];
  return `${sections.filter((section) => section !== '').join('\n')}\n`;
}

function entries(title: string, rows: readonly (readonly [string, string])[]): string[] {
  if (rows.length === 0) return [];
  const items = rows.map(([term, text]) => `.TP\n.B ${escaped(term)}\n${escaped(text)}`);
  return [`.SH ${title}\n${items.join('\n')}`];
}

/** What `addHelpText('after', ...)` adds: it is told to whoever listens. */
function afterText(command: Command): string {
  let text = '';
  const write = (part: string): void => {
    text += part;
  };
  // An EventEmitter, which its types do not say.
  (command as unknown as NodeJS.EventEmitter).emit('afterHelp', { error: false, command, write });
  return text;
}

/** Paragraphs, and what is laid out in columns or as examples as it stands. */
function details(text: string): string[] {
  const [description = '', examples] = text.split(/\nExamples?:\n/);
  const blocks = description.trim().split(/\n{2,}/);
  const formatted = blocks
    .filter((block) => block !== '')
    .map((block) => (/^ /m.test(block) ? verbatim(block) : escaped(block)));
  return [
    ...(formatted.length === 0 ? [] : [`.SH DESCRIPTION\n${formatted.join('\n.PP\n')}`]),
    ...(examples === undefined ? [] : [`.SH EXAMPLES\n${verbatim(examples)}`]),
  ];
}

function verbatim(text: string): string {
  return `.nf\n${escaped(text.trimEnd())}\n.fi`;
}

function seeAlso(command: Command, words: string): string {
  const above = words.split(' ').slice(0, -1).join('-');
  const below = shownCommands(command).map((one) => `${words.replaceAll(' ', '-')}-${one.name()}`);
  const pages = [...(above === '' ? [] : [above]), ...below].map((page) => `.BR ${escaped(page)} (1)`);
  return pages.length === 0 ? '' : `.SH SEE ALSO\n${pages.join(' ,\n')}`;
}

/** Backslashes and hyphens as they are typed; a dot or an apostrophe begins no request. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');
}
