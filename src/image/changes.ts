/**
 * `--change` of import and commit: one instruction of a Dockerfile applied to an image's configuration, as docker
 * reads it (moby, daemon/builder/dockerfile: only those that change nothing but the configuration).
 */

import { UserError } from '../errno/user-error.js';
import type { RunConfig } from './oci.js';
import { expandWord, namesAndValues, splitWords } from './words.js';

type Draft = { -readonly [K in keyof RunConfig]: RunConfig[K] };

const DEFAULT_SHELL = ['/bin/sh', '-c'];

/** @throws UserError `invalid change 'TEXT': why`. */
export function applyChanges(config: RunConfig, changes: readonly string[]): RunConfig {
  const draft: Draft = { ...config };
  let isCommandSet = false;
  for (const text of changes) {
    const match = /^\s*([A-Za-z]+)(?:\s+([\s\S]*?))?\s*$/.exec(text);
    const keyword = match?.[1]?.toUpperCase() ?? '';
    const apply = INSTRUCTIONS[keyword];
    const rest = match?.[2] ?? '';
    if (apply === undefined) {
      const known = Object.keys(INSTRUCTIONS).join(', ');
      throw new UserError(`invalid change '${text}': it is none of the instructions allowed`, {
        hint: `there are ${known}`,
      });
    }
    if (rest === '') throw new UserError(`invalid change '${text}': ${keyword} wants an argument`);
    try {
      apply(draft, rest);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      throw new UserError(`invalid change '${text}': ${error.message}`, { hint: error.hint });
    }
    // A command that was inherited belongs to the entrypoint before.
    if (keyword === 'ENTRYPOINT' && !isCommandSet) delete draft.Cmd;
    if (keyword === 'CMD') isCommandSet = true;
  }
  return draft;
}

const INSTRUCTIONS: Readonly<Record<string, (config: Draft, rest: string) => void>> = {
  CMD: (config, rest) => {
    config.Cmd = commandOf(config, rest);
  },
  ENTRYPOINT: (config, rest) => {
    config.Entrypoint = commandOf(config, rest);
  },
  ENV: (config, rest) => {
    config.Env = withVariables(config.Env ?? [], expandedPairs(config, rest));
  },
  WORKDIR: (config, rest) => {
    const path = expandWord(rest, variablesOf(config));
    const base = config.WorkingDir?.startsWith('/') ? config.WorkingDir : '/';
    config.WorkingDir = normalPath(path.startsWith('/') ? path : `${base}/${path}`);
  },
  USER: (config, rest) => {
    config.User = expandWord(rest, variablesOf(config));
  },
  VOLUME: (config, rest) => {
    const paths = jsonWords(rest) ?? splitWords(rest).map((word) => expandWord(word, variablesOf(config)));
    if (paths.some((path) => path.trim() === '')) throw new UserError('a volume is an empty path');
    config.Volumes = { ...config.Volumes, ...Object.fromEntries(paths.map((path) => [path, {}])) };
  },
  LABEL: (config, rest) => {
    config.Labels = { ...config.Labels, ...Object.fromEntries(expandedPairs(config, rest)) };
  },
  EXPOSE: (config, rest) => {
    const ports = splitWords(rest).flatMap((word) => portsOf(expandWord(word, variablesOf(config))));
    config.ExposedPorts = { ...config.ExposedPorts, ...Object.fromEntries(ports.map((port) => [port, {}])) };
  },
  STOPSIGNAL: (config, rest) => {
    const signal = expandWord(rest, variablesOf(config));
    if (!/^(?:SIG)?[A-Z0-9+-]+$/.test(signal)) throw new UserError(`'${signal}' is no signal`);
    config.StopSignal = signal;
  },
};

/** The array of the JSON form, or a command line for the shell. */
function commandOf(config: RunConfig, rest: string): string[] {
  return jsonWords(rest) ?? [...(config.Shell ?? DEFAULT_SHELL), rest];
}

/** @returns undefined for what is no JSON array of strings: docker takes that as the shell form. */
export function jsonWords(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const isWords = Array.isArray(value) && value.every((word): word is string => typeof word === 'string');
  return isWords ? (value as string[]) : undefined;
}

function expandedPairs(config: RunConfig, rest: string): [string, string][] {
  const variables = variablesOf(config);
  return namesAndValues(rest).map(([name, value]) => [
    expandWord(name, variables),
    expandWord(value, variables),
  ]);
}

export function variablesOf({ Env = [] }: RunConfig): ReadonlyMap<string, string> {
  return new Map(
    Env.map((text) => [text.split('=', 1)[0] ?? '', text.slice(text.indexOf('=') + 1)] as const),
  );
}

/** Those that are there keep their place. */
export function withVariables(
  env: readonly string[],
  pairs: readonly (readonly [string, string])[],
): string[] {
  const variables = new Map(variablesOf({ Env: env }));
  for (const [name, value] of pairs) variables.set(name, value);
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

function normalPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

const MAX_PORT = 65_535;

/** `80`, `53/udp`, `8000-8005/tcp`. */
function portsOf(text: string): string[] {
  const match = /^([0-9]{1,5})(?:-([0-9]{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (!match || first > last || last > MAX_PORT) throw new UserError(`'${text}' is no port`);
  const protocol = (match[3] ?? 'tcp').toLowerCase();
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`);
}
