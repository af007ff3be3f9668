/**
 * `npm run bench`: plyfs beside ext4, kernel overlayfs and the unions in user space.
 *
 * Rounds are interleaved: in each round every workload runs on every target in turn, so that what else the machine does
 * falls on all of them. Each round begins with another target: of two that write 512 MiB one after the other, the later
 * may get memory that the virtual machine's host must give first, 0.34 s instead of 0.09 on any target.
 * Status 1 when a measurement failed, 130 after an interrupt; a missed bar is no failure.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, release } from 'node:os';
import { join } from 'node:path';
import { mountsBelow } from '../mounts-below.js';
import { repository } from '../repository.js';
import { cleanup, command, interrupt, isInPath, wasInterrupted } from '../shell.js';
import { benchImages, imagesUsage, parseImageOptions } from './bench-images.js';
import { median, ratio, reference, residentLines, type Series, table } from './bench-report.js';
import { defaultTargets, type Target, targets } from './bench-targets.js';
import { type Machine, provenance, withFigures } from './figures.js';
import { prepareInputs, prepareLower } from './lower.js';
import { type Bench, measure, measureDaemon, type Residents } from './measure.js';
import { type Options, parseOptions, usage } from './options.js';
import { type Workload, workloads } from './workloads.js';

const scratchParent = '/var/tmp';
const scratchPrefix = 'plyfs-bench-';

/** Programs that the workloads run, with the Debian package of each. */
const programs = {
  debootstrap: 'debootstrap',
  fio: 'fio',
  sqlite3: 'sqlite3',
  git: 'git',
  gcc: 'build-essential',
};

function say(line: string): void {
  process.stderr.write(`bench: ${line}\n`);
}

async function installPrograms(wanted: Readonly<Record<string, string>> = programs): Promise<void> {
  const packages: string[] = [];
  for (const [program, name] of Object.entries(wanted)) if (!(await isInPath(program))) packages.push(name);
  if (packages.length === 0) return;
  say(`installing ${packages.join(' ')}`);
  const apt = ['-qq', '-y', '-o', 'DPkg::Lock::Timeout=300'];
  await command(['apt-get', ...apt, 'update']);
  await command(['apt-get', ...apt, 'install', '--no-install-recommends', ...packages], {
    env: { DEBIAN_FRONTEND: 'noninteractive' },
  });
}

/** The targets to measure; one that is missing is left out with a line, unless the user named it. */
async function presentTargets(options: Options): Promise<Target[]> {
  const present: Target[] = [];
  for (const target of targets.filter(({ name }) => options.targets.includes(name))) {
    const missing = await target.missing();
    if (missing === undefined) present.push(target);
    else if (options.targetsNamed) throw new Error(`cannot measure '${target.name}': ${missing}`);
    else say(`without ${target.name}: ${missing}`);
  }
  return present;
}

async function measureAll(
  bench: Bench,
  options: Options,
  chosen: readonly Target[],
): Promise<Map<string, Map<string, Series>>> {
  const results = new Map<string, Map<string, Series>>();
  for (const workload of options.workloads) {
    results.set(workload, new Map(chosen.map(({ name }): [string, Series] => [name, { seconds: [] }])));
  }
  for (let round = 1; round <= options.rounds; round++) {
    for (const workload of chosenWorkloads(options)) {
      for (const target of rotated(chosen, round - 1)) {
        const series = results.get(workload.name)!.get(target.name)!;
        await measureInto(series, bench, target, workload);
        const seconds = series.failure ?? `${series.seconds.at(-1)?.toFixed(3)} s`;
        say(`round ${round}/${options.rounds} ${workload.name} ${target.name}: ${seconds}`);
      }
    }
  }
  return results;
}

function rotated<T>(list: readonly T[], by: number): readonly T[] {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

async function measureInto(series: Series, bench: Bench, target: Target, workload: Workload): Promise<void> {
  try {
    series.seconds.push(await measure(bench, target, workload));
  } catch (error) {
    if (wasInterrupted()) throw error;
    series.failure = error instanceof Error ? error.message : String(error);
  }
}

/** The median of five mounts; memory of the last. */
async function measureResidents(bench: Bench, chosen: readonly Target[]): Promise<Map<string, Residents>> {
  const residents = new Map<string, Residents>();
  for (const target of chosen.filter(({ mountCommand }) => mountCommand !== undefined)) {
    const runs: Residents[] = [];
    for (let run = 0; run < 5; run++) runs.push(await measureDaemon(bench, target));
    residents.set(target.name, { ...runs.at(-1)!, mountMs: median(runs.map(({ mountMs }) => mountMs))! });
  }
  return residents;
}

function chosenWorkloads(options: Options): Workload[] {
  return workloads.filter(({ name }) => options.workloads.includes(name));
}

/** Unmounts and removes what is left in a scratch folder of this or of an earlier run. */
async function removeScratch(folder: string): Promise<void> {
  for (const mountpoint of mountsBelow(folder)) await cleanup(['umount', '-l', mountpoint]);
  rmSync(folder, { recursive: true, force: true });
}

/** The name ends with the pid and mkdtemp's letters: one whose process is gone was left by a kill. */
async function removeOldScratch(): Promise<void> {
  for (const name of readdirSync(scratchParent).filter((each) => each.startsWith(scratchPrefix))) {
    const pid = /^\d+/.exec(name.slice(scratchPrefix.length))?.[0];
    if (pid !== undefined && !processExists(pid)) await removeScratch(join(scratchParent, name));
  }
}

function processExists(pid: string): boolean {
  return readdirSync('/proc').includes(pid);
}

async function run(options: Options): Promise<number> {
  await installPrograms();
  const chosen = await presentTargets(options);
  const inputs = await prepareInputs(say);
  await removeOldScratch();
  const scratch = mkdtempSync(join(scratchParent, `${scratchPrefix}${process.pid}-`));
  try {
    const bench = { ...inputs, scratch, quick: options.quick };
    const results = await measureAll(bench, options, chosen);
    const residents = options.quick ? new Map<string, Residents>() : await measureResidents(bench, chosen);
    const names = chosen.map(({ name }) => name);
    const tables = [table(results, chosenWorkloads(options), names)];
    if (residents.size > 0) tables.push(residentLines(residents));
    console.log(tables.join('\n\n'));
    if (options.write) writeFigures([...tables, provenance(machine(), options.rounds)].join('\n\n'));
    const all = [...results].map(([workload, series]) => {
      const each = [...series].map(([name, { seconds, failure }]) => {
        const figures = { seconds, median: median(seconds), ratio: ratio(results, workload, name), failure };
        return [name, figures] as const;
      });
      return [workload, Object.fromEntries(each)] as const;
    });
    if (options.jsonFile !== undefined) {
      const report = { ...machine(), options, reference, workloads: Object.fromEntries(all) };
      const text = JSON.stringify({ ...report, daemons: Object.fromEntries(residents) }, undefined, 2);
      writeFileSync(options.jsonFile, `${text}\n`);
    }
    return [...results.values()].some((series) =>
      [...series.values()].some(({ failure }) => failure !== undefined),
    )
      ? 1
      : 0;
  } finally {
    await removeScratch(scratch);
  }
}

function writeFigures(figures: string): void {
  const path = join(repository, 'docs/BENCHMARKS.md');
  writeFileSync(path, withFigures(readFileSync(path, 'utf8'), figures));
  say(`wrote the figures into '${path}'`);
}

function machine(): Machine {
  const model = /^model name\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? process.arch;
  return {
    date: new Date().toISOString(),
    kernel: release(),
    node: process.version,
    processor: model,
    processors: availableParallelism(),
  };
}

async function runImages(args: readonly string[]): Promise<number> {
  const options = parseImageOptions(args);
  if (process.getuid?.() !== 0)
    throw new Error('unpacking images needs root; run: sudo npm run bench -- images');
  await installPrograms({ debootstrap: 'debootstrap', umoci: 'umoci', skopeo: 'skopeo', zstd: 'zstd' });
  const lower = await prepareLower(say);
  await removeOldScratch();
  const scratch = mkdtempSync(join(scratchParent, `${scratchPrefix}${process.pid}-`));
  try {
    await benchImages({ lower, scratch, machine: machine(), say }, options);
    return 0;
  } finally {
    await removeScratch(scratch);
  }
}

async function main(): Promise<number> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
  try {
    if (process.argv[2] === 'images') return await runImages(process.argv.slice(3));
    const known = { workloads: workloads.map(({ name }) => name), targets: targets.map(({ name }) => name) };
    const options = parseOptions(process.argv.slice(2), { ...known, defaultTargets });
    if (process.getuid?.() !== 0)
      throw new Error('mounting and dropping caches need root; run: sudo npm run bench');
    return await run(options);
  } catch (error) {
    if (wasInterrupted()) {
      say('interrupted; unmounted and removed what was measured on');
      return 130;
    }
    say(error instanceof Error ? error.message : String(error));
    if (error instanceof TypeError && 'code' in error)
      say(process.argv[2] === 'images' ? imagesUsage : usage);
    return 1;
  }
}

process.exitCode = await main();
