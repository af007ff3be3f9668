/**
 * `login` and `logout`: credentials are tried at their registry, and kept where docker keeps them, in config.json or by the
 * helper that it names.
 */

import { lstatSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { UserError } from '../../../errno/user-error.js';
import { makeDirectories } from '../../../linux/files/make-directories.js';
import { isMissing, writeAtomic } from '../../../store/atomic-file.js';
import { DOCKER_HUB, isHost, registryHost } from '../../oci/reference.js';
import { Registry } from '../registry.js';
import { eraseInHelper, tellHelper } from './credential-helper.js';
import {
  type AuthEntry,
  type Credentials,
  credentialKey,
  type DockerConfig,
  dockerConfigPath,
  helperFor,
  hostPathOf,
  readDockerConfig,
} from './docker-config.js';

/** The host that an argument of `login` means: `HOST[:PORT]`, also as an address. @throws UserError */
export function serverHost(text: string | undefined): string {
  if (text === undefined || text === '') return DOCKER_HUB;
  const host = hostPathOf(text).replace(/\/.*$/, '');
  if (isHost(host)) return host;
  throw new UserError(`'${text}' is no host of a registry`, { hint: 'write HOST[:PORT]' });
}

/** @throws UserError when the registry refuses them. */
export async function tryCredentials(
  host: string,
  credentials: Credentials,
  options: { readonly insecure: boolean },
): Promise<void> {
  using registry = new Registry(registryHost({ host }), { credentials, ...options });
  await registry.login();
}

/** @returns the file that keeps them in the clear; undefined: a helper keeps them. @throws UserError */
export function keepCredentials(
  host: string,
  credentials: Credentials,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  const path = dockerConfigPath(env);
  const config = readDockerConfig(path) ?? {};
  const key = credentialKey(host);
  const helper = helperFor(config, host);
  if (helper !== undefined) tellHelper(helper, key, credentials);
  const entry = helper === undefined ? entryOf(credentials) : {};
  writeConfig(path, { ...config, auths: { ...withoutHost(config, host), [key]: entry } });
  return helper === undefined ? path : undefined;
}

/** @returns whether there were any. @throws UserError */
export function dropCredentials(host: string, env: NodeJS.ProcessEnv = process.env): boolean {
  const path = dockerConfigPath(env);
  const config = readDockerConfig(path);
  if (config === undefined) return false;
  const auths = withoutHost(config, host);
  const helper = helperFor(config, host);
  if (helper !== undefined) eraseInHelper(helper, credentialKey(host));
  const hadAny = Object.keys(auths).length < Object.keys(config.auths ?? {}).length;
  if (hadAny) writeConfig(path, { ...config, auths });
  return hadAny;
}

function entryOf({ username, password, identityToken }: Credentials): AuthEntry {
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  return { auth, ...(identityToken === undefined ? {} : { identitytoken: identityToken }) };
}

/** In all spellings of the host. */
function withoutHost({ auths = {} }: DockerConfig, host: string): Record<string, AuthEntry> {
  return Object.fromEntries(Object.entries(auths).filter(([key]) => hostPathOf(key) !== host));
}

/** What stands in the file stays, and its mode; a new one is its owner's alone. */
function writeConfig(path: string, config: DockerConfig): void {
  makeDirectories(dirname(path), 0o700);
  const mode = lstatSync(path, { throwIfNoEntry: false })?.isFile() ? lstatSync(path).mode & 0o700 : 0o600;
  writeAtomic(targetOf(path), `${JSON.stringify(config, null, '\t')}\n`, mode);
}

/** People keep it elsewhere, and a symlink here. */
function targetOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (isMissing(error)) return path;
    throw error;
  }
}
