/** Mistakes on the command line as commander finds them, in the form of all errors: what is wrong, and what to do. */

import type { Command } from 'commander';

/** @param name of the command, with `plyfs`. @param text what commander says, in its words. */
export function mistakeLine(command: Command, name: string, text: string): string {
  // What was typed may have line breaks of its own.
  const [, message = '', suggestion] =
    /^(?:error: )?(.*?)(?:\n\(Did you mean (.*)\?\))?$/s.exec(text.trimEnd()) ?? [];
  if (suggestion !== undefined) return `${name}: ${message}; did you mean ${quotedWords(suggestion)}?`;
  const [what, hint = `see '${name} --help'`] = reworded(command, message);
  return `${name}: ${what}; ${hint}`;
}

function reworded(command: Command, message: string): readonly [what: string, hint?: string] {
  // Of choices commander makes a second sentence; that is the better hint.
  const [, refused, choices] = /^(.*)\. Allowed choices are (.*)\.$/s.exec(message) ?? [];
  if (refused !== undefined) {
    const argument = /^command-argument value '(.*)' is invalid for argument '(.*)'$/s.exec(refused);
    return [argument ? `invalid ${argument[2]} '${argument[1]}'` : refused, `choose ${choices}`];
  }
  const [, wanted] = /^too many arguments for .*Expected (\d+) arguments?/s.exec(message) ?? [];
  if (wanted !== undefined) return [`too many arguments: '${command.args.slice(Number(wanted)).join(' ')}'`];
  // One dash instead of two.
  const [, word] = /^unknown option '-([^-].+)'$/s.exec(message) ?? [];
  const long = command.options.find((option) => option.long === `--${word}`)?.long;
  return long === undefined ? [message] : [message, `did you mean '${long}'?`];
}

/** `'a' or 'b'` of what commander offers. */
function quotedWords(offered: string): string {
  const words = offered.replace(/^one of /, '').split(', ');
  return words.map((word) => `'${word}'`).join(' or ');
}
