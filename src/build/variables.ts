/**
 * The variables of a stage: ENV of the image and the stage, and ARGs, which ENV of the same name hides.
 */

import type { Lookup } from '../image/words.js';

/** Given by `--build-arg`, they need no ARG, and are not part of the history. */
const PREDEFINED = new Set(
  ['SOURCE_DATE_EPOCH', 'HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'].flatMap((name) => [
    name,
    name.toLowerCase(),
  ]),
);

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** As images name it. */
export function hostArchitecture(): string {
  return ARCHITECTURES[process.arch] ?? process.arch;
}

/** What FROM may use without an ARG, and a stage with one. */
export function platformArgs(): Map<string, string> {
  const architecture = hostArchitecture();
  return new Map(
    ['TARGET', 'BUILD'].flatMap((which): [string, string][] => [
      [`${which}PLATFORM`, `linux/${architecture}`],
      [`${which}OS`, 'linux'],
      [`${which}ARCH`, architecture],
    ]),
  );
}

export class Variables {
  /** In the order of the image, then of the Dockerfile. */
  private readonly environment = new Map<string, string>();
  private readonly args = new Map<string, string>();
  private readonly buildArgs: ReadonlyMap<string, string>;
  private readonly globals: ReadonlyMap<string, string>;
  private readonly used: Set<string>;

  /** `globals`: ARGs before the first FROM; `used`: build arguments that some ARG took, shared by all stages. */
  constructor(
    buildArgs: ReadonlyMap<string, string>,
    globals: ReadonlyMap<string, string>,
    used: Set<string>,
  ) {
    this.buildArgs = buildArgs;
    this.globals = globals;
    this.used = used;
    for (const [name, value] of buildArgs) {
      if (!PREDEFINED.has(name)) continue;
      this.args.set(name, value);
      used.add(name);
    }
  }

  readonly lookup: Lookup = (name) => this.environment.get(name) ?? this.args.get(name);

  /** `NAME=VALUE` of an image. */
  inherit(environment: readonly string[]): void {
    for (const entry of environment) {
      const equals = entry.indexOf('=');
      if (equals > 0) this.environment.set(entry.slice(0, equals), entry.slice(equals + 1));
    }
  }

  setEnv(name: string, value: string): void {
    this.environment.set(name, value);
  }

  /** `ARG NAME[=DEFAULT]` */
  declareArg(name: string, preset: string | undefined): void {
    if (this.buildArgs.has(name)) this.used.add(name);
    const value = this.buildArgs.get(name) ?? preset ?? this.globals.get(name);
    if (value !== undefined) this.args.set(name, value);
  }

  /** Of the image that is being made. */
  env(): string[] {
    return [...this.environment].map(([name, value]) => `${name}=${value}`);
  }

  /** What RUN sees beside it. */
  argEnv(): string[] {
    return [...this.args]
      .filter(([name]) => !this.environment.has(name))
      .map(([name, value]) => `${name}=${value}`);
  }

  /** ARGs that are part of what RUN does: a changed proxy is none. */
  cacheableArgs(): string[] {
    return this.argEnv().filter((entry) => !PREDEFINED.has(entry.slice(0, entry.indexOf('='))));
  }
}
