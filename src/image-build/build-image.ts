/**
 * `image build`: a Dockerfile and a directory become an image.
 *
 * Only stages that the target needs are built. A build that dies leaves what its finished steps made, for the next one.
 */

import { atInstruction, type Dockerfile, type Instruction, type Stage } from '../dockerfile/dockerfile.js';
import { UserError } from '../errno/user-error.js';
import { findImage, type Image } from '../image/catalog/image-index.js';
import { sourceDateEpoch } from '../image/oci/creation-time.js';
import type { Platform } from '../image/oci/oci.js';
import { formatPlatform, hostPlatform, servesPlatform } from '../image/oci/platform.js';
import { formatReference, parseReference } from '../image/oci/reference.js';
import { pullImage } from '../image/registry/pull-image.js';
import type { Store } from '../store/store.js';
import type { BuildContext, NamedContext } from './context/context.js';
import type { Annotations } from './stage/annotations.js';
import type { BuildEvent } from './stage/build-event.js';
import { buildPlatform, platformOfImage } from './stage/build-platform.js';
import {
  type BuildState,
  emptyImage,
  findCached,
  nextKey,
  type StoredImage,
  storeState,
  withPath,
} from './stage/build-state.js';
import { createdAt, StageBuild, type StageTools } from './stage/stage-build.js';
import { platformArgs, Variables } from './stage/variables.js';
import { baseName, globalArgs, neededStages, platformOf, stageIndex } from './stage-graph.js';
import { copyStep } from './steps/copy/copy-files.js';
import type { OtherTree } from './steps/copy/copy-pieces.js';
import type { RunSurroundings } from './steps/run/run-network.js';
import type { RunNetwork } from './steps/run/run-options.js';
import { runStep } from './steps/run/run-step.js';

export interface BuildOptions {
  readonly context: BuildContext;
  /** `--build-context`, by name in lower case. */
  readonly contexts: ReadonlyMap<string, NamedContext>;
  /** What the image is for; this host by default. */
  readonly platform?: Platform | undefined;
  readonly buildArgs: ReadonlyMap<string, string>;
  /** `NAME:TAG` each. */
  readonly names: readonly string[];
  /** Name or number of the stage to stop after; the last by default. */
  readonly target?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Annotations;
  readonly noCache: boolean;
  readonly insecure: boolean;
  /** Base images come anew from their registry. */
  readonly pull: boolean;
  /** For `RUN --mount=type=secret`, by id. */
  readonly secrets: ReadonlyMap<string, Buffer>;
  /** Sockets for `RUN --mount=type=ssh`, by id. */
  readonly agents: ReadonlyMap<string, string>;
  /** The network of RUNs that name none; undefined: the host's. */
  readonly network?: RunNetwork | undefined;
  /** Entitlements: what RUNs may ask for. */
  readonly allowed: ReadonlySet<string>;
  /** What each RUN has around it. */
  readonly around: RunSurroundings;
  readonly report: (event: BuildEvent) => void;
  /** Where RUNs print; by default our standard error. */
  readonly outputFd?: number | undefined;
}

/** @throws UserError; then only the cache has grown. */
export async function buildImage(
  store: Store,
  file: Dockerfile,
  options: BuildOptions,
): Promise<StoredImage> {
  using intent = store.intend();
  const build = new Build(store, file, options);
  const tools = {
    store,
    intent,
    noCache: options.noCache,
    epochSec: epochOf(options.buildArgs),
    report: options.report,
  };
  const built = await build.carryOut(tools);
  for (const name of build.unusedArgs())
    options.report({ kind: 'warning', message: `the build argument '${name}' is not used` });
  return built;
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
    const target = options.platform ?? hostPlatform();
    const stage = options.target ?? file.stages.at(-1)?.name ?? 'default';
    const presets = platformArgs({ target, build: hostPlatform(), stage });
    this.#globals = globalArgs(file, presets, { buildArgs: options.buildArgs, used: this.#usedArgs });
  }

  async carryOut(tools: Omit<StageTools, 'copy' | 'run'>): Promise<StoredImage> {
    const { stages } = this.#file;
    const last = this.#targetIndex();
    const isOther = (name: string): boolean => this.#options.contexts.has(name.toLowerCase());
    const needed = neededStages(stages, last, { globals: this.#globals, isOther });
    const total = needed.reduce((sum, index) => sum + 1 + (stages[index]?.instructions.length ?? 0), 0);
    let step = 0;
    const announce = (instruction: Instruction): void => {
      step += 1;
      tools.report({ kind: 'step', step, total, instruction: lineOf(instruction) });
    };
    this.#make = (index) => this.#stage(index, tools, announce);
    for (const index of needed) await this.#state(index);
    return this.#finish(await this.#state(last), tools);
  }

  /** The state of a stage; one that nobody saw to be needed (a trigger copies from it) is built when it is asked for. */
  async #state(index: number): Promise<BuildState> {
    const state = this.#done.get(index) ?? (await this.#make(index));
    this.#done.set(index, state);
    return state;
  }

  unusedArgs(): string[] {
    return [...this.#options.buildArgs.keys()].filter((name) => !this.#usedArgs.has(name));
  }

  async #finish(state: BuildState, tools: Omit<StageTools, 'copy' | 'run'>): Promise<StoredImage> {
    const created = createdAt(tools);
    const { labels, names, annotations } = this.#options;
    if (Object.keys(labels).length > 0) {
      state.config.Labels = { ...state.config.Labels, ...labels };
      const created_by = `LABEL ${JSON.stringify(labels)}`;
      state.pending.push({ created: created.toISOString(), created_by, empty_layer: true });
      state.key = nextKey(state.key, [created_by]);
    }
    const cached = tools.noCache ? undefined : findCached(this.#store, state.key);
    // The same instructions on the same layers: the image that they made before.
    if (cached) Object.assign(state, { image: cached, pending: [] });
    return storeState(this.#store, state, { names, created, annotations });
  }

  async #stage(
    index: number,
    tools: Omit<StageTools, 'copy' | 'run'>,
    announce: (instruction: Instruction) => void,
  ): Promise<BuildState> {
    const stage = this.#file.stages[index]!;
    announce(stage.from);
    const { context, secrets, agents, network, allowed, around, outputFd } = this.#options;
    const sources = {
      ...around,
      context,
      secrets,
      agents,
      network,
      allowed,
      outputFd,
      other: (name: string) => this.#other(index, name),
    };
    const state = await this.#begin(index, stage).catch((error: unknown) => {
      throw atInstruction(stage.from, error);
    });
    const build = new StageBuild(state, {
      ...tools,
      copy: (at, instruction) => copyStep(sources, at, instruction),
      run: (at, instruction) => runStep(sources, at, instruction),
    });
    const base = baseName(stage, this.#globals);
    if (this.#isDirectory(base)) await build.carryOut(copyAll(stage.from, base));
    await build.carryOutTriggers(stage.from, (trigger) =>
      tools.report({ kind: 'trigger', instruction: lineOf(trigger) }),
    );
    for (const instruction of stage.instructions) {
      announce(instruction);
      await build.carryOut(instruction);
    }
    return build.state;
  }

  async #begin(index: number, stage: Stage): Promise<BuildState> {
    const name = baseName(stage, this.#globals);
    const wanted = platformOf(stage.from, this.#globals);
    const before = this.#stageBefore(index, name);
    if (before !== undefined) {
      const state = await this.#state(before);
      const variables = state.variables.successor();
      return { ...state, config: structuredClone(state.config), pending: [...state.pending], variables };
    }
    const platform =
      wanted === undefined ? (this.#options.platform ?? hostPlatform()) : buildPlatform(wanted);
    const variables = new Variables(this.#options.buildArgs, this.#globals, this.#usedArgs);
    const isEmpty = name === 'scratch' || this.#isDirectory(name);
    const image = isEmpty ? emptyImage(platform) : await this.#image(name, platform);
    const own = structuredClone(image.config.config ?? {});
    const config = { ...own, Env: withPath(own.Env ?? []) };
    variables.inherit(config.Env);
    const epochSec = epochOf(this.#options.buildArgs);
    const parts = [image.id, ...(image.id === '' ? [formatPlatform(platform)] : [])];
    const key = nextKey('', [...parts, ...(epochSec === undefined ? [] : [`epoch ${epochSec}`])]);
    return { image, config, pending: [], key, variables, platform: platformOfImage(image) };
  }

  /** `--build-context` gives it as files: a stage from it begins with them, as a stage from an image with its. */
  #isDirectory(name: string): boolean {
    const context = this.#options.contexts.get(name.toLowerCase());
    return context !== undefined && 'context' in context;
  }

  #stageBefore(limit: number, name: string): number | undefined {
    if (this.#options.contexts.has(name.toLowerCase())) return undefined;
    return stageIndex(this.#file.stages, limit, name);
  }

  /** Finds the image in the store, or pulls it when the name says from where. */
  async #image(name: string, platform: Platform): Promise<Image> {
    const context = this.#options.contexts.get(name.toLowerCase());
    const text = context !== undefined && 'image' in context ? context.image : name;
    const found = findImage(this.#store, text);
    const key = `${text} ${formatPlatform(platform)}`;
    const isStale = this.#options.pull && !this.#pulled.has(key);
    const serves = found !== undefined && servesPlatform(found.config, platform);
    if (found && serves && !isStale) return found;
    const reference = parseReference(text);
    this.#options.report({ kind: 'pull', image: formatReference(reference) });
    const insecure = this.#options.insecure;
    try {
      await pullImage(this.#store, reference, { platform, insecure, notices: new Map() });
    } catch (error) {
      if (!(error instanceof UserError) || serves) throw error;
      const [offered, asked] = [found && platformOfImage(found), platform].map(
        (one) => one && formatPlatform(one),
      );
      const state = found
        ? `the image '${text}' is for ${offered}, not for ${asked}`
        : `no such image: '${text}'`;
      throw new UserError(`${state}, and ${error.message}`, { hint: error.hint });
    }
    this.#pulled.add(key);
    const pulled = findImage(this.#store, text);
    if (pulled) return pulled;
    throw new UserError(`the image '${text}' is gone again`);
  }

  async #other(index: number, name: string): Promise<OtherTree> {
    const context = this.#options.contexts.get(name.toLowerCase());
    if (context !== undefined && 'context' in context) return context;
    const before = this.#stageBefore(index, name);
    const state = before === undefined ? undefined : await this.#state(before);
    if (state) return { key: state.key, layers: state.image.layers, id: state.image.id };
    const { from, name: own } = this.#file.stages[index]!;
    if (name.toLowerCase() === own || (/^\d+$/.test(name) && Number(name) < this.#file.stages.length))
      throw new UserError(`there is no stage '${name}' before this one`);
    const wanted = platformOf(from, this.#globals);
    const platform =
      wanted === undefined ? (this.#options.platform ?? hostPlatform()) : buildPlatform(wanted);
    const image = await this.#image(name, platform);
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

function copyAll({ line, escape: escapeChar }: Instruction, from: string): Instruction {
  const flags = [{ name: 'from', value: from }];
  return { keyword: 'COPY', typed: 'COPY', line, text: '. /', flags, heredocs: [], escape: escapeChar };
}

/** An instruction as one line. */
function lineOf({ keyword, flags, text }: Instruction): string {
  const options = flags.map(({ name, value }) => `--${name}${value === undefined ? '' : `=${value}`} `);
  return `${keyword} ${options.join('')}${text}`;
}

/** The SOURCE_DATE_EPOCH of the command line, else of the environment. */
function epochOf(buildArgs: ReadonlyMap<string, string>): number | undefined {
  return sourceDateEpoch(buildArgs.get('SOURCE_DATE_EPOCH') ?? process.env.SOURCE_DATE_EPOCH);
}
