/**
 * The programs of the package (dist/bin) as what is compiled now makes them: tests and comparisons start what users start, which
 * takes two thirds of the time that the modules of dist/src take.
 *
 * They are made again when a compiled file has changed. INVARIANT: what a run that began before may still load stays for an hour;
 * its name has a hash of its content.
 */

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { bundlePrograms } from './bundle-programs.js';

const STAYS_MS = 3_600_000;

/** Makes the programs of a build where there are none, or older ones. */
export async function makeCurrentPrograms(dist: string): Promise<void> {
  const programs = join(dist, 'bin');
  // Beside them: all that lies in dist/bin is packed.
  const stamp = join(dist, '.plyfs-programs');
  const compiled = compiledState(join(dist, 'src'));
  if (existsSync(programs) && existsSync(stamp) && readFileSync(stamp, 'utf8') === compiled) return;
  const made = join(dist, `bin-${process.pid}`);
  await bundlePrograms(dist, made);
  mkdirSync(programs, { recursive: true });
  for (const name of readdirSync(programs)) {
    const isOld = statSync(join(programs, name)).mtimeMs < Date.now() - STAYS_MS;
    if (isOld && !existsSync(join(made, name))) rmSync(join(programs, name), { force: true });
  }
  for (const name of readdirSync(made)) renameSync(join(made, name), join(programs, name));
  rmSync(made, { recursive: true });
  writeFileSync(stamp, compiled);
}

/** How many modules there are, and when the last was written. */
function compiledState(directory: string): string {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  const modules = files.filter((file) => file.endsWith('.js'));
  return `${modules.length} ${Math.max(...modules.map((file) => statSync(join(directory, file)).mtimeMs))}`;
}
