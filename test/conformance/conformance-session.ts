/**
 * Runs the cases of one suite on one target: one mount for all, with a subdirectory for each case.
 *
 * Layer K of the mount holds `c0`, `c1`, ... with layer K of each case. After each case the layers must be as they
 * were, to the access time. When an operator is lost (a hang, a dead daemon), everything is built anew before the next
 * case. `runCase` throws the case's failure with layers, upper and the last calls in its message.
 */

import fs, { mkdtempSync, rmSync } from 'node:fs';
import { describeTree, diffTrees } from '../helpers/diff-trees.js';
import { describeLayers, dir, mergeLayers } from '../helpers/layers.js';
import type { OperationName } from '../helpers/operations/all-operations.js';
import type { Identity } from '../helpers/operations/process-operations.js';
import type { Tree } from '../helpers/operations/tree-operations.js';
import { type Fs, Operator, type OperatorHandle, type OperatorOptions } from '../helpers/operator-client.js';
import { workerPrefix } from '../helpers/project-paths.js';
import { findMount } from '../helpers/read-mountinfo.js';
import type { Stack, Target } from '../helpers/targets.js';
import type { Case, CaseContext, Suite } from './suite.js';

/** For a directory of 100,000 entries on a busy machine. */
export const BUILD_LIMIT_MS = 100_000;

export interface SessionOptions {
  /** Operations that operators lose: for the test of the tests. */
  readonly sabotage?: readonly OperationName[];
  readonly limitMs?: number;
}

/** The cases of a suite that a target can run. */
export function casesFor(suite: Suite, target: Target): readonly Case[] {
  return suite.cases.filter((test) => (test.needs ?? []).every((need) => target.features.has(need)));
}

export class Session {
  readonly #target: Target;
  readonly #cases: readonly Case[];
  readonly #options: SessionOptions;
  readonly #operators = new Map<string, OperatorHandle>();
  readonly #accessed: string[] = [];
  #scratch = '';
  #stack: Stack = { lowers: [], upper: '', work: '', mountpoint: '' };

  constructor(target: Target, suite: Suite, options: SessionOptions = {}) {
    this.#target = target;
    this.#cases = casesFor(suite, target);
    this.#options = options;
  }

  /** What cases so far moved the access times of layers, and which. */
  get accessedLayers(): readonly string[] {
    return this.#accessed;
  }

  get #layered(): boolean {
    return this.#target.features.has('layers');
  }

  async start(): Promise<void> {
    this.#scratch = mkdtempSync(`${workerPrefix()}${this.#target.name}-`);
    fs.chmodSync(this.#scratch, 0o755);
    const depth = Math.max(1, ...this.#cases.map((test) => test.layers?.length ?? 0));
    const at = (name: string): string => `${this.#scratch}/${name}`;
    const lowers = Array.from({ length: depth }, (_, index) => at(`lower${index}`));
    const volumes = this.#cases.flatMap((test, index) => [
      ...(test.volumes?.(`${at('host')}/c${index}`, `/c${index}`) ?? []),
    ]);
    this.#stack = { lowers, upper: at('upper'), work: at('work'), mountpoint: at('mount'), volumes };
    for (const path of [...lowers, at('upper'), at('work'), at('mount'), at('host'), at('expected')])
      fs.mkdirSync(path);
    await this.#buildCases();
    await this.#target.mount(this.#stack);
  }

  async dispose(): Promise<void> {
    if (this.#scratch === '') return;
    for (const operator of this.#operators.values()) await operator.stop();
    this.#operators.clear();
    try {
      await this.#target.unmount(this.#stack);
    } finally {
      if (findMount(this.#stack.mountpoint) === undefined) rmSync(this.#scratch, { recursive: true });
      this.#scratch = '';
    }
  }

  /** @throws what the case throws, with a report. */
  async runCase(test: Case): Promise<void> {
    await this.#renew();
    const index = this.#cases.indexOf(test);
    const main = await this.#operator('main');
    for (const operator of this.#operators.values()) operator.forgetTrace();
    const root = `${this.#stack.mountpoint}/c${index}`;
    try {
      if (test.layers === undefined) await main.fs(this.#stack.mountpoint).mkdir(`c${index}`);
      const before = await this.#fingerprints(main, index);
      await test.run(main.fs(root), this.#context(test, index));
      for (const operator of this.#operators.values()) if (!operator.isLost) await operator.fs('/').reset();
      this.#compareLayers(test, before, await this.#fingerprints(main, index));
    } catch (error) {
      const report = await this.#report(test, index);
      if (error instanceof Error) error.message += `\n${report}`;
      throw error;
    } finally {
      for (const operator of this.#operators.values()) if (!operator.isLost) await operator.fs('/').reset();
    }
  }

  /**
   * What another target shows of this one's upper otherwise, a line each with the name of the case. Cases with volumes
   * are left out: their trees are those of mounts.
   */
  async differencesUnder(reader: Target): Promise<string[]> {
    await this.#renew();
    const main = await this.#operator('main');
    const stack: Stack = { ...this.#stack, volumes: [] };
    const own = await this.#readCases(main);
    for (const operator of this.#operators.values()) await operator.fs('/').reset();
    await this.#target.unmount(this.#stack);
    await reader.mount(stack);
    const read = await this.#readCases(main);
    await reader.unmount(stack);
    await this.#target.mount(this.#stack);
    return [...own].flatMap(([name, tree]) =>
      diffTrees(tree, read.get(name)!).map((line) => `${name}: ${line}`),
    );
  }

  async #readCases(operator: OperatorHandle): Promise<Map<string, Tree>> {
    const trees = new Map<string, Tree>();
    for (const [index, test] of this.#cases.entries()) {
      const root = operator.fs(`${this.#stack.mountpoint}/c${index}`);
      if (test.volumes !== undefined || test.isTooLargeToCompare === true) continue;
      if (await root.exists('')) trees.set(test.name, await root.readTree());
    }
    return trees;
  }

  /** Starts over when the mount or an operator did not survive the case before. */
  async #renew(): Promise<void> {
    if ([...this.#operators.values()].every((operator) => !operator.isLost)) return;
    this.#target.abort(this.#stack);
    try {
      await this.dispose();
    } catch (error) {
      process.stderr.write(`after a lost operator: ${(error as Error).message}\n`);
    }
    await this.start();
  }

  async #operator(key: string, identity?: Identity): Promise<OperatorHandle> {
    const known = this.#operators.get(key);
    if (known !== undefined) return known;
    const options: OperatorOptions = {
      ...(identity === undefined ? {} : { identity }),
      ...this.#options,
      onHang: () => this.#target.abort(this.#stack),
    };
    const operator = await this.#startOperator(options);
    this.#operators.set(key, operator);
    return operator;
  }

  #startOperator(options: OperatorOptions): Promise<OperatorHandle> {
    return this.#target.startOperator?.(options) ?? Operator.start(options);
  }

  async #buildCases(): Promise<void> {
    const builder = await this.#startOperator({ limitMs: BUILD_LIMIT_MS });
    try {
      for (const [index, test] of this.#cases.entries()) await this.#buildCase(builder, test, index);
    } finally {
      await builder.stop();
    }
  }

  async #buildCase(builder: OperatorHandle, test: Case, index: number): Promise<void> {
    const put = async (place: string, tree: Parameters<Fs['build']>[0]): Promise<void> => {
      fs.mkdirSync(`${place}/c${index}`);
      await builder.fs(`${place}/c${index}`).build(tree);
    };
    if (test.host !== undefined) await put(`${this.#scratch}/host`, test.host);
    if (test.layers === undefined) return;
    if (!this.#layered) return put(this.#stack.mountpoint, mergeLayers(test.layers));
    for (const [level, layer] of test.layers.entries()) await put(this.#stack.lowers[level]!, layer);
  }

  #context(test: Case, index: number): CaseContext {
    const name = `c${index}`;
    const root = `${this.#stack.mountpoint}/${name}`;
    const main = this.#operators.get('main')!;
    return {
      target: this.#target.name,
      root,
      upper: main.fs(`${this.#stack.upper}/${name}`),
      lower: (level) => main.fs(`${this.#stack.lowers[level]}/${name}`),
      host: main.fs(`${this.#scratch}/host/${name}`),
      as: async (identity) => {
        const key = `${identity.uid}:${identity.gid}:${(identity.groups ?? []).join(',')}`;
        return (await this.#operator(key, identity)).fs(root);
      },
      other: async () => (await this.#operator('other')).fs(root),
      remount: () => this.#remount(),
      mergedTree: () => this.#mergedTree(test, main, name),
    };
  }

  async #remount(): Promise<void> {
    for (const operator of this.#operators.values()) await operator.fs('/').reset();
    await this.#target.unmount(this.#stack);
    await this.#target.mount(this.#stack);
  }

  async #mergedTree(test: Case, main: OperatorHandle, name: string): Promise<Tree> {
    const expected = main.fs(`${this.#scratch}/expected`);
    await expected.mkdir(name);
    const place = main.fs(`${this.#scratch}/expected/${name}`);
    await place.build(mergeLayers(test.layers ?? [dir()]));
    return place.readTree();
  }

  async #fingerprints(main: OperatorHandle, index: number): Promise<string[]> {
    if (!this.#layered) return [];
    const lines: string[] = [];
    for (const [level, lower] of this.#stack.lowers.entries()) {
      if (!fs.existsSync(`${lower}/c${index}`)) continue;
      const found = await main.fs(`${lower}/c${index}`).fingerprint();
      lines.push(...found.map((line) => `layer ${level}: ${line}`));
    }
    return lines;
  }

  /** Access times are collected: one engine that moves them would else fail every case. */
  #compareLayers(test: Case, before: readonly string[], after: readonly string[]): void {
    const now = new Set(after);
    const changed = before.filter((line) => !now.has(line));
    const accessed = new Set(after.map(withoutAccessTime));
    const lost = changed.filter((line) => !accessed.has(withoutAccessTime(line)));
    if (lost.length > 0 || after.length !== before.length) {
      const left = after.filter((line) => !before.includes(line));
      throw new Error(`the layers were changed:\n${lost.join('\n')}\nnow:\n${left.join('\n')}`);
    }
    if (changed.length > 0) this.#accessed.push(`${test.name}: ${changed.join(', ')}`);
  }

  async #report(test: Case, index: number): Promise<string> {
    const lines = [
      `--- ${this.#target.name}, layers`,
      test.layers === undefined ? '  none' : describeLayers(test.layers),
    ];
    for (const [key, operator] of this.#operators)
      lines.push(`--- last calls of operator ${key}`, ...operator.trace);
    const main = this.#operators.get('main');
    const upper = `${this.#stack.upper}/c${index}`;
    if (this.#layered && main?.isLost === false && fs.existsSync(upper)) {
      lines.push('--- upper', describeTree(await main.fs(upper).readTree()));
    }
    return lines.join('\n');
  }
}

function withoutAccessTime(line: string): string {
  return line.replace(/ a-?\d+ m/, ' m');
}
