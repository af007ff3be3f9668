/**
 * What may stand at the end of a command line: commands, options, values of options, and names of what is in the store. All of it but the
 * names follows from the commands as `--help` shows them.
 */

import type { Argument, Command, Option } from 'commander';

/** What the names of something come from. */
export type NameKind = 'container' | 'image' | 'volume' | 'draft' | 'mount' | 'snapshot';

/** By the name of an argument, or of an option's value. */
const KINDS: Readonly<Record<string, readonly NameKind[]>> = {
  container: ['container'],
  image: ['image'],
  volume: ['volume'],
  draft: ['draft'],
  snapshot: ['snapshot'],
  mountpoint: ['mount'],
  'volumes-from': ['container'],
};

/** What can have snapshots. */
const TARGETS: readonly NameKind[] = ['container', 'volume', 'draft'];
/** What `image diff` and `ui` take. */
const TREES: readonly NameKind[] = ['image', 'container', 'volume'];

/** Where an argument's own name says too little, by the command and the argument. */
const KINDS_OF: Readonly<Record<string, readonly NameKind[]>> = {
  'plyfs inspect name': ['mount', 'container', 'image', 'volume'],
  'plyfs explore name': TREES,
  'plyfs push name': ['image'],
  'plyfs image push name': ['image'],
  'plyfs image ls name': ['image'],
  'plyfs images name': ['image'],
  // The mount point of a new mount is a directory.
  'plyfs mount mountpoint': [],
  'plyfs volume create volume': [],
  'plyfs snapshot create target': TARGETS,
  'plyfs snapshot create snapshot': [],
  'plyfs snapshot ls target': TARGETS,
  'plyfs snapshot restore target': TARGETS,
  'plyfs snapshot rm target': TARGETS,
  'plyfs snapshot diff target': TARGETS,
  'plyfs snapshot diff other': ['snapshot'],
  'plyfs image diff a': TREES,
  'plyfs image diff b': TREES,
  'plyfs ui name': TREES,
  'plyfs container mount-rm target': [],
};

interface Completion {
  /** Words of plyfs. */
  readonly words: readonly string[];
  /** What else has names that fit. */
  readonly kinds: readonly NameKind[];
  /** The arguments before it, without options: snapshots are those of the first. */
  readonly before: readonly string[];
}

const NOTHING: Completion = { words: [], kinds: [], before: [] };

/** @param words what stands behind `plyfs`; the last one is being typed, and may be empty. Nothing found: the shell offers files. */
export function completeWords(program: Command, words: readonly string[]): Completion {
  const before = words.slice(0, -1);
  const typed = words.at(-1) ?? '';
  let command = program;
  let path = program.name();
  const given: string[] = [];
  let awaiting: Option | undefined;
  let isOver = false;
  for (const word of before) {
    if (awaiting !== undefined) awaiting = undefined;
    else if (word === '--') isOver = true;
    else if (!isOver && word.startsWith('-') && word !== '-') awaiting = valueOption(command, word);
    else {
      const below = given.length === 0 ? commandOf(command, word) : undefined;
      if (below === undefined) given.push(word);
      else [command, path] = [below, `${path} ${below.name()}`];
    }
  }
  if (awaiting !== undefined) return valuesOf(awaiting);
  // Behind the image or the container stands a command with options of its own.
  const isForeign = isOver || (given.length > 0 && hasForeignOptions(command));
  if (typed.startsWith('-') && !isForeign) return fitting(optionWords(command), typed);
  if (command.commands.length > 0) return given.length > 0 ? NOTHING : fitting(commandNames(command), typed);
  const argument = command.registeredArguments[given.length] ?? lastVariadic(command);
  return argument === undefined ? NOTHING : { ...ofArgument(path, argument), before: given };
}

function fitting(words: readonly string[], typed: string): Completion {
  return { ...NOTHING, words: words.filter((word) => word.startsWith(typed)) };
}

function ofArgument(path: string, argument: Argument): Omit<Completion, 'before'> {
  const name = argument.name();
  return { words: argument.argChoices ?? [], kinds: KINDS_OF[`${path} ${name}`] ?? KINDS[name] ?? [] };
}

function valuesOf(option: Option): Completion {
  return { ...NOTHING, words: option.argChoices ?? [], kinds: KINDS[option.name()] ?? [] };
}

/** The option, when the next word is its value. */
function valueOption(command: Command, word: string): Option | undefined {
  if (word.includes('=')) return undefined;
  const option = command.options.find(({ long, short }) => long === word || short === word);
  return option?.required ? option : undefined;
}

function commandOf(command: Command, word: string): Command | undefined {
  return command.commands.find((one) => one.name() === word || one.aliases().includes(word));
}

/** Those that the help lists. */
export function shownCommands(command: Command): Command[] {
  return command.createHelp().visibleCommands(command);
}

function commandNames(command: Command): string[] {
  return shownCommands(command).map((one) => one.name());
}

function optionWords(command: Command): string[] {
  const shown = command.createHelp().visibleOptions(command);
  return shown.flatMap(({ long, short }) => [...(long ? [long] : []), ...(short ? [short] : [])]);
}

function hasForeignOptions(command: Command): boolean {
  return command.registeredArguments.some((argument) => argument.variadic && argument.name() === 'command');
}

function lastVariadic(command: Command): Argument | undefined {
  const last = command.registeredArguments.at(-1);
  return last?.variadic ? last : undefined;
}
