/**
 * `npm run demo`: what plyfs does, shown with real commands in a folder under /var/tmp, each of them checked.
 *
 * `-- --engine X` is passed on to `plyfs mount`. Status 1 with what was expected when a check fails, 130 after Ctrl-C.
 * INVARIANT: however it ends, the mount, the volume and the folder are gone after it.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeLayers } from './demo/layers.js';
import { DemoFailure, Narrator } from './demo/narrator.js';
import { playScene } from './demo/steps.js';
import { abortFuse, isMounted } from './mountinfo.js';
import { plyfsMain } from './repository.js';
import { cleanup, interrupt, wasInterrupted } from './shell.js';

/** A folder with `plyfs` as a command, so that what is printed can be typed. */
function prepareFolder(folder: string): void {
  for (const name of ['bin', 'mnt', 'upper', 'work', 'shared']) mkdirSync(join(folder, name));
  const quoted = [process.execPath, plyfsMain].map((path) => `'${path.replaceAll("'", "'\\''")}'`);
  writeFileSync(join(folder, 'bin', 'plyfs'), `#!/bin/sh\nexec ${quoted.join(' ')} "$@"\n`, { mode: 0o755 });
  writeFileSync(join(folder, 'app.conf'), 'version=1\n');
}

async function removeAll(folder: string, volume: string): Promise<void> {
  const plyfs = join(folder, 'bin', 'plyfs');
  const mountpoint = join(folder, 'mnt');
  if (isMounted(mountpoint)) await attempt([plyfs, 'umount', mountpoint]);
  if (isMounted(mountpoint)) await attempt(['umount', '-l', mountpoint]);
  await attempt([plyfs, 'volume', 'rm', '-f', volume]);
  rmSync(folder, { recursive: true, force: true });
}

/** A step of cleaning up that fails is told, and the next is tried. */
async function attempt(argv: readonly string[]): Promise<void> {
  await cleanup(argv, { timeoutMs: 15_000 }).catch((error: unknown) => {
    process.stderr.write(`demo: cleaning up: ${error instanceof Error ? error.message : String(error)}\n`);
  });
}

async function play(engine: string | undefined): Promise<void> {
  const folder = mkdtempSync('/var/tmp/plyfs-demo-');
  const volume = `plyfs-demo-${process.pid}`;
  const narrator = new Narrator({
    folder,
    env: { PATH: `${join(folder, 'bin')}:${process.env.PATH ?? ''}` },
    colour: process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
    onTimeout: () => abortFuse(join(folder, 'mnt')),
  });
  const began = performance.now();
  try {
    prepareFolder(folder);
    const layers = await makeLayers(folder);
    const mountOptions = engine === undefined ? '' : `--engine ${engine} `;
    await playScene({ narrator, layers, volume, mountOptions });
  } finally {
    await removeAll(folder, volume);
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(
    `\n${narrator.steps} steps, ${narrator.checks} checks passed, in ${seconds} s; nothing is left behind`,
  );
}

async function main(): Promise<number> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
  try {
    const { values } = parseArgs({ options: { engine: { type: 'string' } } });
    if (process.getuid?.() !== 0) throw new Error('mounting and chroot need root; run: sudo npm run demo');
    if (values.engine !== undefined && !/^[\w-]+$/.test(values.engine)) {
      throw new Error(`invalid --engine '${values.engine}': kernel or fuse-native`);
    }
    await play(values.engine);
    return 0;
  } catch (error) {
    if (wasInterrupted()) {
      process.stderr.write('demo: interrupted; unmounted and removed everything\n');
      return 130;
    }
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`demo: ${error instanceof DemoFailure ? 'FAILED: ' : ''}${message}\n`);
    return 1;
  }
}

process.exitCode = await main();
