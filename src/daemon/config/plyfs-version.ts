/** The version of this plyfs, by its package. */

import { readFileSync } from 'node:fs';
import { hasCode } from '../../errno/error-code.js';

/** From the package's own package.json: two folders up from dist/bin, three from src/daemon/config, four from dist/src/daemon/config. */
export function version(): string {
  for (const up of ['../../package.json', '../../../package.json', '../../../../package.json']) {
    try {
      const { name, version: found } = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8'));
      if (name === 'plyfs') return found;
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
    }
  }
  return 'unknown';
}

/** The architecture of this process, in Go's words. */
export function goArchitecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}
