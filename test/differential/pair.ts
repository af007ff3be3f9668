/**
 * Two file systems over the same layers, and many runs on one mount of each: run K in the
 * subdirectory `rK/w`, since a symlink `../a` of the run may lead one level up.
 *
 * After the steps of each run the trees are compared; `finish` compares all once more after a remount, and then each
 * side's upper under the other side's file system. A difference is thrown as a `Difference`.
 */

import fs from 'node:fs';
import { inspect, isDeepStrictEqual } from 'node:util';
import { ALICE } from '../conformance/suite.js';
import { mergeLayers } from '../helpers/layers.js';
import { findMount } from '../helpers/mountinfo.js';
import type { OperationName } from '../helpers/operations/operations.js';
import type { Tree } from '../helpers/operations/tree.js';
import { Operator } from '../helpers/operator-client.js';
import { workerPrefix } from '../helpers/paths.js';
import type { Stack, Target } from '../helpers/targets.js';
import { diffTrees } from '../helpers/tree.js';
import { type AllowedDifference, codeOf } from './allowed.js';
import type { Run } from './arbitrary.js';
import { type Actor, describeStep, doStep, normalTime, type Outcome, type Step } from './steps.js';

export class Difference extends Error {
  override readonly name = 'Difference';
  readonly run: Run;
  constructor(run: Run, message: string) {
    super(message);
    this.run = run;
  }
}

export interface PairOptions {
  /** Kernel overlayfs, or what stands for it. */
  readonly reference: Target;
  readonly other: Target;
  /** Mounts the upper that the other side wrote, where that takes other options than the reference has. */
  readonly reader?: Target;
  readonly allowed?: readonly AllowedDifference[];
  /** Operations that the other side loses: the deliberate bug. */
  readonly sabotage?: readonly OperationName[];
}

/** Operators live longer than mounts: one root and one user for each side. */
export class Operators {
  readonly #all = new Map<string, Operator>();

  async get(key: string, sabotage: readonly OperationName[], onHang: () => void): Promise<Operator> {
    const known = this.#all.get(key);
    if (known?.isLost === false) return known;
    const identity = key.endsWith('user') ? { identity: ALICE } : {};
    const operator = await Operator.start({ ...identity, sabotage, onHang });
    this.#all.set(key, operator);
    return operator;
  }

  async stop(): Promise<void> {
    for (const operator of this.#all.values()) await operator.stop();
    this.#all.clear();
  }
}

interface Side {
  readonly target: Target;
  readonly stack: Stack;
  readonly root: Operator;
  readonly user: Operator;
}

export class Pair {
  readonly #options: PairOptions;
  readonly #runs: readonly Run[];
  readonly #operators: Operators;
  readonly #diverged = new Set<number>();
  #scratch = '';
  #sides: readonly Side[] = [];
  #mounted = new Map<string, Target>();

  constructor(options: PairOptions, runs: readonly Run[], operators: Operators) {
    this.#options = options;
    this.#runs = runs;
    this.#operators = operators;
  }

  async start(): Promise<void> {
    this.#scratch = fs.mkdtempSync(`${workerPrefix()}pair-`);
    fs.chmodSync(this.#scratch, 0o755);
    const depth = Math.max(...this.#runs.map((run) => run.layers.length));
    const lowers = Array.from({ length: depth }, (_, level) => `${this.#scratch}/lower${level}`);
    for (const lower of lowers) fs.mkdirSync(lower);
    const { reference, other, sabotage = [] } = this.#options;
    this.#sides = [
      await this.#side('reference', reference, lowers, []),
      await this.#side('other', other, lowers, sabotage),
    ];
    for (const [index, run] of this.#runs.entries()) await this.#buildRun(index, run, lowers);
    for (const side of this.#sides) await this.#mount(side.target, side.stack);
  }

  async dispose(): Promise<void> {
    for (const side of this.#sides) await this.#unmount(side.stack);
    if (this.#sides.every(({ stack }) => findMount(stack.mountpoint) === undefined)) {
      fs.rmSync(this.#scratch, { recursive: true });
    }
  }

  /** Does the steps of a run on both sides. @throws Difference */
  async execute(index: number): Promise<void> {
    const run = this.#runs[index]!;
    const actors = this.#sides.map(({ stack, root, user }) => {
      const place = `${stack.mountpoint}/r${index}/w`;
      return {
        root: { fs: root.fs(place), slots: new Map<number, number>() },
        user: { fs: user.fs(place), slots: new Map<number, number>() },
      };
    });
    const [mine, theirs] = actors as [(typeof actors)[0], (typeof actors)[0]];
    for (const [at, step] of run.steps.entries()) {
      const who = step.user === true ? 'user' : 'root';
      const [wanted, found] = await Promise.all([doStep(mine[who], step), doStep(theirs[who], step)]);
      if (isDeepStrictEqual(wanted, found)) continue;
      const earlier = run.steps.slice(0, at);
      const allowed = this.#options.allowed?.find((entry) => entry.matches(step, wanted, found, earlier));
      if (allowed?.effect === 'same') continue;
      if (allowed === undefined) throw new Difference(run, this.#describe(at, step, wanted, found));
      this.#diverged.add(index);
      break;
    }
    for (const { root } of actors) await closeSlots(root);
    await this.#compareRun(index, 'after the steps');
  }

  /** Compares all runs after a remount, and with the uppers exchanged. @throws Difference */
  async finish(): Promise<void> {
    for (const side of this.#sides) {
      await this.#unmount(side.stack);
      await this.#mount(side.target, side.stack);
    }
    for (const index of this.#runs.keys()) await this.#compareRun(index, 'after a remount');
    if (!this.#sides.every(({ target }) => target.features.has('layers'))) return;
    for (const side of this.#sides) await this.#compareSwapped(side);
  }

  /** One side's upper mounted by the other must show what it showed before. */
  async #compareSwapped(side: Side): Promise<void> {
    const before = await this.#trees(side);
    const { reference, other, reader = reference } = this.#options;
    const swapped = side === this.#sides[0] ? other : reader;
    await this.#unmount(side.stack);
    await this.#mount(swapped, side.stack);
    const after = await this.#trees(side);
    for (const [index, tree] of before.entries()) {
      const what = `the upper written by ${side.target.name}, mounted by ${swapped.name}`;
      this.#requireEqual(index, tree, after[index]!, what);
    }
  }

  async #trees(side: Side): Promise<Tree[]> {
    const trees: Tree[] = [];
    for (const index of this.#runs.keys())
      trees.push(await side.root.fs(`${side.stack.mountpoint}/r${index}`).readTree());
    return trees;
  }

  async #compareRun(index: number, when: string): Promise<void> {
    if (this.#diverged.has(index)) return;
    const [wanted, found] = await Promise.all(
      this.#sides.map(({ stack, root }) => root.fs(`${stack.mountpoint}/r${index}`).readTree()),
    );
    this.#requireEqual(index, wanted!, found!, when);
  }

  #requireEqual(index: number, wanted: Tree, found: Tree, when: string): void {
    const lines = diffTrees(normalTree(wanted), normalTree(found));
    if (lines.length > 0) throw new Difference(this.#runs[index]!, `${when}:\n${lines.join('\n')}`);
  }

  #describe(at: number, step: Step, wanted: Outcome, found: Outcome): string {
    const { reference, other } = this.#options;
    const show = (outcome: Outcome): string =>
      'code' in outcome ? outcome.code : inspect(outcome.result, { depth: 3 });
    const codes = `${codeOf(wanted)}/${codeOf(found)}`;
    return `step ${at + 1} (${codes}): ${describeStep(step)}\n  ${reference.name}: ${show(wanted)}\n  ${other.name}: ${show(found)}`;
  }

  async #side(
    name: string,
    target: Target,
    lowers: string[],
    sabotage: readonly OperationName[],
  ): Promise<Side> {
    const at = `${this.#scratch}/${name}`;
    const stack: Stack = { lowers, upper: `${at}/upper`, work: `${at}/work`, mountpoint: `${at}/mount` };
    for (const path of [at, stack.upper, stack.work, stack.mountpoint]) fs.mkdirSync(path);
    const onHang = (): void => target.abort(stack);
    const key = `${name}-${target.name}-${sabotage.join(',')}`;
    const root = await this.#operators.get(`${key}-root`, sabotage, onHang);
    const user = await this.#operators.get(`${key}-user`, sabotage, onHang);
    return { target, stack, root, user };
  }

  async #buildRun(index: number, run: Run, lowers: readonly string[]): Promise<void> {
    const builder = this.#sides[0]!.root;
    for (const [level, layer] of run.layers.entries()) {
      const place = `${lowers[level]}/r${index}/w`;
      fs.mkdirSync(place, { recursive: true });
      await builder.fs(place).build(layer);
    }
    for (const { target, stack } of this.#sides) {
      if (target.features.has('layers')) continue;
      const place = `${stack.mountpoint}/r${index}/w`;
      fs.mkdirSync(place, { recursive: true });
      await builder.fs(place).build(mergeLayers(run.layers));
    }
  }

  async #mount(target: Target, stack: Stack): Promise<void> {
    await target.mount(stack);
    this.#mounted.set(stack.mountpoint, target);
  }

  async #unmount(stack: Stack): Promise<void> {
    const target = this.#mounted.get(stack.mountpoint);
    this.#mounted.delete(stack.mountpoint);
    for (const { root, user } of this.#sides) {
      for (const operator of [root, user]) if (!operator.isLost) await operator.fs('/').reset();
    }
    await target?.unmount(stack);
  }
}

async function closeSlots({ fs: side, slots }: Actor): Promise<void> {
  for (const fd of slots.values()) await side.close(fd);
  slots.clear();
}

/** Times that the clock set are the same time. Data that passes a fifo moves its time on ext4 and not on overlayfs. */
function normalTree(tree: Tree): Tree {
  const entries = Object.entries(tree).map(([path, node]) => {
    const mtimeNs = node.type === 'fifo' ? 0n : normalTime(node.mtimeNs) === 'now' ? -1n : node.mtimeNs;
    return [path, { ...node, mtimeNs }] as const;
  });
  return Object.fromEntries(entries);
}
