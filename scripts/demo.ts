/**
 * `npm run demo`: what plyfs does, shown with real commands in a folder under /var/tmp, each of them checked.
 *
 * `-- --engine X` is passed on to `plyfs mount`. Status 1 with what was expected when a check fails, 130 after Ctrl-C.
 * INVARIANT: however it ends, the mounts and the folder are gone after it. Volumes lie in the folder too (`--root`).
 */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { playContainers } from './demo/containers.js';
import { makeLayers } from './demo/demo-layers.js';
import { playScene } from './demo/demo-steps.js';
import { playDrafts } from './demo/drafts.js';
import { DemoFailure, Narrator } from './demo/narrator.js';
import { abortFuse, isMounted, mountsBelow } from './mounts-below.js';
import { plyfsMain } from './repository.js';
import { cleanup, interrupt, wasInterrupted } from './shell.js';

/** A folder with `plyfs` as a command, so that what is printed can be typed. */
function prepareFolder(folder: string): void {
  for (const name of ['bin', 'mnt', 'mnt2', 'upper', 'upper2', 'shared']) mkdirSync(join(folder, name));
  const quoted = [process.execPath, plyfsMain].map((path) => `'${path.replaceAll("'", "'\\''")}'`);
  writeFileSync(join(folder, 'bin', 'plyfs'), `#!/bin/sh\nexec ${quoted.join(' ')} "$@"\n`, { mode: 0o755 });
  writeFileSync(join(folder, 'app.conf'), 'version=1\n');
}

async function removeAll(folder: string): Promise<void> {
  const plyfs = join(folder, 'bin', 'plyfs');
  for (const root of ['state', 'other'].map((name) => join(folder, name))) {
    const containers = join(root, 'containers');
    const ids = existsSync(containers) ? readdirSync(containers) : [];
    if (ids.length > 0) await attempt([plyfs, 'container', 'rm', '--root', root, '-f', ...ids]);
  }
  for (const mountpoint of mountsBelow(folder)) {
    await attempt([plyfs, 'umount', mountpoint]);
    // Of a mount that is not plyfs's, or that is in use.
    if (isMounted(mountpoint)) await attempt(['umount', '-l', mountpoint]);
  }
  rmSync(folder, { recursive: true, force: true });
}

/** Whether kernel overlayfs can be mounted here, to be shown the same upper: not inside every container. */
async function hasOverlay(folder: string): Promise<boolean> {
  const probe = join(folder, 'probe');
  const names = ['lower', 'upper', 'work'].map((name) => join(probe, name));
  for (const name of names) mkdirSync(name, { recursive: true });
  const options = `lowerdir=${names[0]},upperdir=${names[1]},workdir=${names[2]}`;
  const mounted = await cleanup(['mount', '-t', 'overlay', 'overlay', '-o', options, probe]).then(
    () => true,
    () => false,
  );
  if (mounted) await cleanup(['umount', probe]);
  rmSync(probe, { recursive: true, force: true });
  return mounted;
}

/** Whether the kernel is of that version or later. */
function isKernelFrom(wantedMajor: number, wantedMinor: number): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/** A step of cleaning up that fails is told, and the next is tried. */
async function attempt(argv: readonly string[]): Promise<void> {
  await cleanup(argv, { timeoutMs: 15_000 }).catch((error: unknown) => {
    process.stderr.write(`demo: cleaning up: ${error instanceof Error ? error.message : String(error)}\n`);
  });
}

async function play(engine: string | undefined): Promise<void> {
  const folder = mkdtempSync('/var/tmp/plyfs-demo-');
  // Other mounts of this user are not the demo's. mkdtemp(3) gives it the mode 0700.
  process.env.PLYFS_RUN_DIR = mkdtempSync(join(folder, 'run-'));
  const narrator = new Narrator({
    folder,
    // Nothing is left running when it is over.
    env: { PATH: `${join(folder, 'bin')}:${process.env.PATH ?? ''}`, PLYFS_DAEMON_IDLE_MS: '0' },
    colour: process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
    onTimeout: () => {
      for (const name of ['mnt', 'mnt2']) abortFuse(join(folder, name));
    },
  });
  const began = performance.now();
  try {
    prepareFolder(folder);
    const layers = await makeLayers(folder);
    const mountOptions = engine === undefined ? '' : `--engine ${engine} `;
    narrator.introduce(folder);
    const outlives = (engine ?? 'kernel') === 'kernel' && isKernelFrom(6, 9);
    const scene = { narrator, layers, mountOptions, overlay: await hasOverlay(folder), outlives };
    await playScene(scene);
    await playContainers(scene);
    await playDrafts(scene);
  } finally {
    await removeAll(folder);
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  narrator.conclude(seconds);
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
