/**
 * The variables of a stage: ENV of the image and the stage, and ARGs, which ENV of the same name hides.
 */

import { type Lookup, rawWords } from '../../dockerfile/words.js';
import { UserError } from '../../errno/user-error.js';
import type { Platform } from '../../image/oci/oci.js';
import { formatPlatform } from '../../image/oci/platform.js';

/** Given by `--build-arg`, they need no ARG, RUN sees both spellings, and they are never part of history or cache. */
const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'];
const PREDEFINED = new Set(['SOURCE_DATE_EPOCH', ...PROXIES, ...PROXIES.map((name) => name.toLowerCase())]);

interface BuildPlatforms {
  readonly target: Platform;
  /** The platform of this host. */
  readonly build: Platform;
  /** The name of the stage that is asked for. */
  readonly stage: string;
}

/** What FROM may use without an ARG, and a stage with one; all are set, though some to nothing. */
export function platformArgs({ target, build, stage }: BuildPlatforms): Map<string, string> {
  const ofPlatform = (which: string, platform: Platform): [string, string][] => [
    [`${which}PLATFORM`, formatPlatform(platform)],
    [`${which}OS`, platform.os],
    [`${which}OSVERSION`, platform['os.version'] ?? ''],
    [`${which}ARCH`, platform.architecture],
    [`${which}VARIANT`, platform.variant ?? ''],
  ];
  return new Map([...ofPlatform('BUILD', build), ...ofPlatform('TARGET', target), ['TARGETSTAGE', stage]]);
}

export class Variables {
  /** In the order of the image, then of the Dockerfile. */
  readonly #environment = new Map<string, string>();
  readonly #args = new Map<string, string>();
  readonly #buildArgs: ReadonlyMap<string, string>;
  readonly #globals: ReadonlyMap<string, string>;
  readonly #used: Set<string>;

  /** `globals`: ARGs before the first FROM; `used`: build arguments that some ARG took, shared by all stages. */
  constructor(
    buildArgs: ReadonlyMap<string, string>,
    globals: ReadonlyMap<string, string>,
    used: Set<string>,
  ) {
    this.#buildArgs = buildArgs;
    this.#globals = globals;
    this.#used = used;
    for (const [name, value] of buildArgs) {
      if (!PREDEFINED.has(name)) continue;
      for (const spelling of spellings(name)) {
        if (spelling === name || !buildArgs.has(spelling)) this.#args.set(spelling, value);
      }
      used.add(name);
    }
  }

  /** Those of a stage that is built upon this one. */
  successor(): Variables {
    const next = new Variables(this.#buildArgs, this.#globals, this.#used);
    for (const [name, value] of this.#args) next.#args.set(name, value);
    for (const [name, value] of this.#environment) next.#environment.set(name, value);
    return next;
  }

  readonly lookup: Lookup = (name) => this.#environment.get(name) ?? this.#args.get(name);

  /** `NAME=VALUE` of an image. */
  inherit(environment: readonly string[]): void {
    for (const entry of environment) {
      const equals = entry.indexOf('=');
      if (equals > 0) this.#environment.set(entry.slice(0, equals), entry.slice(equals + 1));
    }
  }

  setEnv(name: string, value: string): void {
    this.#environment.set(name, value);
  }

  /** `ARG NAME[=DEFAULT]`; a default that nobody needs is not looked at. */
  declareArg(name: string, preset: (() => string) | undefined): void {
    if (this.#buildArgs.has(name)) this.#used.add(name);
    const value = this.#buildArgs.get(name) ?? preset?.() ?? this.#globals.get(name);
    if (value !== undefined) this.#args.set(name, value);
  }

  /** The environment of the image that is being made. */
  env(): string[] {
    return [...this.#environment].map(([name, value]) => `${name}=${value}`);
  }

  /** What RUN sees beside it. */
  argEnv(): string[] {
    return [...this.#args]
      .filter(([name]) => !this.#environment.has(name))
      .map(([name, value]) => `${name}=${value}`);
  }

  /** ARGs that are part of what RUN does: a changed proxy is none. */
  cacheableArgs(): string[] {
    return this.argEnv().filter((entry) => !PREDEFINED.has(entry.slice(0, entry.indexOf('='))));
  }
}

function spellings(name: string): string[] {
  return [...new Set([name, name.toUpperCase(), name.toLowerCase()])].filter((one) => PREDEFINED.has(one));
}

interface ArgWord {
  readonly name: string;
  readonly preset: string | undefined;
}

/** The words of ARG, variables still in them. */
export function argWords(text: string, escapeChar: string): ArgWord[] {
  return rawWords(text, escapeChar).map((raw) => {
    // Quotes around the whole are no part of the name.
    const word = /^(["'])([A-Za-z_]\w*=.*)\1$/s.exec(raw);
    const quote = word?.[1] ?? '';
    const inner = word?.[2] ?? raw;
    const equals = inner.indexOf('=');
    if (equals === 0) throw new UserError(`'${raw}' has no name`);
    if (equals < 0) return { name: inner, preset: undefined };
    return { name: inner.slice(0, equals), preset: `${quote}${inner.slice(equals + 1)}${quote}` };
  });
}
