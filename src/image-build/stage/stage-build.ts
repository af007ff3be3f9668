/**
 * One stage of a build: its instructions, one after the other.
 *
 * An instruction changes the configuration, or it changes files: then it has a tree of its own for the while, and what it
 * changed there is a layer, kept with the step's key for the next build.
 */

import { closeSync } from 'node:fs';
import { posix } from 'node:path';
import { ImageTree } from '../../container/tree/image-tree.js';
import {
  atInstruction,
  type Instruction,
  parseTrigger,
  triggerText,
  wrongAt,
} from '../../dockerfile/dockerfile.js';
import { expandValue } from '../../dockerfile/words.js';
import { UserError } from '../../errno/user-error.js';
import { healthcheckOf } from '../../image/add/healthcheck-instruction.js';
import { CONFIG_INSTRUCTIONS } from '../../image/add/instructions.js';
import { resolveImage } from '../../image/catalog/image-index.js';
import { layerTreePaths } from '../../image/catalog/layer-record.js';
import { BUILD_STEP } from '../../image/oci/oci.js';
import type { Intent } from '../../store/intent.js';
import type { Store } from '../../store/store.js';
import type { BuildEvent } from './build-event.js';
import { type BuildState, findCached, nextKey, withPending } from './build-state.js';
import { userOwner } from './file-owner.js';
import { argWords } from './variables.js';
import { WorkingTree } from './working-tree.js';
import { makePath } from './write-files.js';

export interface StageTools {
  readonly store: Store;
  readonly intent: Intent;
  readonly noCache: boolean;
  /** SOURCE_DATE_EPOCH: no time in the image is later. */
  readonly epochSec: number | undefined;
  /** For the user who waits. */
  readonly report: (event: BuildEvent) => void;
  /** COPY and ADD: see copy-files.ts. */
  readonly copy: (build: StageBuild, instruction: Instruction) => Promise<void>;
  /** RUN: see run-step.ts. */
  readonly run: (build: StageBuild, instruction: Instruction) => Promise<void>;
}

/** What the image says of when it was made. */
export function createdAt({ epochSec }: Pick<StageTools, 'epochSec'>): Date {
  return epochSec === undefined ? new Date() : new Date(epochSec * 1000);
}

/** A step that changes files. */
interface FileStep {
  /** As the history shows it. */
  readonly createdBy: string;
  /** What the outcome depends on beside the state before. */
  readonly parts: readonly string[];
  change(tree: WorkingTree): Promise<void>;
}

export class StageBuild {
  readonly state: BuildState;
  readonly tools: StageTools;
  #hasCommand = false;

  constructor(state: BuildState, tools: StageTools) {
    this.state = state;
    this.tools = tools;
  }

  /** @throws UserError that names the line. */
  async carryOut(instruction: Instruction): Promise<void> {
    const { keyword } = instruction;
    try {
      if (keyword === 'RUN') await this.tools.run(this, instruction);
      else if (keyword === 'COPY' || keyword === 'ADD') await this.tools.copy(this, instruction);
      else await this.#configure(instruction);
    } catch (error) {
      throw atInstruction(instruction, error);
    }
  }

  /** What the base image has for who builds upon it; its own images do not have it any more. */
  async carryOutTriggers(from: Instruction, announce: (trigger: Instruction) => void): Promise<void> {
    const { config } = this.state;
    const triggers = config.OnBuild ?? [];
    delete config.OnBuild;
    if (triggers.length > 0) this.state.key = nextKey(this.state.key, ['ONBUILD', ...triggers]);
    for (const text of triggers) {
      const trigger = parseTrigger(text, from);
      announce(trigger);
      await this.carryOut(trigger);
    }
  }

  /** Does the step, or takes what it made before. */
  async files({ createdBy, parts, change }: FileStep): Promise<void> {
    const { state, tools } = this;
    const { store, intent } = tools;
    const key = nextKey(state.key, [createdBy, ...parts]);
    const cached = tools.noCache ? undefined : findCached(store, key);
    if (cached) {
      tools.report({ kind: 'cached', id: cached.id });
      state.image = cached;
    } else {
      using tree = new WorkingTree(store, intent, state.image.layers);
      await change(tree);
      const derived = {
        image: withPending(state),
        config: state.config,
        names: [],
        createdBy,
        created: createdAt(tools),
        comment: 'plyfs',
        annotations: { [BUILD_STEP]: key },
      };
      const { id } = await tree.commit(derived, tools.epochSec);
      tools.report({ kind: 'made', id });
      state.image = resolveImage(store, id);
    }
    state.pending = [];
    state.key = key;
  }

  /** An absolute path of the stage: what is relative is taken from WORKDIR. */
  absolute(path: string): string {
    return posix.join('/', path.startsWith('/') ? '' : (this.state.config.WorkingDir ?? ''), path);
  }

  async #configure(instruction: Instruction): Promise<void> {
    const { keyword, text, escape: escapeChar, flags } = instruction;
    const { state } = this;
    const [flag] = flags;
    if (flag !== undefined && keyword !== 'HEALTHCHECK') {
      throw wrongAt(instruction, `the flag '--${flag.name}' is not supported`);
    }
    const options = flags.map(({ name, value }) => `--${name}=${value ?? ''} `).join('');
    const createdBy = `${keyword} ${options}${text.trim()}`;
    if (keyword === 'ARG') this.#declare(instruction);
    else if (keyword === 'MAINTAINER')
      state.image = { ...state.image, config: { ...state.image.config, author: text.trim() } };
    else if (keyword === 'HEALTHCHECK') state.config.Healthcheck = healthcheckOf(flags, text);
    else if (keyword === 'ONBUILD') {
      const trigger = triggerText(instruction);
      parseTrigger(trigger, instruction);
      state.config.OnBuild = [...(state.config.OnBuild ?? []), trigger];
    } else {
      const apply = CONFIG_INSTRUCTIONS[keyword];
      if (apply === undefined) throw wrongAt(instruction, 'this instruction is not supported');
      // Docker takes a CMD and an ENTRYPOINT of nothing: a shell that does nothing.
      const mayBeEmpty = keyword === 'CMD' || keyword === 'ENTRYPOINT';
      if (text.trim() === '' && !mayBeEmpty) throw wrongAt(instruction, 'it wants an argument');
      apply(state.config, text.trim(), { lookup: state.variables.lookup, escape: escapeChar });
      this.#after(keyword);
    }
    state.pending.push({
      created: createdAt(this.tools).toISOString(),
      created_by: createdBy,
      comment: 'plyfs',
      empty_layer: true,
    });
    state.key = nextKey(state.key, [createdBy, JSON.stringify(state.config)]);
    if (keyword === 'WORKDIR') await this.#makeWorkingDirectory(createdBy);
  }

  #after(keyword: string): void {
    const { config, variables } = this.state;
    if (keyword === 'ENV') variables.inherit(config.Env ?? []);
    // A command that was inherited belongs to the entrypoint before.
    if (keyword === 'ENTRYPOINT' && !this.#hasCommand) delete config.Cmd;
    if (keyword === 'CMD') this.#hasCommand = true;
  }

  #declare(instruction: Instruction): void {
    const { text, escape: escapeChar } = instruction;
    const { variables } = this.state;
    if (text.trim() === '') throw wrongAt(instruction, 'it wants an argument');
    for (const { name, preset } of argWords(text, escapeChar)) {
      const value =
        preset === undefined ? undefined : () => expandValue(preset, variables.lookup, escapeChar);
      variables.declareArg(name, value);
    }
  }

  /** WORKDIR makes its directory, as a layer where there is none; it belongs to USER, as with BuildKit. */
  async #makeWorkingDirectory(createdBy: string): Promise<void> {
    const path = this.state.config.WorkingDir ?? '/';
    const type = this.#typeOf(path);
    if (type === 'directory') return;
    if (type === 'file') throw new UserError(`'${path}' is a file`);
    this.state.pending.pop();
    await this.files({
      createdBy,
      parts: [],
      change: async (working) => {
        await using root = await working.open();
        closeSync(makePath(root.fd, path, userOwner(root.fd, this.state.config.User)));
      },
    });
  }

  #typeOf(path: string): 'directory' | 'file' | undefined {
    const { layers } = this.state.image;
    if (layers.length === 0) return path === '/' ? 'directory' : undefined;
    using tree = new ImageTree(layerTreePaths(this.tools.store, layers));
    return tree.resolve(path).type;
  }
}
