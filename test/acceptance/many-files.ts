/**
 * A mount over generated layers for the acceptance tests: shell scripts run in it, and the requests that they cause are
 * counted by asking the daemon.
 */

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { askDaemon } from '../../src/daemon/messages/control-client.js';
import { Workbench } from '../cli/plyfs-run.js';

type Counts = Readonly<Record<string, number>>;

export class Tree extends Workbench {
  readonly #options: readonly string[];

  /**
   * @param makeLower a script run in the lower layer before it is mounted.
   * @param options further arguments of `plyfs mount`.
   */
  constructor(makeLower: string, options: readonly string[] = []) {
    super('lower', 'upper', 'work', 'mnt', 'mnt2');
    this.#options = options;
    try {
      this.shell('lower', makeLower, 50_000);
      this.mount();
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  get mountpoint(): string {
    return join(this.root, 'mnt');
  }

  mount(): void {
    const layers = ['-l', 'lower', '--upper', 'upper', '--work', 'work'];
    const { code, stderr } = this.plyfs('mount', ...layers, ...this.#options, 'mnt');
    if (code !== 0) throw new Error(stderr);
  }

  unmount(): void {
    const { code, stderr } = this.plyfs('umount', 'mnt');
    if (code !== 0) throw new Error(stderr);
  }

  /** Runs bash in a directory of the bench. @returns its output. @throws Error unless it ends well in time. */
  shell(directory: string, script: string, timeoutMs = 60_000): string {
    // The script goes there itself: with a mount that hangs as `cwd`, the time limit would not hold.
    const whole = `cd '${directory}'\n${script}`;
    const done = spawnSync('bash', ['-e', '-o', 'pipefail', '-c', whole], {
      cwd: this.root,
      env: { ...this.env, LC_ALL: 'C' },
      encoding: 'utf8',
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    if (done.status !== 0) {
      throw new Error(
        `status ${done.status ?? done.signal}: ${done.stdout.slice(-500)}${done.stderr.slice(-2000)}`,
      );
    }
    return done.stdout;
  }

  /** The same in the mount. */
  inside(script: string, timeoutMs?: number): string {
    return this.shell('mnt', script, timeoutMs);
  }

  /** Requests since the mount, by operation. */
  async requests(): Promise<Counts> {
    const [id = ''] = readdirSync(`${this.runDirectory}/mounts`);
    const reply = await askDaemon(`${this.runDirectory}/mounts/${id}`, 'stats', {});
    return (reply as { requests: Counts }).requests;
  }

  /** Requests that the script causes; asked again when somebody on this machine dropped the caches meanwhile. */
  async requestsOf(script: string): Promise<Counts> {
    for (;;) {
      const drops = cacheDrops();
      const before = await this.requests();
      this.inside(script);
      const after = await this.requests();
      if (drops !== cacheDrops()) continue;
      const grown = Object.entries(after).map(
        ([name, count]) => [name, count - (before[name] ?? 0)] as const,
      );
      return Object.fromEntries(grown.filter(([, count]) => count > 0));
    }
  }
}

function cacheDrops(): string {
  return /^drop_pagecache.*\n^drop_slab.*/m.exec(readFileSync('/proc/vmstat', 'utf8'))?.[0] ?? '';
}
