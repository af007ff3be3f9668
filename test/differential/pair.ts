/**
 * Two file systems over the same layers, and many runs on one mount of each: run K in the
 * subdirectory `rK/w`, since a symlink `../a` of the run may lead one level up.
 *
 * A run goes from one mount change to the next; all runs of a pair have the same changes. Trees are compared after each
 * tenth step and around each change; `finish` compares all once more after a remount, and then each side's upper under
 * the other side's file system. A difference is thrown as a `Difference`.
 */

import fs from 'node:fs';
import { dirname } from 'node:path';
import { inspect, isDeepStrictEqual } from 'node:util';
import { ALICE } from '../conformance/suite.js';
import { mergeLayers } from '../helpers/layers.js';
import type { OperationName } from '../helpers/operations/all-operations.js';
import type { Tree } from '../helpers/operations/tree-operations.js';
import { Operator, type OperatorHandle, type OperatorOptions } from '../helpers/operator-client.js';
import { workerPrefix } from '../helpers/project-paths.js';
import { findMount } from '../helpers/read-mountinfo.js';
import type { Stack, Target } from '../helpers/targets.js';
import { type AllowedDifference, codeOf } from './allowed.js';
import type { Run } from './draw.js';
import { type Actor, closeSlot } from './kind.js';
import { NameModel } from './name-model.js';
import {
  type DrawnStep,
  describeStep,
  doStep,
  followStep,
  isMountChange,
  type MountChange,
  type Operation,
  type Outcome,
  resolveStep,
  type Step,
} from './steps.js';
import type { Tally } from './tally.js';
import { compareTrees } from './trees.js';

export class Difference extends Error {
  override readonly name = 'Difference';
  readonly index: number;
  /** The run as far as it was done, with names in place of wishes. */
  readonly run: Run;
  constructor(index: number, run: Run, message: string) {
    super(message);
    this.index = index;
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
  /** The steps of the other user are done by whoever does all: there is no root to take on another identity. */
  readonly hasOneUser?: boolean;
}

/** Operators live longer than mounts: one root and one user for each side. */
export class Operators {
  readonly #all = new Map<string, OperatorHandle>();

  async get(key: string, target: Target, options: OperatorOptions): Promise<OperatorHandle> {
    const known = this.#all.get(key);
    if (known?.isLost === false) return known;
    const operator = await (target.startOperator?.(options) ?? Operator.start(options));
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
  stack: Stack;
  readonly root: OperatorHandle;
  readonly user: OperatorHandle;
}

/** A run on its way. */
interface Progress {
  readonly run: Run;
  /** Steps to come, the next one last. */
  readonly left: (Step | DrawnStep)[];
  readonly done: Step[];
  readonly names: NameModel;
}

/** Trees are compared after so many steps. */
const TREE_INTERVAL = 10;

export class Pair {
  readonly #options: PairOptions;
  readonly #runs: readonly Progress[];
  readonly #operators: Operators;
  readonly #tally: Tally;
  #scratch = '';
  #sides: readonly Side[] = [];
  #mounted = new Map<string, Target>();
  #frozen = 0;
  #underWay = 0;

  constructor(options: PairOptions, runs: readonly Run[], operators: Operators, tally: Tally) {
    this.#options = options;
    this.#operators = operators;
    this.#tally = tally;
    this.#runs = runs.map((run) => ({
      run,
      left: run.steps.toReversed(),
      done: [],
      names: new NameModel(),
    }));
  }

  async start(): Promise<void> {
    this.#scratch = fs.mkdtempSync(`${workerPrefix()}pair-`);
    fs.chmodSync(this.#scratch, 0o755);
    const depth = Math.max(...this.#runs.map(({ run }) => run.layers.length));
    const lowers = Array.from({ length: depth }, (_, level) => `${this.#scratch}/lower${level}`);
    for (const lower of lowers) fs.mkdirSync(lower);
    const { reference, other, sabotage = [] } = this.#options;
    this.#sides = [
      await this.#side('reference', reference, lowers, []),
      await this.#side('other', other, lowers, sabotage),
    ];
    for (const [index, { run }] of this.#runs.entries()) await this.#buildRun(index, run, lowers);
    for (const side of this.#sides) await this.#mount(side.target, side.stack);
  }

  async dispose(): Promise<void> {
    for (const side of this.#sides) await this.#unmount(side.stack);
    if (this.#sides.every(({ stack }) => findMount(stack.mountpoint) === undefined)) {
      fs.rmSync(this.#scratch, { recursive: true });
    }
  }

  /** Does all runs to their end. @throws Difference, OperatorLost */
  async execute(): Promise<void> {
    for (;;) {
      for (const index of this.#runs.keys()) await this.#executeToChange(index);
      const changes = this.#runs.map(({ left }) => left.pop() as MountChange | undefined);
      const [change] = changes;
      if (changes.some((one) => one?.step !== change?.step)) throw new Error('runs change mounts unlike');
      if (change === undefined) break;
      for (const { done } of this.#runs) done.push(change);
      await this.#change(change.step);
    }
    await this.#finish();
  }

  /** The run that was under way, as far as it was done. */
  blame(error: Error): Difference {
    return this.#difference(this.#underWay, error.message);
  }

  /** The steps of a run up to the next change of the mounts. @throws Difference */
  async #executeToChange(index: number): Promise<void> {
    const { left, done, names } = this.#runs[index]!;
    const actors = this.#sides.map(({ stack, root, user }) => {
      const place = `${stack.mountpoint}/r${index}/w`;
      return {
        root: { fs: root.fs(place), slots: new Map<number, number>() },
        user: { fs: user.fs(place), slots: new Map<number, number>() },
      };
    });
    names.slots.clear();
    this.#underWay = index;
    await this.#compareRun(index, `before step ${done.length + 1}`);
    for (let next = left.at(-1); next !== undefined && !isMountChange(next); next = left.at(-1)) {
      const step = resolveStep(next, names);
      const who = step.user === true ? 'user' : 'root';
      done.push(step);
      left.pop();
      const outcome = await this.#doBoth(index, step, [actors[0]![who], actors[1]![who]]);
      for (const one of this.#allowed(index)) {
        for (const { root } of actors) await one.levels?.(root, step, outcome, done);
      }
      if (done.length % TREE_INTERVAL === 0) await this.#compareRun(index, `after step ${done.length}`);
    }
    for (const { root } of actors) for (const slot of [...root.slots.keys()]) await closeSlot(root, slot);
    await this.#compareRun(index, `after step ${done.length}`);
  }

  async #doBoth(index: number, step: Operation, actors: readonly [Actor, Actor]): Promise<Outcome> {
    const { done, names } = this.#runs[index]!;
    const [overlayfs, other] = await Promise.all(actors.map((actor) => doStep(actor, step)));
    this.#tally.countStep(step.step, 'result' in overlayfs!);
    if ('result' in overlayfs!) followStep(names, step);
    if (isDeepStrictEqual(overlayfs, other)) return overlayfs!;
    const answers = { step, overlayfs: overlayfs!, other: other!, earlier: done.slice(0, -1) };
    const allowed = this.#allowed(index).find(({ matchesAnswers }) => matchesAnswers?.(answers) === true);
    if (allowed === undefined) throw this.#difference(index, this.#describe(step, overlayfs!, other!));
    this.#tally.countAllowed(allowed.reason);
    if (allowed.effect === 'close' && 'slot' in step)
      for (const actor of actors) await closeSlot(actor, step.slot);
    return overlayfs!;
  }

  /** What of the table counts for a run. */
  #allowed(index: number): readonly AllowedDifference[] {
    const { form } = this.#runs[index]!.run;
    return (this.#options.allowed ?? []).filter(({ forms }) => forms?.includes(form) !== false);
  }

  async #change(change: MountChange['step']): Promise<void> {
    if (change === 'freeze' && this.#partsLinks())
      for (const index of this.#runs.keys()) await this.#partLinks(index);
    for (const side of this.#sides) await this.#unmount(side.stack);
    if (change === 'freeze') for (const side of this.#sides) this.#freeze(side);
    const [mine, theirs] = this.#sides as [Side, Side];
    if (change === 'exchange') {
      const [one, other] = [mine.stack, theirs.stack];
      mine.stack = { ...other, mountpoint: one.mountpoint };
      theirs.stack = { ...one, mountpoint: other.mountpoint };
    }
    for (const side of this.#sides) await this.#mount(side.target, side.stack);
  }

  #partsLinks(): boolean {
    const { run, left } = this.#runs[0]!;
    return run.form === 'user' || left.some(({ step }) => step === 'freeze');
  }

  /**
   * Makes each name of files with several a file of its own: in a layer below another freeze hard links would part in
   * ways of either side, since a file changed by one name shows so by the others through the index, which a layer has not.
   */
  async #partLinks(index: number): Promise<void> {
    const places = this.#sides.map(({ stack, root }) => root.fs(`${stack.mountpoint}/r${index}`));
    const tree = await places[0]!.readTree();
    const linked = Object.keys(tree).filter((path) => (tree[path]?.nlink ?? 1) > 1);
    for (const path of linked) {
      const aside = `${dirname(path)}/.aside`;
      for (const fs of places) {
        await fs.run('cp', '-a', '-T', '--', path, aside);
        await fs.rename(aside, path);
      }
    }
  }

  /** The upper becomes the topmost layer; the index that belonged to it goes. */
  #freeze(side: Side): void {
    this.#frozen += 1;
    const { lowers, upper, work, mountpoint } = side.stack;
    fs.rmSync(work, { recursive: true });
    const at = `${this.#scratch}/frozen${this.#frozen}`;
    side.stack = { lowers: [...lowers, upper], upper: `${at}/upper`, work: `${at}/work`, mountpoint };
    for (const path of [at, side.stack.upper, side.stack.work]) fs.mkdirSync(path);
  }

  /** Compares all runs after a remount, and with the uppers exchanged. @throws Difference */
  async #finish(): Promise<void> {
    await this.#change('remount');
    for (const index of this.#runs.keys()) await this.#compareRun(index, 'after the last remount');
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
      this.#tally.countTree();
      const lines = compareTrees(tree, after[index]!);
      const what = `the upper written by ${side.target.name}, mounted by ${swapped.name}`;
      if (lines.length > 0) throw this.#difference(index, `${what}:\n${lines.join('\n')}`);
    }
  }

  async #trees(side: Side): Promise<Tree[]> {
    const trees: Tree[] = [];
    for (const index of this.#runs.keys())
      trees.push(await side.root.fs(`${side.stack.mountpoint}/r${index}`).readTree());
    return trees;
  }

  async #compareRun(index: number, when: string): Promise<void> {
    const [wanted, found] = await Promise.all(
      this.#sides.map(({ stack, root }) => root.fs(`${stack.mountpoint}/r${index}`).readTree()),
    );
    this.#tally.countTree();
    const { names } = this.#runs[index]!;
    const lines = compareTrees(wanted!, found!, this.#allowed(index), (reason) =>
      this.#tally.countAllowed(reason),
    );
    if (lines.length > 0) throw this.#difference(index, `${when}:\n${lines.join('\n')}`);
    const below = Object.entries(wanted!).filter(([path]) => path.startsWith('w/'));
    names.learn(below.map(([path, { type }]) => [path.slice(2), type] as const));
  }

  #difference(index: number, message: string): Difference {
    const { run, done, left } = this.#runs[index]!;
    // A freeze to come decides how those before it are done (`#partsLinks`).
    const changes = left.toReversed().filter(isMountChange);
    return new Difference(index, { ...run, steps: [...done, ...changes] }, message);
  }

  #describe(step: Operation, wanted: Outcome, found: Outcome): string {
    const { reference, other } = this.#options;
    const show = (outcome: Outcome): string =>
      'code' in outcome ? outcome.code : inspect(outcome.result, { depth: 3 });
    const codes = `${codeOf(wanted)}/${codeOf(found)}`;
    return `${codes}: ${describeStep(step)}\n  ${reference.name}: ${show(wanted)}\n  ${other.name}: ${show(found)}`;
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
    const root = await this.#operators.get(`${key}-root`, target, { sabotage, onHang });
    const identity = this.#options.hasOneUser === true ? {} : { identity: ALICE };
    const user = await this.#operators.get(`${key}-user`, target, { ...identity, sabotage, onHang });
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
    this.#tally.countMount();
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
