/**
 * Before all tests: compiles the project to dist/ (operators and daemons run from there) and names the run.
 * After all: whatever the run left under its prefix is an error.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { findLeaks } from './leak-check.js';
import { distPath, projectRoot, scratchPrefix } from './paths.js';

export function setup(): () => void {
  process.env.PLYFS_TEST_RUN = String(process.pid);
  // Workers inherit it: tests state the modes of the files that they make.
  process.umask(0o022);
  checkTemporaryFolder();
  if (process.env.PLYFS_DIST === undefined) compile();
  return () => {
    const leaks = findLeaks(scratchPrefix());
    if (leaks.length > 0) throw new Error(`the run left behind:\n${leaks.join('\n')}`);
  };
}

/** Tests without privilege work there as `nobody`. */
function checkTemporaryFolder(): void {
  if (process.getuid?.() !== 0) return;
  const reached = spawnSync('test', ['-x', tmpdir()], { uid: 65534, gid: 65534 });
  if (reached.status !== 0) {
    throw new Error(`TMPDIR='${tmpdir()}' is closed to other users; open it (chmod a+x), or unset TMPDIR`);
  }
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
