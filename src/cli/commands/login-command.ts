/**
 * `plyfs login` and `plyfs logout`: credentials for registries, kept where docker keeps them.
 */

import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { Command } from 'commander';
import { UserError } from '../../errno/user-error.js';
import type { Credentials } from '../../image/registry/sign-in/docker-config.js';
import { DEBUG_FLAG } from '../frame/common-options.js';
import { attempt } from '../frame/store-command.js';
import { print, say } from '../print/output.js';

const LOGIN_DETAILS = `
The registry is asked whether it takes user and password; then they are kept in ~/.docker/config.json ($DOCKER_CONFIG), or by
the credential helper named there (credHelpers, credsStore). They are sent to that registry alone. Without a server it is
docker.io. Without -u and -p, those kept already are tried, and a terminal is asked.

Examples:
  plyfs login -u anna registry.example
  pass show registry | plyfs login -u anna --password-stdin localhost:5000`;

const LOGOUT_DETAILS = `
Examples:
  plyfs logout registry.example`;

interface LoginFlags {
  readonly username?: string;
  readonly password?: string;
  readonly passwordStdin?: boolean;
  readonly insecure?: boolean;
  readonly debug?: boolean;
}

export function loginCommand(): Command {
  return new Command('login')
    .description('keep user and password for a registry')
    .argument('[server]', 'HOST[:PORT]')
    .option('-u, --username <name>', 'the user')
    .option('-p, --password <password>', "the password, or a token; other users' ps shows it")
    .option('--password-stdin', 'take the password from standard input')
    .option('--insecure', 'plain http, or a certificate that cannot be verified, will do')
    .option(DEBUG_FLAG, 'stack traces with errors')
    .addHelpText('after', LOGIN_DETAILS)
    .action((server: string | undefined, flags: LoginFlags) =>
      attempt('login', flags.debug === undefined ? {} : { debug: flags.debug }, () =>
        runLogin(server, flags),
      ),
    );
}

export function logoutCommand(): Command {
  return new Command('logout')
    .description('forget user and password for a registry')
    .argument('[server]', 'HOST[:PORT]')
    .addHelpText('after', LOGOUT_DETAILS)
    .action((server: string | undefined) => attempt('logout', {}, () => runLogout(server)));
}

async function runLogin(server: string | undefined, flags: LoginFlags): Promise<void> {
  const { keepCredentials, serverHost, tryCredentials } = await import(
    '../../image/registry/sign-in/keep-credentials.js'
  );
  const host = serverHost(server);
  const options = { insecure: flags.insecure === true };
  checkFlags(flags);
  if (await triesKept(host, flags)) return;
  const credentials = await credentialsFor(flags);
  await tryCredentials(host, credentials, options);
  const path = keepCredentials(host, credentials);
  if (path !== undefined) {
    say(
      `plyfs login: the password is kept unencrypted in '${path}'; a credential helper (credsStore) would encrypt it`,
    );
  }
  print('Login Succeeded');
}

function checkFlags({ username, password, passwordStdin }: LoginFlags): void {
  if (password !== undefined && passwordStdin) {
    throw new UserError('conflicting options: cannot specify both --password and --password-stdin');
  }
  if (passwordStdin && username === undefined) {
    throw new UserError('the --password-stdin option requires --username to be set');
  }
  if (password === '' || username === '') {
    throw new UserError(`${password === '' ? 'Password Required' : 'Non-null Username Required'}`);
  }
  if (password === undefined) return;
  process.stderr.write(
    'plyfs login: --password is insecure, since others can see it in the list of processes; use --password-stdin\n',
  );
}

/** What is kept already is tried where nothing was given. @returns whether it will do. */
async function triesKept(host: string, { username, password, insecure }: LoginFlags): Promise<boolean> {
  const { findCredentials } = await import('../../image/registry/sign-in/docker-config.js');
  const { tryCredentials } = await import('../../image/registry/sign-in/keep-credentials.js');
  const kept = username === undefined && password === undefined ? findCredentials(host) : undefined;
  if (kept === undefined) return false;
  print('Authenticating with existing credentials...');
  try {
    await tryCredentials(host, kept, { insecure: insecure === true });
  } catch (error) {
    if (!(error instanceof UserError) || !process.stdin.isTTY) throw error;
    say(`plyfs login: ${error.message}`);
    return false;
  }
  print('Login Succeeded');
  return true;
}

async function credentialsFor({ username, password, passwordStdin }: LoginFlags): Promise<Credentials> {
  if (passwordStdin && username !== undefined) {
    // As docker: the line's end is none of it.
    const given = (await textOf(process.stdin)).replace(/[\r\n]+$/, '');
    if (given === '') throw new UserError('Password Required');
    return { username, password: given };
  }
  if (username !== undefined && password !== undefined) return { username, password };
  if (!process.stdin.isTTY)
    throw new UserError('Cannot perform an interactive login from a non TTY device', {
      hint: 'use --username, and --password-stdin',
    });
  const user = username ?? (await ask('Username: ', 'shown')).trim();
  if (user === '') throw new UserError('Non-null Username Required');
  const secret = password ?? (await ask('Password: ', 'hidden'));
  if (secret === '') throw new UserError('Password Required');
  return { username: user, password: secret };
}

/** A line of the terminal. */
async function ask(question: string, answer: 'shown' | 'hidden'): Promise<string> {
  const output =
    answer === 'shown' ? process.stdout : new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output, terminal: true });
  // From here on the terminal shows nothing by itself.
  if (answer === 'hidden') process.stdout.write(question);
  // Ctrl-C, which the interface takes, ends the command like everywhere else.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    return await lines.question(answer === 'shown' ? question : '');
  } finally {
    lines.close();
    if (answer === 'hidden') process.stdout.write('\n');
  }
}

async function runLogout(server: string | undefined): Promise<void> {
  const { dropCredentials, serverHost } = await import('../../image/registry/sign-in/keep-credentials.js');
  const { credentialKey } = await import('../../image/registry/sign-in/docker-config.js');
  const host = serverHost(server);
  const shown = credentialKey(host);
  print(dropCredentials(host) ? `Removing login credentials for ${shown}` : `Not logged in to ${shown}`);
}
