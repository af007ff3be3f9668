/**
 * The cases, read from `cases/*.sh`: short shell scripts in which `$D` is the command, docker or plyfs.
 *
 * A line `## NAME` begins a case; the file is its subject. What stands above the first is a comment. A case may use
 * `$ROOT_TAR` (the tar of the image `base`) and works in an empty directory of its own.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Case {
  /** `SUBJECT: NAME`, of which there is one. */
  readonly name: string;
  readonly script: string;
}

/** @throws Error for two cases of one name, or one without a script. */
export function readCases(folder: string): Case[] {
  const cases = readdirSync(folder)
    .filter((file) => file.endsWith('.sh'))
    .sort()
    .flatMap((file) => casesOf(file.slice(0, -'.sh'.length), readFileSync(join(folder, file), 'utf8')));
  const names = new Set<string>();
  for (const { name, script } of cases) {
    if (names.has(name)) throw new Error(`two cases are called '${name}'`);
    if (!script.includes('$D')) throw new Error(`the case '${name}' asks nothing`);
    names.add(name);
  }
  return cases;
}

function casesOf(subject: string, text: string): Case[] {
  return text
    .split(/^## /m)
    .slice(1)
    .map((part) => {
      const end = part.indexOf('\n');
      return { name: `${subject}: ${part.slice(0, end).trim()}`, script: part.slice(end + 1) };
    });
}
