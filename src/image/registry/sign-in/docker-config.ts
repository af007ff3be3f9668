/**
 * Credentials for registries: `config.json` of Docker (`auths`, `credHelpers`, `credsStore`), in $DOCKER_CONFIG or
 * ~/.docker, else `auth.json` of Podman and skopeo (containers-auth.json(5)), whose keys may name a repository too.
 */

import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { hasCode } from '../../../errno/error-code.js';
import { reasonOf } from '../../../errno/reason.js';
import { UserError } from '../../../errno/user-error.js';
import { DOCKER_HUB } from '../../oci/reference.js';
import { askHelper } from './credential-helper.js';

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** An OAuth refresh token in place of a password. */
  readonly identityToken?: string;
}

export interface AuthEntry {
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
}

export interface DockerConfig {
  readonly auths?: Readonly<Record<string, AuthEntry>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

/**
 * The credentials for a repository (`HOST[:PORT][/PATH]`, docker.io by that name); undefined: none are kept.
 * @throws UserError for a file that is no JSON, or a helper that fails.
 */
export function findCredentials(
  repository: string,
  env: NodeJS.ProcessEnv = process.env,
): Credentials | undefined {
  for (const path of configPaths(env)) {
    const config = readDockerConfig(path);
    const found = config && credentialsIn(config, repository, path);
    if (found) return found;
  }
  return undefined;
}

/** Where docker keeps credentials, and 'plyfs login' too. */
export function dockerConfigPath(env: NodeJS.ProcessEnv): string {
  return join(env.DOCKER_CONFIG ?? join(env.HOME ?? homedir(), '.docker'), 'config.json');
}

function configPaths(env: NodeJS.ProcessEnv): string[] {
  const home = env.HOME ?? homedir();
  const docker = dockerConfigPath(env);
  if (env.REGISTRY_AUTH_FILE !== undefined) return [docker, env.REGISTRY_AUTH_FILE];
  const runtime =
    env.XDG_RUNTIME_DIR === undefined
      ? `/run/containers/${process.getuid?.() ?? 0}`
      : join(env.XDG_RUNTIME_DIR, 'containers');
  return [docker, join(runtime, 'auth.json'), join(home, '.config/containers/auth.json')];
}

/** @returns undefined when there is none that we may read. @throws UserError */
export function readDockerConfig(path: string): DockerConfig | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    // Another user's home, after `sudo`, is none of ours.
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return undefined;
    throw new UserError(`cannot read '${path}': ${reasonOf(error)}`);
  }
  let value: unknown;
  try {
    // An empty file is none, as for docker.
    value = text.trim() === '' ? {} : JSON.parse(text);
  } catch (error) {
    throw new UserError(`cannot read '${path}': it is no JSON`, { cause: error });
  }
  if (isMap(value)) {
    const fields = Object.entries(value as object).filter(([, field]) => field !== null);
    const config = Object.fromEntries(fields) as DockerConfig;
    if (isMap(config.auths ?? {}) && isMap(config.credHelpers ?? {})) return config;
  }
  throw new UserError(`cannot read '${path}': it is no configuration of docker`);
}

function isMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function credentialsIn(config: DockerConfig, repository: string, path: string): Credentials | undefined {
  const host = repository.replace(/\/.*$/, '');
  const key = credentialKey(host);
  const helper = helperFor(config, host);
  if (helper !== undefined) {
    const found = askHelper(helper, key);
    if (found) return found;
  }
  const auths = Object.entries(config.auths ?? {}).map(([key, entry]) => ({
    key,
    entry,
    place: hostPathOf(key),
  }));
  const fitting = auths.filter(({ place }) => `${repository}/`.startsWith(`${place}/`));
  // What names most of the path is meant for it.
  const [best] = fitting.sort((a, b) => b.place.length - a.place.length);
  return best && fromEntry(best.entry, best.key, path);
}

/** The helper that keeps the credentials for a host; undefined: the file does. */
export function helperFor({ credHelpers, credsStore }: DockerConfig, host: string): string | undefined {
  const helper = credHelpers?.[credentialKey(host)] ?? credHelpers?.[host] ?? credsStore;
  return helper === '' ? undefined : helper;
}

/** What docker keeps the credentials of a registry under; of docker.io the address of its first version. */
export function credentialKey(host: string): string {
  return host === DOCKER_HUB ? DOCKER_HUB_KEY : host;
}

export const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';

/** The host and path of a key; those of old files are URLs: `https://HOST/v1/`. */
export function hostPathOf(key: string): string {
  const place = key.replace(/^https?:\/\//, '').replace(/(?:\/v[12])?\/*$/, '');
  return place.replace(/^(?:index|registry-1)\.docker\.io(?=\/|$)/, DOCKER_HUB);
}

function fromEntry(entry: AuthEntry, key: string, path: string): Credentials | undefined {
  if (!isMap(entry)) return undefined;
  const identity =
    entry.identitytoken === undefined || entry.identitytoken === ''
      ? {}
      : { identityToken: entry.identitytoken };
  if (entry.username !== undefined && entry.password !== undefined) {
    return { username: entry.username, password: entry.password, ...identity };
  }
  if (typeof entry.auth !== 'string' || entry.auth === '') return undefined;
  const text = Buffer.from(entry.auth, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) throw new UserError(`cannot read '${path}': the 'auth' of '${key}' is no user:password`);
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, ''), ...identity };
}
