/**
 * `--secret` of a build: what `RUN --mount=type=secret` shows, and no layer keeps.
 */

import { readFileSync } from 'node:fs';
import { reasonOf } from '../../../errno/reason.js';
import { UserError } from '../../../errno/user-error.js';
import { parseCsvRecord } from '../../../mounts/request/csv.js';

/** Docker's limit. */
const MAX_BYTES = 500 * 1024;

/** By id. @throws UserError for a value that means nothing, or what cannot be read. */
export function parseSecrets(specs: readonly string[]): Map<string, Buffer> {
  return new Map(specs.map(parseSecret));
}

function parseSecret(spec: string): [id: string, content: Buffer] {
  const fields = new Map(
    parseCsvRecord(spec).map((field): [string, string] => {
      const equals = field.indexOf('=');
      const key = equals < 0 ? field : field.slice(0, equals);
      return [key === 'src' ? 'source' : key, equals < 0 ? '' : field.slice(equals + 1)];
    }),
  );
  const unknown = [...fields.keys()].find((key) => !['id', 'source', 'env', 'type'].includes(key));
  const id = fields.get('id') ?? '';
  if (unknown !== undefined || id === '') {
    throw new UserError(`invalid secret '${spec}'`, { hint: 'write id=ID,src=FILE or id=ID,env=NAME' });
  }
  const content = readSecret(id, fields.get('source'), fields.get('env'));
  if (content.length <= MAX_BYTES) return [id, content];
  throw new UserError(`the secret '${id}' is larger than ${MAX_BYTES} bytes`);
}

/** Without a file and a variable the secret is the variable with its id, else the file, as Docker has it. */
function readSecret(id: string, source: string | undefined, variable: string | undefined): Buffer {
  const name = variable ?? (source === undefined && process.env[id] !== undefined ? id : undefined);
  if (name !== undefined) {
    const value = process.env[name];
    if (value === undefined) throw new UserError(`the secret '${id}': there is no variable '${name}'`);
    return Buffer.from(value);
  }
  const path = source ?? id;
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UserError(`cannot read the secret '${path}': ${reasonOf(error)}`, { cause: error });
  }
}
