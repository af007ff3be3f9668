/**
 * Which stages of a Dockerfile a build needs, and what names in it mean.
 */

import { type Dockerfile, type Instruction, type Stage, wrongAt } from '../dockerfile/dockerfile.js';
import { expandValue } from '../dockerfile/words.js';
import { argWords } from './stage/variables.js';

/** ARGs before the first FROM, on top of `presets`. @param used takes the build arguments that one of them took. */
export function globalArgs(
  file: Dockerfile,
  presets: ReadonlyMap<string, string>,
  given: { readonly buildArgs: ReadonlyMap<string, string>; readonly used: Set<string> },
): Map<string, string> {
  const { buildArgs, used } = given;
  const globals = new Map(presets);
  for (const name of globals.keys()) {
    const value = buildArgs.get(name);
    if (value !== undefined) globals.set(name, value);
  }
  for (const { text, escape: escapeChar } of file.globalArgs) {
    for (const { name, preset } of argWords(text, escapeChar)) {
      if (buildArgs.has(name)) used.add(name);
      const lookup = (variable: string): string | undefined => globals.get(variable);
      const value =
        buildArgs.get(name) ?? (preset === undefined ? undefined : expandValue(preset, lookup, escapeChar));
      if (value !== undefined) globals.set(name, value);
    }
  }
  return globals;
}

export function baseName({ from }: Stage, globals: ReadonlyMap<string, string>): string {
  const [word = ''] = from.text.trim().split(/\s+/);
  const name = expandValue(word, (variable) => globals.get(variable), from.escape);
  if (name === '') throw wrongAt(from, `the base name '${word}' is empty`);
  return name;
}

/** The value of `--platform` of FROM, if it has one. @throws UserError for any other flag. */
export function platformOf(from: Instruction, globals: ReadonlyMap<string, string>): string | undefined {
  let found: string | undefined;
  for (const { name, value } of from.flags) {
    if (name !== 'platform') throw wrongAt(from, `the flag '--${name}' is not supported`);
    found = expandValue(value ?? '', (variable) => globals.get(variable), from.escape);
    if (found === '') throw wrongAt(from, `the platform '${value ?? ''}' is empty`);
  }
  return found;
}

/** A stage before `limit`, by name (the last of that name) or number. */
export function stageIndex(stages: readonly Stage[], limit: number, name: string): number | undefined {
  const index = /^\d+$/.test(name)
    ? Number(name)
    : stages.findLastIndex((stage, at) => at < limit && stage.name === name.toLowerCase());
  return index >= 0 && index < limit ? index : undefined;
}

/** What `--from` of COPY, or of a mount of RUN, names; variables of the stage itself are not known yet. */
function namesCopied(
  { flags, escape: escapeChar }: Instruction,
  globals: ReadonlyMap<string, string>,
): string[] {
  const found = flags.flatMap(({ name, value = '' }) => {
    if (name === 'from') return [value];
    return name === 'mount' ? [/(?:^|,)from=([^,]*)/.exec(value)?.[1] ?? ''] : [];
  });
  // One that cannot be known yet is looked up when the instruction is carried out.
  return found
    .filter((text) => !/\$\{[^}]*\?/.test(text))
    .map((text) => expandValue(text, (variable) => globals.get(variable), escapeChar));
}

/** The stages that a stage builds upon or copies from, in order. `isOther`: the name is not that of a stage. */
export function neededStages(
  stages: readonly Stage[],
  last: number,
  {
    globals,
    isOther,
  }: { readonly globals: ReadonlyMap<string, string>; readonly isOther: (name: string) => boolean },
): number[] {
  const needed = new Set<number>();
  const visit = (index: number): void => {
    if (needed.has(index)) return;
    needed.add(index);
    const stage = stages[index]!;
    const names = [
      baseName(stage, globals),
      ...stage.instructions.flatMap((instruction) => namesCopied(instruction, globals)),
    ];
    for (const name of names) {
      const before = isOther(name) ? undefined : stageIndex(stages, index, name);
      if (before !== undefined) visit(before);
    }
  };
  visit(last);
  return [...needed].sort((a, b) => a - b);
}
