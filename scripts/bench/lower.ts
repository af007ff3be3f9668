/**
 * What is measured on: a Debian minbase root plus a file `big` of 512 MiB as the lower layer, and the inputs of the
 * workloads. Made once under /var/cache/plyfs-bench, built beside and renamed in, so that what is there is complete.
 *
 * The mirror is the one that apt of this machine is configured with; the repository names none.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bash, command } from '../shell.js';

export const cacheFolder = '/var/cache/plyfs-bench';

export interface Inputs {
  readonly lower: string;
  /** tree.tar, sources/, commits.sql, files.txt: see the workloads. */
  readonly inputs: string;
}

/** Makes what is missing; `say` hears what takes time. */
export async function prepareInputs(say: (line: string) => void): Promise<Inputs> {
  const lower = await prepareLower(say);
  const inputs = join(cacheFolder, 'inputs');
  if (!existsSync(inputs)) {
    say(`making the inputs ${inputs} (once)`);
    await makeFolder(inputs, (folder) => makeInputs(folder, lower));
  }
  return { lower, inputs };
}

/** The Debian root alone. */
export async function prepareLower(say: (line: string) => void): Promise<string> {
  mkdirSync(cacheFolder, { recursive: true });
  const lower = join(cacheFolder, 'lower');
  if (existsSync(lower)) return lower;
  say(`making the lower layer ${lower} (debootstrap, once)`);
  await makeFolder(lower, makeLower);
  return lower;
}

/** Made beside its place, and renamed when it is complete. */
export async function makeFolder(folder: string, make: (partial: string) => Promise<void>): Promise<void> {
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial);
  await make(partial);
  await command(['sync', '-f', partial]);
  renameSync(partial, folder);
}

async function makeLower(folder: string): Promise<void> {
  const { uri, suite } = aptSource(readAptSources(), codename());
  const proxy = /"(.*)"/.exec(await command(['apt-config', 'dump', 'Acquire::http::Proxy']))?.[1];
  const env = proxy === undefined ? {} : { http_proxy: proxy };
  await command(['debootstrap', '--variant=minbase', suite, folder, uri], { env });
  await bash('rm -rf var/cache/apt/archives/*.deb proc/* sys/*; head -c 512M /dev/urandom > big', {
    cwd: folder,
  });
}

/** None of the file systems here compresses or shares blocks, so contents are as simple as they may be. */
async function makeInputs(folder: string, lower: string): Promise<void> {
  const files = await bash(`cd "${lower}" && find usr -type f -size -64k | LC_ALL=C sort | sed -n 1,2500p`);
  writeFileSync(join(folder, 'files.txt'), files);
  const rows = Array.from(
    { length: 1500 },
    (_, row) => `INSERT INTO t VALUES(${row}, '${'v'.repeat(100)}');\n`,
  );
  writeFileSync(join(folder, 'commits.sql'), rows.join(''));
  const sources = join(folder, 'sources');
  mkdirSync(sources);
  for (let unit = 0; unit < 60; unit++) writeFileSync(join(sources, `unit${unit}.c`), sourceOf(unit));
  const tree = join(folder, 'tree');
  for (let file = 0; file < 6000; file++) {
    const parent = join(tree, `d${Math.floor(file / 100)}`);
    if (file % 100 === 0) mkdirSync(parent, { recursive: true });
    writeFileSync(join(parent, `f${file}`), 'x'.repeat((file * 37) % 8192));
  }
  await command(['tar', 'cf', join(folder, 'tree.tar'), '-C', tree, '.']);
  rmSync(tree, { recursive: true });
}

function sourceOf(unit: number): string {
  const functions = Array.from(
    { length: 20 },
    (_, index) =>
      `int f${unit}_${index}(int x) { char b[64]; snprintf(b, 64, "%d", x * ${index}); return atoi(b); }`,
  );
  const main = unit === 0 ? 'int main(void) { return f0_0(0); }' : '';
  return `#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n${functions.join('\n')}\n${main}\n`;
}

interface AptSource {
  readonly uri: string;
  readonly suite: string;
}

/** The first binary source of `suite` itself, in either form of apt's configuration. @throws Error when none is there. */
export function aptSource(texts: readonly string[], suite: string): AptSource {
  for (const text of texts) {
    const lines = text.split('\n').filter((line) => !line.startsWith('#'));
    for (const line of lines) {
      const [, uri, lineSuite] = /^deb\s+(?:\[[^\]]*\]\s+)?(https?:\S+)\s+(\S+)\s/.exec(line) ?? [];
      if (uri !== undefined && lineSuite === suite) return { uri, suite };
    }
    for (const stanza of lines.join('\n').split(/\n\s*\n/)) {
      const uri = field(stanza, 'URIs').find((value) => /^https?:/.test(value));
      if (
        uri !== undefined &&
        field(stanza, 'Types').includes('deb') &&
        field(stanza, 'Suites').includes(suite)
      ) {
        return { uri, suite };
      }
    }
  }
  throw new Error(`cannot make the lower layer: apt has no http source for '${suite}' in /etc/apt`);
}

function field(stanza: string, name: string): string[] {
  return new RegExp(`^${name}:[ \\t]*(.*)$`, 'im').exec(stanza)?.[1]?.trim().split(/\s+/) ?? [];
}

function readAptSources(): string[] {
  const parts = '/etc/apt/sources.list.d';
  const listed = existsSync(parts) ? readdirSync(parts).sort() : [];
  const files = ['/etc/apt/sources.list', ...listed.map((file) => join(parts, file))];
  return files.filter((path) => existsSync(path)).map((path) => readFileSync(path, 'utf8'));
}

function codename(): string {
  return /^VERSION_CODENAME=(\S+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable';
}
