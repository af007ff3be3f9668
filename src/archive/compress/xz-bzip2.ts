/**
 * xz and bzip2, unpacked by the programs of these names: Node has neither, and nobody makes layers of them, but root tars
 * of distributions come so.
 */

import { UserError } from '../../errno/user-error.js';
import { cutOff, startUnpacking, throughProgram } from './unpack-program.js';

const PACKAGES = { xz: 'xz-utils', bzip2: 'bzip2' } as const;

/** All cores where the file allows it, and no more memory than the largest preset wants for each. */
const ENVIRONMENT = { XZ_DEFAULTS: '-T0 --memlimit-decompress=1GiB' };

/** @throws UserError for what is damaged, or when the program is not there. */
export async function* unpackedBy(
  name: keyof typeof PACKAGES,
  source: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const program = await startUnpacking(name, ENVIRONMENT);
  if (program === undefined) {
    throw new UserError(`cannot unpack ${name}: the program '${name}' is not there`, {
      hint: `install ${PACKAGES[name]}, or compress with gzip or zstd`,
    });
  }
  yield* throughProgram(program, source, (complaint) => {
    if (/unexpected end|ends unexpectedly/i.test(complaint)) return cutOff();
    if (!/memory usage limit/i.test(complaint)) return undefined;
    return new UserError('the compressed data needs more than 1 GiB of memory to unpack');
  });
}
