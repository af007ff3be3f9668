/**
 * `npm run bench -- images`: plyfs beside umoci and skopeo, on an image made of the same Debian root as the other
 * workloads. Wall time from start to end of the program, and the most memory that it had.
 */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { plyfsMain, repository } from '../repository.js';
import { bash, isInPath } from '../shell.js';
import { imagePlace, type Machine, provenance, withFigures } from './figures.js';
import { type ImageRow, imageTable, type Spent } from './image-report.js';
import { type ImageWorkload, imageWorkloads, type Step } from './image-workloads.js';
import { cacheFolder, makeFolder } from './lower.js';

export const imagesUsage = 'usage: npm run bench -- images [--rounds N] [--json FILE] [--write]';

const PLYFS = `${process.execPath} ${plyfsMain}`;
const PROGRAMS = ['umoci', 'skopeo', 'zstd', 'gzip'];

interface ImageBench {
  /** The Debian root. */
  readonly lower: string;
  /** An empty folder. */
  readonly scratch: string;
  readonly machine: Machine;
  readonly say: (line: string) => void;
}

interface ImageOptions {
  readonly rounds: number;
  readonly jsonFile: string | undefined;
  readonly write: boolean;
}

/** @throws Error with one line for an option that is none. */
export function parseImageOptions(args: readonly string[]): ImageOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string' },
      json: { type: 'string' },
      write: { type: 'boolean', default: false },
    },
  });
  const rounds = values.rounds ?? '3';
  if (!/^[1-9]\d*$/.test(rounds)) throw new Error(`invalid --rounds '${rounds}': not a number from 1`);
  return { rounds: Number(rounds), jsonFile: values.json, write: values.write };
}

/** Prints the table, and writes it where the options say. */
export async function benchImages(bench: ImageBench, options: ImageOptions): Promise<void> {
  for (const program of PROGRAMS) {
    if (!(await isInPath(program))) throw new Error(`cannot measure images: '${program}' is not installed`);
  }
  const inputs = await prepareImages(bench);
  const rows = imageWorkloads.map((workload): ImageRow => ({ workload, plyfs: [], peer: [] }));
  for (let round = 1; round <= options.rounds; round++) {
    for (const { workload, plyfs, peer } of rows) {
      if (workload.peer !== undefined) peer.push(await measureStep(bench, inputs, workload.peer));
      plyfs.push(await measureStep(bench, inputs, workload.plyfs));
      bench.say(`round ${round}/${options.rounds} ${workload.name}: ${shown(workload, plyfs, peer)}`);
    }
  }
  const text = `${imageTable(rows)}\n\n${provenance(bench.machine, options.rounds)}`;
  console.log(text);
  if (options.jsonFile !== undefined) {
    writeFileSync(options.jsonFile, `${JSON.stringify({ ...bench.machine, rows }, undefined, 2)}\n`);
  }
  if (!options.write) return;
  const path = join(repository, 'docs/BENCHMARKS.md');
  writeFileSync(path, withFigures(readFileSync(path, 'utf8'), text, imagePlace));
}

function shown(workload: ImageWorkload, plyfs: readonly Spent[], peer: readonly Spent[]): string {
  const own = `plyfs ${plyfs.at(-1)!.seconds.toFixed(2)} s`;
  return workload.peer === undefined
    ? own
    : `${own}, ${workload.peer.tool} ${peer.at(-1)!.seconds.toFixed(2)} s`;
}

/** OCI layouts of one image, once per machine. */
async function prepareImages({ lower, say }: ImageBench): Promise<string> {
  const folder = join(cacheFolder, 'images');
  if (existsSync(folder)) return folder;
  say(`making the images ${folder} (once)`);
  await makeFolder(folder, async (partial) => {
    await bash(MAKE_IMAGES, { cwd: partial, env: { LOWER: lower, PLYFS } });
  });
  return folder;
}

/** The gzip ones by umoci; zstd, which umoci does not write, by skopeo. */
const MAKE_IMAGES = `
layout() { umoci init --layout "$1"; umoci new --image "$1:$2"; }
tar -C "$LOWER" --exclude=./big --exclude=./usr -cf 1.tar .
tar -C "$LOWER" -cf 2.tar ./usr/lib
tar -C "$LOWER" -cf 3.tar ./usr/share
tar -C "$LOWER" --exclude=./usr/lib --exclude=./usr/share -cf 4.tar ./usr
layout gzip base
for part in 1 2 3 4; do umoci raw add-layer --image gzip:base "$part.tar"; done
skopeo copy -q --dest-compress --dest-compress-format zstd oci:gzip:base oci:zstd:base
mkdir large.root
while [ "$(stat -c %s large.root/file 2>/dev/null || echo 0)" -lt 2147483648 ]; do cat 2.tar >>large.root/file; done
tar -C large.root -cf large.tar .
layout large large
umoci raw add-layer --image large:large large.tar
rm -rf ./*.tar large.root`;

/** In a folder of its own, which goes afterwards. */
async function measureStep(bench: ImageBench, inputs: string, step: Step): Promise<Spent> {
  const folder = mkdtempSync(join(bench.scratch, 'images-'));
  mkdirSync(join(folder, 'work'));
  const run = { cwd: join(folder, 'work'), env: { INPUTS: inputs, PLYFS, MEMORY: join(folder, 'memory') } };
  try {
    if (step.prepare !== undefined) await bash(step.prepare, run);
    await bash('sync -f .', run);
    const seconds = Number(await bash(watched(step.script), run));
    return { seconds, mib: Number(readFileSync(run.env.MEMORY, 'utf8').trim()) / 1024 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Prints the seconds; $MEMORY gets the largest high-water mark of the programs that the script starts, in KiB. */
function watched(script: string): string {
  return `exec 3>&1 1>&2
largest() { sed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\).*/\\1/p' "/proc/$1/status" 2>/dev/null
  for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do largest "$child"; done; return 0; }
began=$EPOCHREALTIME
( ${script} ) & work=$!
( peak=0; while kill -0 "$work" 2>/dev/null; do
    for size in $(largest "$work"); do [ "$size" -gt "$peak" ] && { peak=$size; echo "$peak" >"$MEMORY"; }; done
    sleep 0.05
  done; true ) & watcher=$!
wait "$work"
ended=$EPOCHREALTIME
wait "$watcher"
printf "%s" "$((10#$(tr -d . <<<"$ended") - 10#$(tr -d . <<<"$began")))e-6" >&3`;
}
