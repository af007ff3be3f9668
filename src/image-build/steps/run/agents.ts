/**
 * `--ssh` of a build: the agents that `RUN --mount=type=ssh` shows. Keys that are given as files get an agent of their own
 * (OpenSSH's), which ends with the build, however that ends; no copy of a key is on a disk.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, type Stats, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { reasonOf } from '../../../errno/reason.js';
import { UserError } from '../../../errno/user-error.js';

interface Agents extends Disposable {
  /** By id. */
  readonly sockets: ReadonlyMap<string, string>;
}

/** `default`, `ID`, `ID=SOCKET`, `ID=KEY,...`; what has no value is the agent of SSH_AUTH_SOCK. @throws UserError */
export async function openAgents(specs: readonly string[]): Promise<Agents> {
  const own: Disposable[] = [];
  const end = () => {
    for (const one of own) one[Symbol.dispose]();
  };
  const sockets = new Map<string, string>();
  try {
    for (const { id, paths } of specs.map(parseAgent)) {
      const [first = ''] = paths;
      if (paths.length === 1 && statOf(id, first).isSocket()) sockets.set(id, first);
      else {
        const agent = await startAgent(
          id,
          paths.map((path) => ({ path, content: readKey(id, path) })),
        );
        own.push(agent);
        sockets.set(id, agent.socket);
      }
    }
  } catch (error) {
    end();
    throw error;
  }
  return { sockets, [Symbol.dispose]: end };
}

interface AgentSpec {
  readonly id: string;
  /** Absolute: a socket, or keys. */
  readonly paths: readonly string[];
}

function parseAgent(spec: string): AgentSpec {
  const equals = spec.indexOf('=');
  const id = equals < 0 ? spec : spec.slice(0, equals);
  if (id === '') {
    throw new UserError(`invalid ssh agent '${spec}'`, { hint: 'write default, ID=SOCKET or ID=KEYFILE' });
  }
  const value = equals < 0 ? process.env.SSH_AUTH_SOCK : spec.slice(equals + 1);
  if (value === undefined || value === '') {
    throw new UserError(`the ssh agent '${id}': SSH_AUTH_SOCK is not set`, {
      hint: `start ssh-agent, or give a key as ${id}=KEYFILE`,
    });
  }
  return { id, paths: value.split(',').map((path) => resolve(path)) };
}

function statOf(id: string, path: string): Stats {
  try {
    return statSync(path);
  } catch (error) {
    throw new UserError(`the ssh agent '${id}': cannot read '${path}': ${reasonOf(error)}`, { cause: error });
  }
}

interface Key {
  readonly path: string;
  readonly content: Buffer;
}

function readKey(id: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UserError(`the ssh agent '${id}': cannot read the key '${path}': ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

interface OwnAgent extends Disposable {
  readonly socket: string;
}

/** Lives until its input ends, which is when this process does; then it takes agent and socket along. */
const UNTIL_END = 'echo ready; cat >/dev/null; kill "$SSH_AGENT_PID"; rm -rf "$0"';

async function startAgent(id: string, keys: readonly Key[]): Promise<OwnAgent> {
  const directory = mkdtempSync(join(tmpdir(), 'plyfs-ssh-'));
  const socket = join(directory, 'agent');
  const agent = spawn('ssh-agent', ['-a', socket, 'sh', '-c', UNTIL_END, directory], {
    stdio: ['pipe', 'pipe', 'ignore'],
    // A Ctrl-C is for the build, which ends it.
    detached: true,
  });
  const stop = () => {
    agent.stdin.end();
    agent.unref();
  };
  try {
    await started(id, 'ssh-agent', agent);
    if ((await firstOf(agent.stdout)) === undefined)
      throw new UserError(`the ssh agent '${id}' does not start`);
    for (const key of keys) await addKey(id, socket, key);
  } catch (error) {
    stop();
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
  // The build must not wait for it.
  agent.stdout.destroy();
  agent.unref();
  (agent.stdin as Writable & { unref?: () => void }).unref?.();
  return { socket, [Symbol.dispose]: stop };
}

/** By its input: the rights of a file that is shared may be any. */
async function addKey(id: string, socket: string, { path, content }: Key): Promise<void> {
  const adding = spawn('ssh-add', ['-q', '-'], {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { ...process.env, SSH_AUTH_SOCK: socket, SSH_ASKPASS_REQUIRE: 'never', LC_ALL: 'C' },
    // Without a terminal nobody is asked for a passphrase.
    detached: true,
  });
  await started(id, 'ssh-add', adding);
  const complaint = text(adding.stderr);
  // It may end before it has read.
  adding.stdin.on('error', () => undefined);
  adding.stdin.end(content);
  const [status] = (await once(adding, 'close')) as [number | null];
  if (status === 0) return;
  const isLocked = /passphrase/i.test(await complaint);
  throw new UserError(
    `the ssh agent '${id}': cannot use the key '${path}'${isLocked ? ': it has a passphrase' : ''}`,
    {
      hint: isLocked ? "add it to an agent with ssh-add, and give '--ssh default'" : 'give a private key',
    },
  );
}

async function started(id: string, program: string, child: ChildProcess): Promise<void> {
  try {
    await once(child, 'spawn');
  } catch (error) {
    throw new UserError(`the ssh agent '${id}': a key needs '${program}', which is not there`, {
      hint: 'install openssh-client, or give the socket of an agent',
      cause: error,
    });
  }
}

async function firstOf(stream: Readable): Promise<unknown> {
  const [chunk] = (await Promise.race([once(stream, 'data'), once(stream, 'end')])) as [unknown];
  return chunk;
}
