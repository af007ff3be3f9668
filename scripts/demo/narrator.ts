/**
 * How the demo speaks: a title a step, each command as one would type it, its output, and whether that is what plyfs
 * promises. Coloured on a terminal only.
 *
 * INVARIANT: a command is run exactly as it is printed, by bash in the demo's folder.
 */

import { command } from '../shell.js';

/** What a command must show; all that is given must hold. */
interface Expectation {
  /** In words, for the line after the output: `the later layer wins`. */
  readonly that: string;
  readonly contains?: string | readonly string[];
  readonly lacks?: string;
  readonly equals?: string;
  readonly matches?: RegExp;
}

export class DemoFailure extends Error {}

interface NarratorOptions {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly colour: boolean;
  /** Called when a command hangs, before it is killed. */
  readonly onTimeout: () => void;
}

const outputLines = 24;

export class Narrator {
  readonly options: NarratorOptions;
  steps = 0;
  checks = 0;

  constructor(options: NarratorOptions) {
    this.options = options;
  }

  introduce(folder: string): void {
    console.log(`${this.#paint('1', 'plyfs: container file systems without Docker')}
Everything happens in ${folder}, which ./ stands for below. Each command can be typed; each outcome is checked.`);
  }

  title(text: string): void {
    this.steps++;
    console.log(`\n${this.#paint('1', `${this.steps}. ${text}`)}`);
  }

  /** Text that belongs to no command. */
  say(text: string): void {
    console.log(this.#paint('2', `  ${text}`));
  }

  conclude(seconds: string): void {
    const text = `${this.steps} steps, ${this.checks} checks passed, in ${seconds} s; nothing is left behind`;
    console.log(`\n${this.#paint('1;32', text)}`);
  }

  /**
   * Prints and runs a command, prints its output and checks it. @returns the output without the last newline
   * @throws DemoFailure when the command fails or shows something else.
   */
  async run(script: string, expected: Expectation): Promise<string> {
    console.log(`${this.#paint('36', '$')} ${script}`);
    const { folder, env, onTimeout } = this.options;
    const began = performance.now();
    const argv = ['bash', '-c', `set -e -o pipefail\n${script}`];
    const output = await command(argv, { cwd: folder, env, timeoutMs: 30_000, onTimeout }).catch(
      (error: unknown) => {
        throw new DemoFailure(
          `expected that ${expected.that}, but: ${error instanceof Error ? error.message : error}`,
        );
      },
    );
    const text = output.replace(/\n$/, '');
    const tookMs = performance.now() - began;
    this.#show(text);
    const problem = problemOf(text, expected);
    if (problem !== undefined) throw new DemoFailure(`expected that ${expected.that}: ${problem}`);
    this.checks++;
    const time = /^plyfs /.test(script) ? this.#paint('2', ` (${tookMs.toFixed(0)} ms)`) : '';
    console.log(`  ${this.#paint('32', `ok: ${expected.that}`)}${time}`);
    return text;
  }

  /** Paths in the demo's folder are shown from there, so that lines stay short. */
  #show(text: string): void {
    if (text === '') return;
    const lines = text.replaceAll(`${this.options.folder}/`, './').split('\n');
    const shown = lines.slice(0, outputLines);
    if (lines.length > outputLines) shown.push(`... (${lines.length - outputLines} lines more)`);
    console.log(shown.map((line) => `  ${line}`).join('\n'));
  }

  #paint(code: string, text: string): string {
    return this.options.colour ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}

/** What is wrong with an output; undefined when it is as expected. */
export function problemOf(text: string, expected: Expectation): string | undefined {
  const { contains = [], lacks, equals, matches } = expected;
  const missing = [contains].flat().find((part) => !text.includes(part));
  if (missing !== undefined) return `the output lacks '${missing}'`;
  if (lacks !== undefined && text.includes(lacks)) return `the output has '${lacks}'`;
  if (equals !== undefined && text !== equals) return `the output is not '${equals}' but '${text}'`;
  if (matches !== undefined && !matches.test(text)) return `the output does not match ${matches}`;
  return undefined;
}
