/**
 * Before all tests: compiles the project to dist/ (operators run from there), makes its programs, which the tests start, names
 * the run, has daemons end, opens /dev/fuse to ordinary users where the host keeps it for root.
 * After all: the device is as it was; whatever the run left under its prefix is an error.
 */

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { findLeaks } from './leak-check.js';
import { distPath, projectRoot, scratchPrefix } from './project-paths.js';

const DEVICE = '/dev/fuse';

export default async function setup(): Promise<() => void> {
  process.env.PLYFS_TEST_RUN = String(process.pid);
  // A daemon ends with its last mount, so that none outlives the test that made it.
  process.env.PLYFS_DAEMON_IDLE_MS ??= '0';
  // Most daemons of tests end before they are warm.
  process.env.PLYFS_REHEARSAL ??= 'off';
  // Workers inherit it: tests state the modes of the files that they make.
  process.umask(0o022);
  checkTemporaryFolder();
  if (process.env.PLYFS_DIST === undefined) compile();
  await makePrograms();
  const restoreDevice = openDevice();
  return () => {
    restoreDevice();
    const leaks = findLeaks(scratchPrefix());
    if (leaks.length > 0) throw new Error(`the run left behind:\n${leaks.join('\n')}`);
  };
}

/** For all tests at once: two that did it for themselves would close it to each other. @returns what puts it back, also on failure. */
function openDevice(): () => void {
  if (process.getuid?.() !== 0 || !existsSync(DEVICE)) return () => undefined;
  const mode = statSync(DEVICE).mode & 0o7777;
  const restore = (): void => chmodSync(DEVICE, mode);
  process.once('exit', restore);
  chmodSync(DEVICE, mode | 0o666);
  return restore;
}

/** Tests without privilege work there as `nobody`. */
function checkTemporaryFolder(): void {
  if (process.getuid?.() !== 0) return;
  const reached = spawnSync('test', ['-x', tmpdir()], { uid: 65534, gid: 65534 });
  if (reached.status !== 0) {
    throw new Error(`TMPDIR='${tmpdir()}' is closed to other users; open it (chmod a+x), or unset TMPDIR`);
  }
}

/** dist/bin, which the tests start, from what was compiled. */
async function makePrograms(): Promise<void> {
  const { makeCurrentPrograms } = (await import(
    distPath('scripts/current-programs.js')
  )) as typeof import('../../scripts/current-programs.js');
  await makeCurrentPrograms(distPath(''));
}

/** Type errors are the business of `npm run check`; here they are printed, and stop the run only if nothing came out. */
function compile(): void {
  const options = ['-p', projectRoot, '--incremental', '--tsBuildInfoFile', distPath('.tsbuildinfo')];
  const done = spawnSync(process.execPath, [`${projectRoot}/node_modules/typescript/bin/tsc`, ...options], {
    encoding: 'utf8',
  });
  if (done.status !== 0) process.stderr.write(`${done.stdout}\n`);
  if (!existsSync(distPath('test/helpers/operator.js'))) throw new Error('the project does not compile');
}
