/** Variables of a container's environment: the image's, `--env-file`, `-e`; the later wins. */

import { readFileSync } from 'node:fs';
import { reasonOf } from '../errno/reason.js';
import { UserError } from '../errno/user-error.js';

/**
 * @param options of `-e`: `NAME=VALUE`, or `NAME` for the value it has here; one that is not set here is taken away.
 * @throws UserError for an entry without a name, or a file that cannot be read.
 */
export function mergeEnvironment(
  image: readonly string[],
  files: readonly string[],
  options: readonly string[],
  host: NodeJS.ProcessEnv = process.env,
): string[] {
  const variables = new Map<string, string>();
  for (const entry of image) {
    const equals = entry.indexOf('=');
    if (equals > 0) variables.set(entry.slice(0, equals), entry.slice(equals + 1));
  }
  for (const entry of [...files.flatMap(readEnvironmentFile), ...options]) apply(entry, variables, host);
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

function apply(entry: string, variables: Map<string, string>, host: NodeJS.ProcessEnv): void {
  const equals = entry.indexOf('=');
  const name = equals < 0 ? entry : entry.slice(0, equals);
  if (name === '')
    throw new UserError(`invalid environment variable: '${entry}'`, { hint: 'write NAME=VALUE' });
  const value = equals < 0 ? host[name] : entry.slice(equals + 1);
  if (value === undefined) variables.delete(name);
  else variables.set(name, value);
}

/** Lines `NAME=VALUE` or `NAME`; blank ones and those that begin with `#` are skipped, nothing is unquoted. */
function readEnvironmentFile(path: string): string[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UserError(`cannot read the environment file '${path}': ${reasonOf(error)}`, {
      cause: error,
    });
  }
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line) => line.trimStart());
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const name = line.split('=', 1)[0] ?? '';
      if (/\s/.test(name)) {
        throw new UserError(
          `poorly formatted environment in '${path}': variable '${name}' contains whitespaces`,
        );
      }
      return line;
    });
}
