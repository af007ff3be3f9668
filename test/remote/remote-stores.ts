/**
 * Remote storage for tests: real servers on loopback, whose processes can be stopped and continued.
 *
 * sshfs talks to an sshd of its own, with keys made for the run; GlusterFS distributes over two bricks, each a server
 * process, without the management daemon. All files lie in a scratch directory, and nothing of a store outlives `end()`.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { statOf, until, untilIs } from '../cli/plyfs-run.js';

export interface Store {
  readonly name: string;
  /** Where the host has it mounted. */
  readonly path: string;
  /** `--opt` values of a volume on it. */
  readonly volume: readonly string[];
  /** Stops the servers, which then leave every request without an answer. */
  pause(): void;
  resume(): void;
  end(): Promise<void>;
}

export async function startSshfs(scratch: string): Promise<Store> {
  const home = `${scratch}/ssh`;
  const path = `${scratch}/ssh-mount`;
  for (const directory of [home, path, `${home}/data`, '/run/sshd'])
    mkdirSync(directory, { recursive: true });
  for (const key of ['host', 'user'])
    run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', `${home}/${key}`);
  const port = await freePort();
  const config = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${home}/host`,
    `AuthorizedKeysFile ${home}/user.pub`,
    'UsePAM no',
    'StrictModes no',
    'PermitRootLogin yes',
    `PidFile ${home}/pid`,
    'Subsystem sftp internal-sftp',
  ];
  writeFileSync(`${home}/config`, `${config.join('\n')}\n`);
  const server = start('/usr/sbin/sshd', '-D', '-f', `${home}/config`, '-E', `${home}/log`);
  const options = [
    `port=${port}`,
    `IdentityFile=${home}/user`,
    'StrictHostKeyChecking=no',
    `UserKnownHostsFile=${home}/known`,
  ].join(',');
  const device = `root@127.0.0.1:${home}/data`;
  const client = (): boolean =>
    spawnSync('sshfs', ['-o', options, device, path], { timeout: 5_000 }).status === 0;
  await until(client);
  const sessions = (): number[] => descendants(server.pid!);
  // Without a cache of its own it hangs as soon as its server does.
  const volumeOptions = ['type=fuse.sshfs', `device=${device}`, `o=${options},dir_cache=no`];
  return store('sshfs', { path, volume: volumeOptions }, sessions, [server]);
}

export async function startGluster(scratch: string): Promise<Store> {
  const home = `${scratch}/gluster`;
  const path = `${scratch}/gluster-mount`;
  for (const directory of [home, path]) mkdirSync(directory, { recursive: true });
  const bricks = ['one', 'two'];
  const ports = [await freePort(), await freePort()];
  const servers = bricks.map((brick, i) => {
    mkdirSync(`${home}/${brick}`);
    writeFileSync(`${home}/${brick}.vol`, brickVolume(`${home}/${brick}`, ports[i]!));
    return startGlusterProcess('glusterfsd', `${home}/${brick}`);
  });
  const clients = bricks.map((brick, i) => clientVolume(brick, ports[i]!));
  const distribute = volume('all', 'cluster/distribute', { subvolumes: bricks.join(' ') });
  writeFileSync(`${home}/client.vol`, [...clients, distribute].join('\n'));
  await until(() => ports.every(isListening));
  const client = startGlusterProcess('glusterfs', `${home}/client`, path);
  await until(
    () => readFileSync('/proc/self/mountinfo', 'latin1').includes(` ${path} `) && isAnswering(path),
    15_000,
  );
  const volumeOptions = ['type=glusterfs', `device=${home}/client.vol`, `o=log-file=${home}/volume.log`];
  return store('glusterfs', { path, volume: volumeOptions }, () => servers.map((one) => one.pid!), [
    client,
    ...servers,
  ]);
}

function store(
  name: string,
  places: Pick<Store, 'path' | 'volume'>,
  backend: () => readonly number[],
  processes: readonly ChildProcess[],
): Store {
  const signal = (what: NodeJS.Signals): void => {
    for (const pid of backend()) process.kill(pid, what);
  };
  const { path } = places;
  return {
    name,
    ...places,
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    async end() {
      signal('SIGCONT');
      await untilIs(() => spawnSync('umount', [path], { timeout: 5_000 }).status, 0);
      for (const one of processes) one.kill('SIGTERM');
      await until(() => processes.every((one) => one.exitCode !== null || one.signalCode !== null));
    },
  };
}

function volume(name: string, type: string, { subvolumes, ...options }: Record<string, string>): string {
  const lines = Object.entries(options).map(([key, value]) => `  option ${key} ${value}`);
  const below = subvolumes === undefined ? [] : [`  subvolumes ${subvolumes}`];
  return [`volume ${name}`, `  type ${type}`, ...lines, ...below, 'end-volume', ''].join('\n');
}

function brickVolume(directory: string, port: number): string {
  return [
    volume('posix', 'storage/posix', { directory }),
    volume('locks', 'features/locks', { subvolumes: 'posix' }),
    volume('brick', 'performance/io-threads', { subvolumes: 'locks' }),
    volume('server', 'protocol/server', {
      'transport-type': 'tcp',
      'transport.socket.bind-address': '127.0.0.1',
      'transport.socket.listen-port': String(port),
      'auth.addr.brick.allow': '127.0.0.1',
      subvolumes: 'brick',
    }),
  ].join('\n');
}

function clientVolume(name: string, port: number): string {
  return volume(name, 'protocol/client', {
    'transport-type': 'tcp',
    'remote-host': '127.0.0.1',
    'remote-port': String(port),
    'remote-subvolume': 'brick',
    // A server that is stopped is to hang its clients, not to lose them.
    'ping-timeout': '0',
  });
}

function startGlusterProcess(program: string, base: string, mountpoint?: string): ChildProcess {
  const files = ['-f', `${base}.vol`, '-l', `${base}.log`, '-p', `${base}.pid`];
  return start(program, '-N', ...files, ...(mountpoint === undefined ? [] : [mountpoint]));
}

function start(program: string, ...args: string[]): ChildProcess {
  return spawn(program, args, { stdio: 'ignore' });
}

function run(program: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 60_000 });
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
}

function isAnswering(path: string): boolean {
  return spawnSync('ls', [path], { timeout: 2_000, killSignal: 'SIGKILL' }).status === 0;
}

function isListening(port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return readFileSync('/proc/net/tcp', 'latin1').includes(`0100007F:${hex} 00000000:0000 0A`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Processes below one, deepest last. */
function descendants(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    const stat = statOf(Number(name));
    if (stat !== undefined)
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0]));
  }
  const found: number[] = [];
  const visit = (pid: number): void => {
    for (const [child, parent] of parents) {
      if (parent !== pid) continue;
      found.push(child);
      visit(child);
    }
  };
  visit(root);
  return found;
}
