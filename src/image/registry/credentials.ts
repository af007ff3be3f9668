/**
 * Who we are to a registry: `config.json` of Docker (`auths`, `credHelpers`, `credsStore`), in $DOCKER_CONFIG or
 * ~/.docker, else `auth.json` of Podman and skopeo (containers-auth.json(5)), whose keys may name a repository too.
 *
 * A credential helper is a program docker-credential-NAME: `get` on its command line, the host on its standard input,
 * JSON with Username and Secret as answer (docker/docker-credential-helpers).
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { reasonOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import { DOCKER_HUB } from '../reference.js';

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** An OAuth refresh token in place of a password. */
  readonly identityToken?: string;
}

interface AuthEntry {
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
}

interface DockerConfig {
  readonly auths?: Readonly<Record<string, AuthEntry>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

const HELPER_TIMEOUT_MS = 30_000;
/** What helpers answer in place of a user name when the secret is an identity token. */
const TOKEN_USER = '<token>';

/**
 * The credentials for a repository (`HOST[:PORT][/PATH]`, docker.io by that name); undefined: none are kept.
 * @throws UserError for a file that is no JSON, or a helper that fails.
 */
export function findCredentials(
  repository: string,
  env: NodeJS.ProcessEnv = process.env,
): Credentials | undefined {
  for (const path of configPaths(env)) {
    const config = readConfig(path);
    const found = config && credentialsIn(config, repository, path);
    if (found) return found;
  }
  return undefined;
}

function configPaths(env: NodeJS.ProcessEnv): string[] {
  const home = env.HOME ?? homedir();
  const docker = join(env.DOCKER_CONFIG ?? join(home, '.docker'), 'config.json');
  if (env.REGISTRY_AUTH_FILE !== undefined) return [docker, env.REGISTRY_AUTH_FILE];
  const runtime =
    env.XDG_RUNTIME_DIR === undefined
      ? `/run/containers/${process.getuid?.() ?? 0}`
      : join(env.XDG_RUNTIME_DIR, 'containers');
  return [docker, join(runtime, 'auth.json'), join(home, '.config/containers/auth.json')];
}

function readConfig(path: string): DockerConfig | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Another user's home, after `sudo`, is none of ours.
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return undefined;
    throw new UserError(`cannot read '${path}': ${reasonOf(error)}`);
  }
  try {
    return JSON.parse(text) as DockerConfig;
  } catch (error) {
    throw new UserError(`cannot read '${path}': it is no JSON`, { cause: error });
  }
}

function credentialsIn(config: DockerConfig, repository: string, path: string): Credentials | undefined {
  const host = repository.replace(/\/.*$/, '');
  const key = credentialKey(host);
  const helper = config.credHelpers?.[key] ?? config.credHelpers?.[host] ?? config.credsStore;
  if (helper !== undefined) {
    const found = askHelper(helper, key);
    if (found) return found;
  }
  const auths = Object.entries(config.auths ?? {}).map(([key, entry]) => ({
    key,
    entry,
    place: placeOf(key),
  }));
  const fitting = auths.filter(({ place }) => `${repository}/`.startsWith(`${place}/`));
  // What names most of the path is meant for it.
  const [best] = fitting.sort((a, b) => b.place.length - a.place.length);
  return best && fromEntry(best.entry, best.key, path);
}

/** What docker keeps the credentials of a registry under; of docker.io the address of its first version. */
export function credentialKey(host: string): string {
  return host === DOCKER_HUB ? DOCKER_HUB_KEY : host;
}

const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';

/** Keys of old files are URLs: `https://HOST/v1/`. */
function placeOf(key: string): string {
  const place = key.replace(/^https?:\/\//, '').replace(/(?:\/v[12])?\/*$/, '');
  return place.replace(/^(?:index|registry-1)\.docker\.io(?=\/|$)/, DOCKER_HUB);
}

function fromEntry(entry: AuthEntry, key: string, path: string): Credentials | undefined {
  const identity = entry.identitytoken === undefined ? {} : { identityToken: entry.identitytoken };
  if (entry.username !== undefined && entry.password !== undefined) {
    return { username: entry.username, password: entry.password, ...identity };
  }
  if (entry.auth === undefined || entry.auth === '') return undefined;
  const text = Buffer.from(entry.auth, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) throw new UserError(`cannot read '${path}': the 'auth' of '${key}' is no user:password`);
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, ''), ...identity };
}

function askHelper(name: string, host: string): Credentials | undefined {
  if (!/^[\w.-]+$/.test(name)) throw new UserError(`invalid credential helper '${name}'`);
  const program = `docker-credential-${name}`;
  const result = spawnSync(program, ['get'], { input: host, encoding: 'utf8', timeout: HELPER_TIMEOUT_MS });
  if (result.error) throw new UserError(`cannot run '${program}': ${reasonOf(result.error)}`);
  if (result.status !== 0) {
    const message = (result.stdout || result.stderr).trim();
    if (/credentials not found/i.test(message)) return undefined;
    throw new UserError(`cannot ask '${program}' for '${host}': ${message || `status ${result.status}`}`);
  }
  const { Username, Secret } = parseAnswer(program, result.stdout);
  if (Username === TOKEN_USER) return { username: '', password: '', identityToken: Secret };
  return { username: Username, password: Secret };
}

function parseAnswer(program: string, text: string): { Username: string; Secret: string } {
  try {
    return JSON.parse(text) as { Username: string; Secret: string };
  } catch (error) {
    throw new UserError(`cannot read the answer of '${program}': it is no JSON`, { cause: error });
  }
}
