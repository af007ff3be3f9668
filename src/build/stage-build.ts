/**
 * One stage of a build: its instructions, one after the other.
 *
 * An instruction changes the configuration, or it changes files: then it has a tree of its own for the while, and what it
 * changed there is a layer, kept with the step's key for the next build.
 */

import { closeSync } from 'node:fs';
import { posix } from 'node:path';
import { ImageTree } from '../container/image-tree.js';
import { StartFailure } from '../container/start-process.js';
import { UserError } from '../errno/user-error.js';
import { resolveImage } from '../image/image-index.js';
import { CONFIG_INSTRUCTIONS } from '../image/instructions.js';
import { layerTreePaths } from '../image/layer-record.js';
import { BUILD_STEP } from '../image/oci.js';
import { expandWords, jsonForm } from '../image/words.js';
import type { Intent } from '../store/intent.js';
import type { Store } from '../store/store.js';
import { type BuildState, findCached, nextKey, withPending } from './build-state.js';
import { type Instruction, wrongAt } from './dockerfile.js';
import { makePath } from './place-files.js';
import { WorkingTree } from './working-tree.js';

export interface StageTools {
  readonly store: Store;
  readonly intent: Intent;
  readonly noCache: boolean;
  /** A line for who waits. */
  readonly say: (line: string) => void;
  /** COPY and ADD: see copy-files.ts. */
  readonly copy: (build: StageBuild, instruction: Instruction) => Promise<void>;
}

/** A step that changes files. */
export interface FileStep {
  /** As the history shows it. */
  readonly createdBy: string;
  /** What the outcome depends on beside the state before. */
  readonly parts: readonly string[];
  change(tree: WorkingTree): Promise<void>;
}

const DEFAULT_SHELL = ['/bin/sh', '-c'];
const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

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
      if (keyword === 'RUN') await this.#run(instruction);
      else if (keyword === 'COPY' || keyword === 'ADD') await this.tools.copy(this, instruction);
      else await this.#configure(instruction);
    } catch (error) {
      if (error instanceof UserError && !/^line \d+: /.test(error.message)) {
        throw wrongAt(instruction, error.message, error.hint);
      }
      throw error;
    }
  }

  /** Does the step, or takes what it made before. */
  async files({ createdBy, parts, change }: FileStep): Promise<void> {
    const { state, tools } = this;
    const { store, intent } = tools;
    const key = nextKey(state.key, [createdBy, ...parts]);
    const cached = tools.noCache ? undefined : findCached(store, key);
    if (cached) tools.say(' ---> Using cache');
    else {
      using tree = new WorkingTree(store, intent, state.image.layers);
      await change(tree);
      const { id } = await tree.commit({
        image: withPending(state),
        config: state.config,
        names: [],
        createdBy,
        comment: 'plyfs',
        annotations: { [BUILD_STEP]: key },
      });
      tools.say(` ---> ${id.slice('sha256:'.length, 19)}`);
    }
    state.image = cached ?? findCached(store, key) ?? resolveImage(store, key);
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
    const createdBy = `${keyword} ${text.trim()}`;
    if (keyword === 'ARG') this.#declare(instruction);
    else if (keyword === 'MAINTAINER')
      state.config.Labels = { ...state.config.Labels, maintainer: text.trim() };
    else if (keyword === 'HEALTHCHECK') this.tools.say(' ---> HEALTHCHECK has no effect here');
    else {
      const apply = CONFIG_INSTRUCTIONS[keyword];
      if (apply === undefined) throw wrongAt(instruction, 'this instruction is not supported');
      if (text.trim() === '') throw wrongAt(instruction, 'it wants an argument');
      apply(state.config, text.trim(), { lookup: state.variables.lookup, escape: escapeChar });
      this.#after(keyword);
    }
    state.pending.push({
      created: new Date().toISOString(),
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

  #declare({ text, escape: escapeChar }: Instruction): void {
    const { variables } = this.state;
    for (const word of expandWords(text, variables.lookup, escapeChar)) {
      const equals = word.indexOf('=');
      if (equals < 0) variables.declareArg(word, undefined);
      else variables.declareArg(word.slice(0, equals), word.slice(equals + 1));
    }
  }

  /** WORKDIR makes its directory, as a layer where there is none. */
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
        closeSync(makePath(root.fd, path, undefined));
      },
    });
  }

  async #run(instruction: Instruction): Promise<void> {
    const { state } = this;
    const [flag] = instruction.flags;
    if (flag) throw wrongAt(instruction, `the flag '--${flag.name}' is not supported`);
    if (instruction.text.trim() === '') throw wrongAt(instruction, 'it wants a command');
    const command = commandOf(instruction, state.config.Shell ?? DEFAULT_SHELL);
    const args = state.variables.cacheableArgs();
    const environment = [...state.variables.argEnv(), ...(state.config.Env ?? [])];
    const hasPath = environment.some((entry) => entry.startsWith('PATH='));
    await this.files({
      createdBy: `RUN ${[...args.map((arg) => `${arg} `), command.join(' ')].join('')}`,
      parts: [JSON.stringify(command), ...args],
      change: async (tree) => {
        const status = await tree
          .run({
            command,
            environment: hasPath ? environment : [DEFAULT_PATH, ...environment],
            workingDirectory: state.config.WorkingDir || '/',
            user: state.config.User ?? '',
          })
          .catch((error: unknown) => {
            throw error instanceof StartFailure ? wrongAt(instruction, error.message) : error;
          });
        if (status !== 0) throw wrongAt(instruction, `the command ended with status ${status}`);
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

/** The JSON form, a here-document alone as a script, or a line for the shell. */
function commandOf(instruction: Instruction, shell: readonly string[]): readonly string[] {
  const { text, heredocs } = instruction;
  const [heredoc] = heredocs;
  const isScript = /^\s*<<-?(["']?)[\w.]+\1\s*\n/.test(text);
  if (heredoc && heredocs.length === 1 && isScript) {
    if (heredoc.content.startsWith('#!')) {
      throw wrongAt(
        instruction,
        'a here-document with an interpreter of its own is not supported',
        'COPY the script, then RUN it',
      );
    }
    return [...shell, heredoc.content];
  }
  return jsonForm(text.trim()) ?? [...shell, text.trim()];
}
