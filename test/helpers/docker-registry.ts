/** Debian's docker-registry on a port of its own, for tests that want the real thing at the other end. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** bcrypt of `secret`, as htpasswd makes it. */
const PASSWORD_LINE = 'anna:$2y$05$6AJiuMtFKV3WKRsnfR40fOeMOGyqM7wuCUynvuFChPxk9M8jJzGDK\n';

export class DockerRegistry implements AsyncDisposable {
  readonly host: string;
  /** Where its blobs are. */
  readonly storage: string;
  readonly #process: ChildProcess;

  private constructor(host: string, storage: string, process: ChildProcess) {
    this.host = host;
    this.storage = storage;
    this.#process = process;
  }

  /** @param root where it keeps what it has; `extra`: lines of its configuration. */
  static async start(root: string, { name = 'registry', extra = '' } = {}): Promise<DockerRegistry> {
    const port = await freePort();
    const storage = join(root, name);
    const path = join(root, `${name}.yml`);
    const config = `version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: ${storage}}}
http: {addr: "127.0.0.1:${port}"}
${extra}`;
    writeFileSync(path, config);
    const process = spawn('docker-registry', ['serve', path], { stdio: 'ignore' });
    const registry = new DockerRegistry(`localhost:${port}`, storage, process);
    for (let waited = 0; waited < 100; waited += 1) {
      const answer = await fetch(`http://${registry.host}/v2/`).catch(() => undefined);
      if (answer) return registry;
      await sleep(100);
    }
    await registry[Symbol.asyncDispose]();
    throw new Error('docker-registry does not answer');
  }

  /** One that takes user anna with the password secret alone. */
  static withPassword(root: string): Promise<DockerRegistry> {
    writeFileSync(join(root, 'passwords'), PASSWORD_LINE);
    return DockerRegistry.start(root, { extra: `auth: {htpasswd: {realm: test, path: ${root}/passwords}}` });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL');
    if (this.#process.exitCode === null && this.#process.signalCode === null)
      await once(this.#process, 'exit');
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
