/**
 * `npm run fuzz:inputs`: random input for all that reads what others wrote, led by the code that it reaches; ten minutes for
 * all targets. Ends with status 1 when something was found; each finding is a file, with a command that shows it again.
 */

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { type Finding, runTarget, type Task } from './campaign.js';
import { targets } from './targets/all.js';
import { plantedTargets } from './targets/planted-targets.js';

interface Options {
  readonly seconds: number;
  readonly faults: number;
  readonly target?: string;
  readonly seed?: number;
  readonly input?: string;
  readonly findings: string;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('not a whole number');
  return Number(text);
}

const names = targets.map(({ name }) => name);

const program = new Command('npm run fuzz:inputs --')
  .description('Random input for the readers of plyfs, led by the code that it reaches.')
  .option('--seconds <n>', 'for all targets together', wholeNumber, 600)
  .option('--faults <n>', 'a target is left at so many', wholeNumber, 20)
  .option('--target <name>', `only this one: ${names.join(', ')}`)
  .option('--seed <n>', 'of the random numbers; drawn when not given', wholeNumber)
  .option('--input <file>', 'only this input, once; needs --target')
  .option('--findings <dir>', 'where findings are put', join(tmpdir(), 'plyfs-fuzz'))
  .allowExcessArguments(false);

async function main(options: Options): Promise<void> {
  const known = [...names, ...plantedTargets.map(({ name }) => name)];
  const chosen = options.target === undefined ? names : known.filter((name) => name === options.target);
  if (chosen.length === 0) program.error(`no target '${options.target}'; there are ${names.join(', ')}`);
  if (options.input !== undefined && chosen.length > 1) program.error('--input needs --target');
  const seed = options.seed ?? Math.floor(Math.random() * 1_000_000_000);
  const only = options.input === undefined ? {} : { only: readFileSync(options.input) };
  const milliseconds = (options.seconds * 1000) / chosen.length;
  let count = 0;
  for (const target of chosen)
    count += await runOne(
      { target, seed, milliseconds, mostFaults: options.faults, ...only },
      options.findings,
    );
  process.exitCode = count > 0 ? 1 : 0;
}

/** @returns how much was found. */
async function runOne(task: Task, folder: string): Promise<number> {
  const { tried, kept, blocks, findings } = await runTarget(task);
  const what = findings.length === 0 ? 'nothing found' : `${findings.length} FOUND`;
  console.log(
    `${task.target.padEnd(16)} ${tried} inputs, ${kept} kept, ${blocks} blocks, seed ${task.seed}: ${what}`,
  );
  for (const finding of findings) show(finding, folder);
  return findings.length;
}

function show({ target, input, why }: Finding, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const hash = createHash('sha256').update(input).digest('hex').slice(0, 12);
  const path = join(folder, `${target}-${hash}`);
  writeFileSync(path, input);
  console.log(why.replace(/^/gm, '  '));
  console.log(`  input: ${JSON.stringify(input.subarray(0, 200).toString('latin1'))}`);
  console.log(`  again: npm run fuzz:inputs -- --target ${target} --input ${path}`);
}

await main(program.parse().opts<Options>());
