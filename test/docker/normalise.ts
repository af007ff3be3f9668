/**
 * What differs from run to run has one form before outcomes are compared: ids, times, ages, sizes, widths of columns.
 *
 * The form of a message on standard error goes as well, which is each program's own (`Error response from daemon: `,
 * `plyfs COMMAND: `, hints, quotes, capitals); its words stay.
 */

import { type Wording, wordings } from './docker-differences.js';
import type { Side } from './side.js';

type Rule = readonly [pattern: RegExp, replacement: string];

const MONTHS = 'Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec';
const UNIT = '(?:second|minute|hour|day|week|month|year)';

const EVERYWHERE: readonly Rule[] = [
  [/\b[0-9a-f]{64}\b/g, '<ID>'],
  [/\b[0-9a-f]{12}\b/g, '<id>'],
  // Before other times: the long form of lists.
  [/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [+-]\d{4} [A-Z]{3}/g, '<TIME>'],
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?/g, '<TIME>'],
  [new RegExp(`\\b(?:${MONTHS}) +\\d+ +\\d\\d:\\d\\d(?::\\d\\d)?(?: +\\d{4})?`, 'g'), '<TIME>'],
  [new RegExp(`\\b(?:Less than a second|About an? ${UNIT}|\\d+ ${UNIT}s?)`, 'g'), '<AGE>'],
  [/\b\d+(?:\.\d+)?(?:B|kB|MB|GB)\b/g, '<SIZE>'],
  [/ {2,}/g, '  '],
  [/[ \t]+$/gm, ''],
];

const MESSAGES: Readonly<Record<Side['name'], readonly Rule[]>> = {
  docker: [
    [/^(?:docker: )?(?:Error response from daemon: |Error: )?(?:Error response from daemon: )?/gm, ''],
    // How to call it, behind a mistake in the call.
    [/^See 'docker.*/gms, ''],
    [/^(?:template parsing error|failed to (?:execute|parse) template): /gm, ''],
    [/(can't evaluate field \S+) in type .*$/gm, '$1'],
    // For plyfs a hint begins there.
    [/^(template: .*?); [^\n]*$/gm, '$1'],
    [/^time="[^"]*" level=\w+ msg="?/gm, ''],
    // Said at times, behind an error.
    [/^error waiting for container: context canceled"?\s*$/gm, ''],
  ],
  plyfs: [
    [/^plyfs(?: [a-z-]+){0,2}: /gm, ''],
    [/; [^\n]*$/gm, ''],
    [/^invalid format '.*': /gm, ''],
  ],
};

const MESSAGE_FORM: readonly Rule[] = [
  // plyfs always names the whole spec, Docker at times.
  [/^invalid (?:volume|tmpfs|volumes-from) specification: '[^']*': /gm, ''],
  [/\n{2,}/g, '\n'],
  [/^\n/g, ''],
  [/['"`]/g, ''],
  [/\.$/gm, ''],
];

export function normaliseOutput(text: string): string {
  return apply(EVERYWHERE, text);
}

export function normaliseMessages(side: Side['name'], text: string): string {
  const plain = apply(MESSAGE_FORM, apply(MESSAGES[side], normaliseOutput(text))).toLowerCase();
  return side === 'docker' ? plain.split('\n').map(inWordsOfPlyfs).join('\n') : plain;
}

const said = new Set<Wording>();

function inWordsOfPlyfs(line: string): string {
  const wording = wordings.find(({ docker }) => docker.test(line));
  if (wording === undefined) return line;
  said.add(wording);
  return line.replace(wording.docker, wording.plyfs);
}

/** Wordings that Docker had no reason for so far. */
export function unsaidWordings(): Wording[] {
  return wordings.filter((wording) => !said.has(wording));
}

function apply(rules: readonly Rule[], text: string): string {
  return rules.reduce((changed, [pattern, replacement]) => changed.replace(pattern, replacement), text);
}
