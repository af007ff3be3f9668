/**
 * Credential helpers: programs docker-credential-NAME with `get`, `store` or `erase` on their command line, the host or JSON
 * on their standard input, JSON with Username and Secret as answer (docker/docker-credential-helpers).
 */

import { spawnSync } from 'node:child_process';
import { hasCode } from '../../../errno/error-code.js';
import { reasonOf } from '../../../errno/reason.js';
import { UserError } from '../../../errno/user-error.js';
import type { Credentials } from './docker-config.js';

const TIMEOUT_MS = 30_000;
/** In place of a user name when the secret is an identity token. */
const TOKEN_USER = '<token>';

/** @returns undefined when it has none. @throws UserError when it fails. */
export function askHelper(name: string, key: string): Credentials | undefined {
  const text = runHelper(name, 'get', key);
  if (text === undefined) return undefined;
  const { Username, Secret } = parseAnswer(name, text);
  if (Username === TOKEN_USER) return { username: '', password: '', identityToken: Secret };
  return { username: Username, password: Secret };
}

/** @throws UserError when it fails. */
export function tellHelper(
  name: string,
  key: string,
  { username, password, identityToken }: Credentials,
): void {
  const secret =
    identityToken === undefined
      ? { Username: username, Secret: password }
      : { Username: TOKEN_USER, Secret: identityToken };
  runHelper(name, 'store', JSON.stringify({ ServerURL: key, ...secret }));
}

/** @throws UserError when it fails; not when it has none. */
export function eraseInHelper(name: string, key: string): void {
  runHelper(name, 'erase', key);
}

/** @returns what it answers; undefined: it knows no such credentials. */
function runHelper(name: string, action: 'get' | 'store' | 'erase', input: string): string | undefined {
  if (!/^[\w.-]+$/.test(name)) throw new UserError(`invalid credential helper '${name}'`);
  const program = `docker-credential-${name}`;
  const { error, status, stdout, stderr } = spawnSync(program, [action], {
    input,
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  });
  if (status === 0 && error === undefined) return stdout;
  // A helper that does not read its input is no failure.
  if (error !== undefined && !hasCode(error, 'EPIPE')) {
    const why = hasCode(error, 'ENOENT') ? 'there is no such program' : reasonOf(error);
    throw new UserError(`cannot run '${program}': ${why}`);
  }
  const message = (stdout || stderr).trim();
  if (/credentials not found/i.test(message)) return undefined;
  throw new UserError(`'${program} ${action}' failed: ${message || `status ${status}`}`);
}

function parseAnswer(name: string, text: string): { Username: string; Secret: string } {
  let value: { Username?: unknown; Secret?: unknown } | null;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UserError(`cannot read the answer of 'docker-credential-${name}': it is no JSON`, {
      cause: error,
    });
  }
  const { Username, Secret } = value ?? {};
  if (typeof Username === 'string' && typeof Secret === 'string') return { Username, Secret };
  throw new UserError(`cannot read the answer of 'docker-credential-${name}': it has no user and secret`);
}
