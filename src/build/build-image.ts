/**
 * `image build`: a Dockerfile and a directory become an image.
 *
 * Only stages that the target needs are built. A build that dies leaves what its finished steps made, for the next one.
 */

import { UserError } from '../errno/user-error.js';
import { sourceDateEpoch } from '../image/creation-time.js';
import { findImage, type Image } from '../image/image-index.js';
import { hostPlatform } from '../image/platform.js';
import { formatReference, parseReference } from '../image/reference.js';
import { pullImage } from '../image/registry/pull.js';
import { expandValue, expandWords } from '../image/words.js';
import type { Store } from '../store/store.js';
import { type BuildState, emptyImage, findCached, nextKey, storeState } from './build-state.js';
import type { BuildContext } from './context.js';
import { copyFiles } from './copy-files.js';
import type { OtherTree } from './copy-pieces.js';
import { atInstruction, type Dockerfile, type Instruction, type Stage, wrongAt } from './dockerfile.js';
import { runStep } from './run-step.js';
import { createdAt, StageBuild, type StageTools } from './stage-build.js';
import { platformArgs, Variables } from './variables.js';

export interface BuildOptions {
  readonly context: BuildContext;
  readonly buildArgs: ReadonlyMap<string, string>;
  /** `NAME:TAG` each. */
  readonly names: readonly string[];
  /** Name or number of the stage to stop after; the last by default. */
  readonly target?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly noCache: boolean;
  readonly insecure: boolean;
  /** Base images come anew from their registry. */
  readonly pull: boolean;
  /** For `RUN --mount=type=secret`, by id. */
  readonly secrets: ReadonlyMap<string, Buffer>;
  readonly say: (line: string) => void;
}

/** @returns the id of the image. @throws UserError; then only the cache has grown. */
export async function buildImage(store: Store, file: Dockerfile, options: BuildOptions): Promise<string> {
  using intent = store.intend();
  const build = new Build(store, file, options);
  const tools = {
    store,
    intent,
    noCache: options.noCache,
    epochSec: epochOf(options.buildArgs),
    say: options.say,
  };
  const id = await build.carryOut(tools);
  for (const name of build.unusedArgs()) options.say(`warning: the build argument '${name}' is not used`);
  return id;
}

class Build {
  readonly #store: Store;
  readonly #file: Dockerfile;
  readonly #options: BuildOptions;
  readonly #globals: Map<string, string>;
  readonly #usedArgs = new Set<string>();
  readonly #done = new Map<number, BuildState>();
  readonly #pulled = new Set<string>();
  #make: (index: number) => Promise<BuildState> = () => Promise.reject(new Error('no stage is built yet'));

  constructor(store: Store, file: Dockerfile, options: BuildOptions) {
    this.#store = store;
    this.#file = file;
    this.#options = options;
    this.#globals = globalArgs(file, options.buildArgs, this.#usedArgs);
  }

  async carryOut(tools: Omit<StageTools, 'copy' | 'run'>): Promise<string> {
    const { stages } = this.#file;
    const last = this.#targetIndex();
    const needed = neededStages(stages, last, this.#globals);
    const total = needed.reduce((sum, index) => sum + 1 + (stages[index]?.instructions.length ?? 0), 0);
    let step = 0;
    const announce = (instruction: Instruction): void => {
      step += 1;
      tools.say(`Step ${step}/${total} : ${lineOf(instruction)}`);
    };
    this.#make = (index) => this.#stage(index, tools, announce);
    for (const index of needed) await this.#state(index);
    return this.#finish(await this.#state(last), tools);
  }

  /** Of a stage; one that nobody saw to be needed (a trigger copies from it) is built when it is asked for. */
  async #state(index: number): Promise<BuildState> {
    const state = this.#done.get(index) ?? (await this.#make(index));
    this.#done.set(index, state);
    return state;
  }

  unusedArgs(): string[] {
    return [...this.#options.buildArgs.keys()].filter((name) => !this.#usedArgs.has(name));
  }

  async #finish(state: BuildState, tools: Omit<StageTools, 'copy' | 'run'>): Promise<string> {
    const created = createdAt(tools);
    const { labels, names } = this.#options;
    if (Object.keys(labels).length > 0) {
      state.config.Labels = { ...state.config.Labels, ...labels };
      const created_by = `LABEL ${JSON.stringify(labels)}`;
      state.pending.push({ created: created.toISOString(), created_by, empty_layer: true });
      state.key = nextKey(state.key, [created_by]);
    }
    const cached = tools.noCache ? undefined : findCached(this.#store, state.key);
    // The same instructions on the same layers: the image that they made before.
    if (cached) Object.assign(state, { image: cached, pending: [] });
    return storeState(this.#store, state, { names, created });
  }

  async #stage(
    index: number,
    tools: Omit<StageTools, 'copy' | 'run'>,
    announce: (instruction: Instruction) => void,
  ): Promise<BuildState> {
    const stage = this.#file.stages[index]!;
    announce(stage.from);
    const { context, secrets } = this.#options;
    const sources = { context, secrets, other: (name: string) => this.#other(index, name) };
    const state = await this.#begin(index, stage).catch((error: unknown) => {
      throw atInstruction(stage.from, error);
    });
    const build = new StageBuild(state, {
      ...tools,
      copy: (at, instruction) => copyFiles(sources, at, instruction),
      run: (at, instruction) => runStep(sources, at, instruction),
    });
    await build.carryOutTriggers(stage.from, (trigger) => tools.say(` ---> Trigger : ${lineOf(trigger)}`));
    for (const instruction of stage.instructions) {
      announce(instruction);
      await build.carryOut(instruction);
    }
    return build.state;
  }

  async #begin(index: number, stage: Stage): Promise<BuildState> {
    const name = baseName(stage, this.#globals);
    const variables = new Variables(this.#options.buildArgs, this.#globals, this.#usedArgs);
    checkPlatform(stage.from, this.#globals);
    const before = stageIndex(this.#file.stages, index, name);
    if (before !== undefined) {
      const state = await this.#state(before);
      variables.inherit(state.config.Env ?? []);
      return { ...state, config: structuredClone(state.config), pending: [...state.pending], variables };
    }
    const image = name === 'scratch' ? emptyImage() : await this.#image(stage.from, name);
    const config = structuredClone(image.config.config ?? {});
    variables.inherit(config.Env ?? []);
    const epochSec = epochOf(this.#options.buildArgs);
    const key = nextKey('', [image.id, ...(epochSec === undefined ? [] : [`epoch ${epochSec}`])]);
    return { image, config, pending: [], key, variables };
  }

  /** Of the store, or pulled when the name says from where. */
  async #image(instruction: Instruction, name: string): Promise<Image> {
    const found = findImage(this.#store, name);
    if (found && !(this.#options.pull && !this.#pulled.has(name))) return found;
    const reference = parseReference(name);
    this.#options.say(` ---> Pulling ${formatReference(reference)}`);
    const insecure = this.#options.insecure;
    try {
      await pullImage(this.#store, reference, { platform: hostPlatform(), insecure, notices: new Map() });
    } catch (error) {
      if (found !== undefined || !(error instanceof UserError)) throw error;
      throw wrongAt(instruction, `no such image: '${name}', and ${error.message}`, error.hint);
    }
    this.#pulled.add(name);
    const pulled = findImage(this.#store, name);
    if (pulled) return pulled;
    throw wrongAt(instruction, `the image '${name}' is gone again`);
  }

  async #other(index: number, name: string): Promise<OtherTree> {
    const before = stageIndex(this.#file.stages, index, name);
    const state = before === undefined ? undefined : await this.#state(before);
    if (state) return { key: state.key, layers: state.image.layers, id: state.image.id };
    const image = await this.#image(this.#file.stages[index]!.from, name);
    return { key: image.id, layers: image.layers, id: image.id };
  }

  #targetIndex(): number {
    const { stages } = this.#file;
    const { target } = this.#options;
    if (target === undefined) return stages.length - 1;
    const index = stageIndex(stages, stages.length, target);
    if (index !== undefined) return index;
    throw new UserError(`there is no stage '${target}' in the Dockerfile`);
  }
}

/** An instruction as one line. */
function lineOf({ keyword, flags, text }: Instruction): string {
  const [line = ''] = text.trim().split('\n');
  const options = flags.map(({ name, value }) => `--${name}${value === undefined ? '' : `=${value}`} `);
  return `${keyword} ${options.join('')}${line}`;
}

/** Of the command line before the environment. */
function epochOf(buildArgs: ReadonlyMap<string, string>): number | undefined {
  return sourceDateEpoch(buildArgs.get('SOURCE_DATE_EPOCH') ?? process.env.SOURCE_DATE_EPOCH);
}

function globalArgs(
  file: Dockerfile,
  buildArgs: ReadonlyMap<string, string>,
  used: Set<string>,
): Map<string, string> {
  const globals = platformArgs();
  for (const { text, escape: escapeChar } of file.globalArgs) {
    for (const word of expandWords(text, (name) => globals.get(name), escapeChar)) {
      const [name = ''] = word.split('=', 1);
      const preset = word.includes('=') ? word.slice(name.length + 1) : undefined;
      if (buildArgs.has(name)) used.add(name);
      const value = buildArgs.get(name) ?? preset;
      if (value !== undefined) globals.set(name, value);
    }
  }
  return globals;
}

function baseName({ from }: Stage, globals: ReadonlyMap<string, string>): string {
  const [word = ''] = from.text.trim().split(/\s+/);
  const name = expandValue(word, (variable) => globals.get(variable), from.escape);
  if (name === '') throw wrongAt(from, `the base name '${word}' is empty`);
  return name;
}

function checkPlatform(from: Instruction, globals: ReadonlyMap<string, string>): void {
  for (const { name, value } of from.flags) {
    if (name !== 'platform') throw wrongAt(from, `the flag '--${name}' is not supported`);
    const wanted = expandValue(value ?? '', (variable) => globals.get(variable), from.escape);
    const here = globals.get('TARGETPLATFORM') ?? '';
    if (wanted !== here)
      throw wrongAt(from, `the platform '${wanted}' cannot be built here`, `this host is ${here}`);
  }
}

/** A stage before `limit`, by name or number. */
function stageIndex(stages: readonly Stage[], limit: number, name: string): number | undefined {
  const index = /^\d+$/.test(name)
    ? Number(name)
    : stages.findIndex((stage, at) => at < limit && stage.name === name.toLowerCase());
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
  return found.map((text) => expandValue(text, (variable) => globals.get(variable), escapeChar));
}

/** The stages that a stage builds upon or copies from, in order. */
function neededStages(
  stages: readonly Stage[],
  last: number,
  globals: ReadonlyMap<string, string>,
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
      const before = stageIndex(stages, index, name);
      if (before !== undefined) visit(before);
    }
  };
  visit(last);
  return [...needed].sort((a, b) => a - b);
}
