/**
 * Docker: a daemon of its own, without a network, for whom all state lies below one directory.
 *
 * Between cases what a case has left is removed through the daemon's socket, which is quicker than a new daemon.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { command } from '../../scripts/shell.js';
import type { Case } from './docker-cases.js';
import { type Outcome, runScript, type Side } from './side.js';

const START_LIMIT_MS = 60_000;

/** Debian's, where it is installed: its version goes with its daemon. */
function dockerProgram(): string {
  return existsSync('/usr/bin/docker') ? '/usr/bin/docker' : 'docker';
}

/** The daemon has no bridge, so that what is run must do without a network. */
function wrapper(socket: string): string {
  return `#!/bin/sh
docker() { exec ${dockerProgram()} -H unix://${socket} "$@"; }
case $1 in
  run | create | build) name=$1; shift; docker "$name" --network none "$@" ;;
  container | image)
    case $2 in
      run | create | build) name=$1 below=$2; shift 2; docker "$name" "$below" --network none "$@" ;;
    esac ;;
esac
docker "$@"
`;
}

export class DockerSide implements Side {
  readonly name = 'docker';
  readonly #home: string;
  readonly #rootTar: string;
  readonly #socket: string;
  readonly #daemon: ChildProcess;

  /** @throws Error when the daemon does not start. */
  static async start(home: string, rootTar: string): Promise<DockerSide> {
    mkdirSync(home, { recursive: true });
    const side = new DockerSide(home, rootTar);
    try {
      await side.#ready();
      await command([side.#command, 'import', '-c', 'CMD ["sh"]', rootTar, 'base']);
      return side;
    } catch (error) {
      await side[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(home: string, rootTar: string) {
    this.#home = home;
    this.#rootTar = rootTar;
    this.#socket = join(home, 'docker.sock');
    writeFileSync(this.#command, wrapper(this.#socket), { mode: 0o755 });
    const log = openSync(join(home, 'log'), 'w');
    const options = ['--data-root', this.#dataRoot, '--exec-root', join(home, 'exec')];
    const files = ['-H', `unix://${this.#socket}`, '-p', join(home, 'pid')];
    this.#daemon = spawn('dockerd', [...options, ...files, '--bridge=none', '--iptables=false'], {
      stdio: ['ignore', log, log],
      detached: true,
    });
  }

  get #command(): string {
    return join(this.#home, 'docker');
  }

  get #dataRoot(): string {
    return join(this.#home, 'data');
  }

  async run(one: Case): Promise<Outcome> {
    const directory = join(this.#home, 'work');
    const outcome = await runScript(one.script, {
      command: this.#command,
      directory,
      rootTar: this.#rootTar,
      variables: { DOCKER_BUILDKIT: '1', DOCKER_CONFIG: join(this.#home, 'config') },
    });
    await this.#clean();
    return { ...outcome, ...shown(outcome, [directory, this.#dataRoot]) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#daemon.exitCode === null) {
      const gone = new Promise((resolve) => this.#daemon.once('exit', resolve));
      this.#daemon.kill('SIGTERM');
      await gone;
    }
  }

  async #ready(): Promise<void> {
    const deadline = Date.now() + START_LIMIT_MS;
    for (;;) {
      const answer = await this.#ask('GET', '/_ping').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') return undefined;
        throw error;
      });
      if (answer === 'OK') return;
      if (this.#daemon.exitCode !== null || Date.now() > deadline) {
        const log = readFileSync(join(this.#home, 'log'), 'utf8').trim().split('\n').slice(-3).join('\n');
        throw new Error(`dockerd does not start:\n${log}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async #clean(): Promise<void> {
    const containers = JSON.parse(await this.#ask('GET', '/containers/json?all=1')) as { Id: string }[];
    await Promise.all(containers.map(({ Id }) => this.#ask('DELETE', `/containers/${Id}?force=1&v=1`)));
    const { Volumes } = JSON.parse(await this.#ask('GET', '/volumes')) as {
      Volumes: { Name: string }[] | null;
    };
    for (const { Name } of Volumes ?? []) await this.#ask('DELETE', `/volumes/${Name}?force=1`);
    const images = JSON.parse(await this.#ask('GET', '/images/json?all=1')) as DockerImage[];
    const others = images.filter(({ RepoTags }) => RepoTags?.includes('base:latest') !== true);
    // Children before their parents: the newest first.
    for (const { Id } of others.sort((a, b) => b.Created - a.Created)) {
      await this.#ask('DELETE', `/images/${Id}?force=1`);
    }
    if (images.length === others.length)
      await command([this.#command, 'import', '-c', 'CMD ["sh"]', this.#rootTar, 'base']);
    const base = images.find(({ RepoTags }) => RepoTags?.includes('base:latest'));
    for (const tag of base?.RepoTags ?? [])
      if (tag !== 'base:latest') await this.#ask('DELETE', `/images/${tag}`);
  }

  #ask(method: string, path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const sent = request({ socketPath: this.#socket, method, path }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => resolve(Buffer.concat(chunks).toString()));
        answer.on('error', reject);
      });
      sent.on('error', reject);
      sent.end();
    });
  }
}

interface DockerImage {
  readonly Id: string;
  readonly Created: number;
  readonly RepoTags: readonly string[] | null;
}

/** Paths that differ from side to side have one name in what is compared. */
export function shown(
  { stdout, stderr }: Pick<Outcome, 'stdout' | 'stderr'>,
  [directory, root]: readonly [directory: string, root: string],
): Pick<Outcome, 'stdout' | 'stderr'> {
  const replace = (text: string) => text.replaceAll(directory, '$PWD').replaceAll(root, '$STORE');
  return { stdout: replace(stdout), stderr: replace(stderr) };
}
