/**
 * `node dist/scripts/acceptance.js`: a real Debian root lived in on ext4, on kernel overlayfs and on plyfs, and the trees
 * compared; then each upper mounted again, by its own union and by the other.
 *
 * Needs root, rsync, debootstrap (once) and the network (apt-get install inside the tree). About eight minutes.
 * INVARIANT: however it ends, the mounts and the folder are gone after it. Status 1 when any two trees differ.
 */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { life } from './acceptance/life.js';
import { detachAll, mountTree, overlayfs, overlayfsPlain, plyfs, type Union } from './acceptance/mounts.js';
import { type CompareOptions, compareTrees, type Snapshot, takeSnapshot } from './acceptance/snapshot.js';
import { prepareInputs } from './bench/lower.js';
import { bash, interrupt, wasInterrupted } from './shell.js';

/** What programs write differently each time: times, inode numbers and file system ids of their own. */
const UNSTEADY = [
  /^var\/log\//,
  /^var\/cache\/ldconfig\//,
  /^var\/cache\/apt\/.*\.bin$/,
  /^var\/lib\/apt\/lists\//,
];

let failures = 0;

function report(title: string, differences: readonly string[]): void {
  console.log(`${differences.length === 0 ? 'ok  ' : 'FAIL'} ${title}`);
  for (const line of differences.slice(0, 40)) console.log(`     ${line}`);
  if (differences.length > 40) console.log(`     and ${differences.length - 40} more`);
  if (differences.length > 0) failures++;
}

function compare(title: string, want: Snapshot, have: Snapshot, options: CompareOptions = {}): void {
  report(title, compareTrees(want, have, options));
}

/** Runs every step of the life in the tree; a step that fails is reported, and the next is tried. */
async function live(name: string, tree: string): Promise<Snapshot> {
  // Whole seconds: some programs set times without the rest.
  const since = Math.floor(Date.now() / 1000);
  for (const { title, script, timeoutMs } of life) {
    const began = performance.now();
    const problem = await bash(script, { cwd: tree, timeoutMs: timeoutMs ?? 120_000 }).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    report(`${name}: ${title}, ${seconds} s`, problem === undefined ? [] : [problem]);
  }
  return await takeSnapshot(tree, since);
}

/** The same upper once more under each of these; its tree must be the one that was left. */
async function mountAgain(
  folder: string,
  left: { name: string; tree: Snapshot },
  unions: Union[],
): Promise<void> {
  for (const union of unions) {
    const tree = await mountTree(union, folder);
    const seen = await takeSnapshot(tree.path, left.tree.since);
    await tree.unmount();
    const same = union.name === left.name;
    compare(`upper of ${left.name}, mounted by ${union.name}`, left.tree, seen, { inodes: same });
  }
}

async function play(folder: string): Promise<void> {
  const cached = await prepareInputs((line) => console.log(line));
  const lower = join(folder, 'lower');
  await bash(
    `mkdir '${lower}'; cd '${cached.lower}'; tar --xattrs --exclude=./big -cf - . | tar --xattrs -xpf - -C '${lower}'`,
  );
  const before = await takeSnapshot(lower, 0);

  await bash(`cp -a '${lower}' '${folder}/ext4'`);
  const ext4 = await live('ext4', join(folder, 'ext4'));

  for (const union of [overlayfsPlain, overlayfs, plyfs]) {
    const own = join(folder, union.name);
    for (const part of ['', 'upper', 'work', 'mnt']) mkdirSync(join(own, part));
    // The root directory of an overlay is that of upper.
    await bash(`chmod --reference='${lower}' upper; touch -r '${lower}' upper`, { cwd: own });
    const tree = await mountTree(union, own);
    const left = await live(union.name, tree.path);
    await tree.unmount();
    const except = { unsteady: UNSTEADY, newTimes: true, ...union.tolerated };
    compare(`${union.name} left the tree of ext4`, ext4, left, except);
    const others = union === plyfs ? [plyfs, overlayfs, plyfs] : [plyfs];
    await mountAgain(own, { name: union.name, tree: left }, others);
  }
  compare('lower is as it was', before, await takeSnapshot(lower, 0), { inodes: true });
}

async function main(): Promise<number> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
  if (process.getuid?.() !== 0) {
    process.stderr.write('acceptance: mounting and chroot need root\n');
    return 1;
  }
  const hasRsync = await bash('command -v rsync').then(
    () => true,
    () => false,
  );
  if (!hasRsync) {
    process.stderr.write("acceptance: rsync is not installed; 'apt-get install rsync' brings it\n");
    return 1;
  }
  const folder = mkdtempSync('/var/tmp/plyfs-acceptance-');
  process.env.PLYFS_RUN_DIR = join(folder, 'run');
  // The end of a mount is the end of its daemon, which is waited for.
  process.env.PLYFS_DAEMON = 'own';
  try {
    await play(folder);
    console.log(failures === 0 ? 'all trees agree' : `${failures} checks failed`);
    return failures === 0 ? 0 : 1;
  } catch (error) {
    process.stderr.write(`acceptance: ${error instanceof Error ? error.message : String(error)}\n`);
    return wasInterrupted() ? 130 : 1;
  } finally {
    await detachAll(folder);
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = await main();
