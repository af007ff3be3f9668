/**
 * Build checks: what in a Dockerfile is allowed, and mostly a mistake. Names and meaning are those of BuildKit's rules;
 * `# check=skip=NAME,...;error=true` chooses.
 */

import type { Dockerfile, Instruction, Stage } from '../../dockerfile/dockerfile.js';
import { jsonForm, rawWords } from '../../dockerfile/words.js';
import { UserError } from '../../errno/user-error.js';
import { argWords } from './variables.js';

interface CheckResult {
  readonly rule: string;
  readonly line: number;
  readonly message: string;
}

interface Checked {
  readonly found: readonly CheckResult[];
  /** The Dockerfile wants what is found to be an error. */
  readonly isError: boolean;
}

type Rule = (instruction: Instruction) => readonly string[];

const RESERVED = new Set(['scratch', 'context']);
const SECRET = /(?:^|_)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;
const PUBLIC = /(?:_|^)public(?:_|$)/i;

/** Whether a variable of that name is meant to keep its value secret. */
function looksSecret(name: string): boolean {
  return SECRET.test(name) && !PUBLIC.test(name);
}

const RULES: Readonly<Record<string, Rule>> = {
  StageNameCasing: ({ keyword, text }) => {
    const [, , name = ''] = text.split(/\s+/);
    const isMixed = keyword === 'FROM' && name !== name.toLowerCase();
    return isMixed ? [`the stage name '${name}' should be in lower case`] : [];
  },
  FromAsCasing: ({ keyword, typed, text }) => {
    const [, as = ''] = text.split(/\s+/);
    const isLower = typed === typed.toLowerCase();
    const isMixed = keyword === 'FROM' && as !== '' && as !== (isLower ? as.toLowerCase() : as.toUpperCase());
    return isMixed ? [`'${as}' and '${typed}' are written in different cases`] : [];
  },
  ReservedStageName: ({ keyword, text }) => {
    const [, , name = ''] = text.split(/\s+/);
    return keyword === 'FROM' && RESERVED.has(name.toLowerCase())
      ? [`a stage should not be called '${name}'`]
      : [];
  },
  MaintainerDeprecated: ({ keyword }) =>
    keyword === 'MAINTAINER' ? ['a label says who made an image, MAINTAINER is of old'] : [],
  JSONArgsRecommended: ({ keyword, text }) =>
    /^(?:CMD|ENTRYPOINT)$/.test(keyword) && jsonForm(text) === undefined
      ? [`a shell stands between signals and the command of ${keyword}: write ["program", "argument"]`]
      : [],
  LegacyKeyValueFormat: ({ keyword, text, escape: escapeChar }) =>
    /^(?:ENV|LABEL)$/.test(keyword) && rawWords(text, escapeChar)[0]?.includes('=') === false
      ? [`write ${keyword} KEY=VALUE, not KEY VALUE`]
      : [],
  SecretsUsedInArgOrEnv: (instruction) =>
    variablesIn(instruction)
      .filter(looksSecret)
      .map((name) => `${instruction.keyword} keeps '${name}' for all to read: use RUN --mount=type=secret`),
  FromPlatformFlagConstDisallowed: ({ keyword, flags }) =>
    flags
      .filter(({ name, value = '' }) => keyword === 'FROM' && name === 'platform' && !value.includes('$'))
      .map(({ value }) => `--platform of FROM should not be the constant '${value}'`),
  RedundantTargetPlatform: ({ keyword, flags }) =>
    flags
      .filter(({ name, value = '' }) => {
        return (
          keyword === 'FROM' && name === 'platform' && /^\$(?:TARGETPLATFORM|\{TARGETPLATFORM\})$/.test(value)
        );
      })
      .map(({ value }) => `--platform=${value} is so anyway`),
  ExposeProtoCasing: ({ keyword, text }) =>
    keyword === 'EXPOSE' && /\/\w*[A-Z]/.test(text)
      ? [`the protocol in '${text}' should be in lower case`]
      : [],
  ExposeInvalidFormat: ({ keyword, text }) =>
    keyword === 'EXPOSE' && text.includes(':') ? [`EXPOSE takes no port of the host: '${text}'`] : [],
};

function variablesIn({ keyword, text, escape: escapeChar }: Instruction): string[] {
  if (keyword === 'ARG') return argWords(text, escapeChar).map(({ name }) => name);
  if (keyword !== 'ENV') return [];
  const words = rawWords(text, escapeChar);
  return words[0]?.includes('=') === false ? [words[0]] : words.map((word) => word.split('=', 1)[0] ?? '');
}

/** @throws UserError for a directive `check` without meaning. */
export function checkDockerfile(file: Dockerfile): Checked {
  const { skipped, isError } = readDirective(file.check ?? '');
  const instructions = [
    ...file.globalArgs,
    ...file.stages.flatMap(({ from, instructions: all }) => [from, ...all]),
  ];
  const found = instructions.flatMap((instruction) =>
    Object.entries(RULES).flatMap(([rule, test]) =>
      test(instruction).map((message) => ({ rule, line: instruction.line, message })),
    ),
  );
  const all = [
    ...found,
    ...duplicateNames(file.stages),
    ...file.stages.flatMap(checkStage),
    ...casing(instructions),
  ];
  const kept = all.filter(({ rule }) => !skipped.has('all') && !skipped.has(rule));
  return { found: kept.sort((a, b) => a.line - b.line), isError };
}

function readDirective(text: string): { readonly skipped: ReadonlySet<string>; readonly isError: boolean } {
  const fields = new Map<string, string>();
  for (const field of text.split(';').filter((one) => one !== '')) {
    const [key = '', value = ''] = field.split('=').map((part) => part.trim());
    if (!['skip', 'error', 'experimental'].includes(key)) {
      throw new UserError(`the directive 'check=${text}': '${key}' means nothing`, {
        hint: 'write skip or error',
      });
    }
    fields.set(key, value);
  }
  const names = (fields.get('skip') ?? '').split(',').map((name) => name.trim());
  return { skipped: new Set(names), isError: /^(?:true|1)$/i.test(fields.get('error') ?? '') };
}

function duplicateNames(stages: readonly Stage[]): CheckResult[] {
  return stages.flatMap(({ name, from }, index) =>
    name !== undefined && stages.slice(0, index).some((other) => other.name === name)
      ? [{ rule: 'DuplicateStageName', line: from.line, message: `there is a stage '${name}' already` }]
      : [],
  );
}

/** What only shows in a whole stage. */
function checkStage({ instructions }: Stage): CheckResult[] {
  const found: CheckResult[] = [];
  for (const keyword of ['CMD', 'ENTRYPOINT', 'HEALTHCHECK']) {
    const all = instructions.filter((one) => one.keyword === keyword);
    for (const { line } of all.slice(0, -1)) {
      const message = `only the last ${keyword} of a stage counts`;
      found.push({ rule: 'MultipleInstructionsDisallowed', line, message });
    }
  }
  const workdir = instructions.find(({ keyword }) => keyword === 'WORKDIR');
  if (workdir && !/^["']?[/$]/.test(workdir.text)) {
    const message = `where '${workdir.text}' is depends on the base image`;
    found.push({ rule: 'WorkdirRelativePath', line: workdir.line, message });
  }
  return found;
}

function casing(instructions: readonly Instruction[]): CheckResult[] {
  const lower = instructions.filter(({ typed }) => typed === typed.toLowerCase()).length;
  const upper = instructions.filter(({ typed }) => typed === typed.toUpperCase()).length;
  const wanted = lower > upper ? 'lower' : 'upper';
  const isRight = (typed: string): boolean =>
    typed === (wanted === 'lower' ? typed.toLowerCase() : typed.toUpperCase());
  return instructions
    .filter(({ typed }) => !isRight(typed))
    .map(({ typed, line }) => {
      return {
        rule: 'ConsistentInstructionCasing',
        line,
        message: `'${typed}' should be in ${wanted} case, as most are`,
      };
    });
}
