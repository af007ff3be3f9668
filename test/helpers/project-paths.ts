/** Where the compiled project and the scratch space of a test run are. */

import { fileURLToPath } from 'node:url';

/** The project's root: this file runs from `test/helpers/` or `dist/test/helpers/`. */
const here = fileURLToPath(new URL('.', import.meta.url));
export const projectRoot = here.replace(/(\/dist)?\/test\/helpers\/$/, '');

/** A file of the compiled project; PLYFS_DIST names another build. */
export function distPath(path: string): string {
  return `${process.env.PLYFS_DIST ?? `${projectRoot}/dist`}/${path}`;
}

/** The command line of plyfs as users start it: the program of the package. */
export const cliScript = distPath('bin/main.js');

/** The same for the directories of one test file: each has a worker process of its own. */
export function workerPrefix(): string {
  return `${scratchPrefix()}${process.pid}-`;
}

/** Every directory that a test run makes starts with this, so that leaks can be told from other runs' mounts. */
export function scratchPrefix(): string {
  return `/tmp/plyfs-test-${process.env.PLYFS_TEST_RUN ?? process.pid}-`;
}
