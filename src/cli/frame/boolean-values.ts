/**
 * `--rm=true` and `-i=false` for options that are there or not, as Docker's users may write them.
 */

import type { Command, Option } from 'commander';

/** Lets a command take them. */
export function takeBooleanValues(command: Command): void {
  const parse = command.parseOptions.bind(command);
  command.parseOptions = (argv) => parse(withoutBooleanValues(command, argv));
}

const TRUE = ['1', 't', 'T', 'true', 'TRUE', 'True'];
const FALSE = ['0', 'f', 'F', 'false', 'FALSE', 'False'];

/** Only up to the first word that is neither an option nor the value of one: what follows may be a program's. */
function withoutBooleanValues({ options }: Pick<Command, 'options'>, argv: readonly string[]): string[] {
  let words: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? '';
    if (word === '--' || !word.startsWith('-') || word === '-') return [...words, ...argv.slice(at)];
    const [name = '', value] = splitAtEquals(word);
    const option = options.find(({ long, short }) => long === name || short === name);
    const flag = value !== undefined && (option?.isBoolean() || option?.negate) ? option : undefined;
    if (flag !== undefined && FALSE.includes(value ?? ''))
      words = [...without(words, flag), ...opposite(options, flag)];
    else words.push(flag !== undefined && TRUE.includes(value ?? '') ? (flag.long ?? word) : word);
    if (takesNext(options, word)) {
      const next = argv[++at];
      if (next !== undefined) words.push(next);
    }
  }
  return words;
}

/** The last one counts: what was said of it before goes. */
function without(words: readonly string[], { long, short }: Option): string[] {
  return words.filter((word) => word !== long && word !== short);
}

function opposite(options: readonly Option[], { long: meant }: Option): string[] {
  const name = `--no-${meant?.slice(2)}`;
  return options.some(({ long }) => long === name) ? [name] : [];
}

function takesNext(options: readonly Option[], word: string): boolean {
  if (word.startsWith('--'))
    return !word.includes('=') && options.some(({ long, required }) => long === word && required);
  // Of short ones together, the first that takes a value has what follows as it.
  for (const [index, letter] of [...word.slice(1)].entries()) {
    const option = options.find(({ short }) => short === `-${letter}`);
    if (option === undefined) return false;
    if (option.required) return index === word.length - 2;
  }
  return false;
}

function splitAtEquals(word: string): [string, string | undefined] {
  const equals = word.indexOf('=');
  return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
}
