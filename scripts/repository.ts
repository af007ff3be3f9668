/** Where the scripts find the repository and plyfs; compiled, this file is dist/scripts/repository.js. */

import { join } from 'node:path';

export const repository = join(import.meta.dirname, '..', '..');

/** The command line of plyfs as the build leaves it. */
export const plyfsMain = join(repository, 'dist', 'src', 'cli', 'main.js');
