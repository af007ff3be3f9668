/** An OpenSSH server on loopback with keys, a configuration and a port of its own; who has the key is root. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const LIMIT_MS = 30_000;
const POLL_MS = 20;

export class SshServer {
  readonly port: number;
  /** The file of the client's key. */
  readonly key: string;
  readonly #pid: number;

  private constructor(port: number, key: string, pid: number) {
    this.port = port;
    this.key = key;
    this.#pid = pid;
  }

  /** @param folder for its files. */
  static async start(folder: string): Promise<SshServer> {
    const at = (name: string): string => join(folder, name);
    const port = await freePort();
    for (const name of ['host_key', 'key'])
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
    writeFileSync(at('authorized_keys'), readFileSync(at('key.pub')), { mode: 0o600 });
    // Its own, empty, for the part that has no rights.
    mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
    const settings = [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${at('host_key')}`,
      `AuthorizedKeysFile ${at('authorized_keys')}`,
      `PidFile ${at('sshd.pid')}`,
      'StrictModes no',
      'UsePAM no',
      'PermitRootLogin yes',
      'Subsystem sftp internal-sftp',
    ];
    writeFileSync(at('sshd_config'), `${settings.join('\n')}\n`);
    execFileSync('/usr/sbin/sshd', ['-f', at('sshd_config')]);
    const pid = (): string => (existsSync(at('sshd.pid')) ? readFileSync(at('sshd.pid'), 'utf8') : '');
    for (const since = Date.now(); pid() === ''; await pause(POLL_MS))
      if (Date.now() > since + LIMIT_MS) throw new Error('sshd does not say its pid');
    return new SshServer(port, at('key'), Number(pid()));
  }

  /** What a client is told, as ssh and sshfs take it. */
  get options(): string[] {
    return [
      `IdentityFile=${this.key}`,
      'StrictHostKeyChecking=no',
      'UserKnownHostsFile=/dev/null',
      `Port=${this.port}`,
    ];
  }

  stop(): void {
    process.kill(this.#pid);
  }
}

/** A port of loopback that nobody listens at. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
