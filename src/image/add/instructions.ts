/**
 * Instructions of a Dockerfile that change nothing but an image's configuration: for `--change` of import and commit, and
 * for `image build`. As docker reads them (moby, daemon/builder/dockerfile).
 */

import { constants } from 'node:os';
import {
  expandPairs,
  expandValue,
  expandWords,
  jsonForm,
  type Lookup,
  rawWords,
} from '../../dockerfile/words.js';
import { UserError } from '../../errno/user-error.js';
import type { RunConfig } from '../oci/oci.js';

export type ConfigDraft = { -readonly [K in keyof RunConfig]: RunConfig[K] };

/** What the words of an instruction are read with. */
interface WordContext {
  readonly lookup: Lookup;
  /** The escape character. */
  readonly escape: string;
}

export type Apply = (config: ConfigDraft, rest: string, words: WordContext) => void;

const DEFAULT_SHELL = ['/bin/sh', '-c'];

/** By keyword. Each throws UserError for an argument that means nothing. */
export const CONFIG_INSTRUCTIONS: Readonly<Record<string, Apply>> = {
  CMD: (config, rest) => {
    config.Cmd = commandOf(config, rest);
  },
  ENTRYPOINT: (config, rest) => {
    config.Entrypoint = commandOf(config, rest);
  },
  ENV: (config, rest, words) => {
    config.Env = withVariables(config.Env ?? [], expandPairs(rest, words.lookup, words.escape));
  },
  WORKDIR: (config, rest, words) => {
    const path = value(rest, words);
    const base = config.WorkingDir?.startsWith('/') ? config.WorkingDir : '/';
    config.WorkingDir = normalPath(path.startsWith('/') ? path : `${base}/${path}`);
  },
  USER: (config, rest, words) => {
    config.User = value(rest, words);
  },
  VOLUME: (config, rest, words) => {
    const paths = (jsonForm(rest) ?? rawWords(rest, words.escape)).map((word) =>
      expandValue(word, words.lookup, words.escape),
    );
    if (paths.length === 0) throw new UserError('VOLUME wants an argument');
    if (paths.some((path) => path.trim() === '')) throw new UserError('a volume is an empty path');
    config.Volumes = { ...config.Volumes, ...Object.fromEntries(paths.map((path) => [path, {}])) };
  },
  LABEL: (config, rest, words) => {
    const labels = expandPairs(rest, words.lookup, words.escape);
    config.Labels = { ...config.Labels, ...Object.fromEntries(labels) };
  },
  EXPOSE: (config, rest, words) => {
    const ports = expandWords(rest, words.lookup, words.escape).flatMap(portsOf);
    config.ExposedPorts = { ...config.ExposedPorts, ...Object.fromEntries(ports.map((port) => [port, {}])) };
  },
  STOPSIGNAL: (config, rest, words) => {
    const signal = value(rest, words);
    if (!isSignal(signal)) throw new UserError(`'${signal}' is no signal`);
    config.StopSignal = signal;
  },
  SHELL: (config, rest) => {
    const shell = jsonForm(rest);
    if (shell === undefined || shell.length === 0)
      throw new UserError(`'${rest}' is no list`, { hint: 'write ["/bin/sh", "-c"]' });
    config.Shell = shell;
  },
};

const MAX_SIGNAL = 64;

/** By name, with or without SIG, or by number. */
function isSignal(text: string): boolean {
  if (/^\d{1,2}$/.test(text)) return Number(text) > 0 && Number(text) <= MAX_SIGNAL;
  const name = text.toUpperCase().replace(/^(?!SIG)/, 'SIG');
  return Object.hasOwn(constants.signals, name) || /^SIGRTM(?:IN(?:\+\d{1,2})?|AX(?:-\d{1,2})?)$/.test(name);
}

function value(rest: string, { lookup, escape: escapeChar }: WordContext): string {
  return expandValue(rest.trim(), lookup, escapeChar);
}

/** The array of the JSON form, or a command line for the shell. */
function commandOf(config: RunConfig, rest: string): string[] {
  return jsonForm(rest) ?? [...(config.Shell ?? DEFAULT_SHELL), rest];
}

export function variablesOf({ Env = [] }: RunConfig): ReadonlyMap<string, string> {
  return new Map(
    Env.map((text) => [text.split('=', 1)[0] ?? '', text.slice(text.indexOf('=') + 1)] as const),
  );
}

/** Those that are there keep their place. */
function withVariables(env: readonly string[], pairs: readonly (readonly [string, string])[]): string[] {
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

/** `80`, `53/udp`, `8000-8005/tcp`; what stands before a colon is of the host, and not taken. @throws UserError */
export function portsOf(text: string): string[] {
  const match = /^(?:[^/]*:)?([0-9]{1,5})(?:-([0-9]{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (!match || first > last || last > MAX_PORT) throw new UserError(`'${text}' is no port`);
  const protocol = (match[3] ?? 'tcp').toLowerCase();
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`);
}
