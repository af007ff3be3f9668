/** plyfs: each case has a store of its own, a copy of one that has the image `base`. */

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../../scripts/repository.js';
import { cleanup, command } from '../../scripts/shell.js';
import { removeTree } from '../helpers/remove-tree.js';
import type { Case } from './docker-cases.js';
import { shown } from './docker-side.js';
import { type Outcome, runScript, type Side } from './side.js';

const CLI = join(repository, 'dist/bin/main.js');

export class PlyfsSide implements Side {
  readonly name = 'plyfs';
  readonly #home: string;
  readonly #rootTar: string;
  #count = 0;

  static async start(home: string, rootTar: string): Promise<PlyfsSide> {
    mkdirSync(home, { recursive: true });
    const side = new PlyfsSide(home, rootTar);
    const argv = ['import', '-c', 'CMD ["sh"]', rootTar, 'base'];
    await command([process.execPath, CLI, '--root', join(home, 'template'), ...argv], {
      env: side.#variables,
    });
    return side;
  }

  private constructor(home: string, rootTar: string) {
    this.#home = home;
    this.#rootTar = rootTar;
  }

  get #variables(): Record<string, string> {
    const run = { PLYFS_RUN_DIR: join(this.#home, 'run'), PLYFS_DAEMON_IDLE_MS: '60000' };
    return { ...run, DOCKER_CONFIG: join(this.#home, 'config') };
  }

  async run(one: Case): Promise<Outcome> {
    const root = join(this.#home, `store-${this.#count++}`);
    await command(['cp', '-a', join(this.#home, 'template'), root]);
    const wrapper = join(this.#home, 'plyfs');
    writeFileSync(wrapper, `#!/bin/sh\nexec ${process.execPath} -- ${CLI} --root ${root} "$@"\n`, {
      mode: 0o755,
    });
    const directory = join(this.#home, 'work');
    const outcome = await runScript(one.script, {
      command: wrapper,
      directory,
      rootTar: this.#rootTar,
      variables: this.#variables,
    });
    const trouble = await this.#clean(wrapper, root);
    return { ...outcome, ...shown({ ...outcome, stderr: outcome.stderr + trouble }, [directory, root]) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await cleanup([process.execPath, CLI, 'daemon', 'stop', '--unmount'], { env: this.#variables });
    for (const point of mountsBelow(this.#home)) await cleanup(['umount', '-l', point]);
  }

  /** What a case has left running ends. @returns what could not be ended, which is a fault of plyfs. */
  async #clean(wrapper: string, root: string): Promise<string> {
    let trouble = '';
    const containers = join(root, 'containers');
    const ids = existsSync(containers) ? readdirSync(containers).filter((name) => !name.startsWith('.')) : [];
    if (ids.length > 0 && mountsBelow(root).length > 0) {
      await command([wrapper, 'rm', '-fv', ...ids], { env: this.#variables, timeoutMs: 60_000 }).catch(
        (error: Error) => {
          trouble = `the suite cannot remove what is left: ${error.message}\n`;
        },
      );
    }
    for (const point of mountsBelow(root)) {
      trouble += `the suite found a mount left at ${point}\n`;
      await cleanup(['umount', '-l', point]);
    }
    removeTree(root);
    return trouble;
  }
}

/** Deepest first. */
function mountsBelow(directory: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'latin1')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(`${directory}/`))
    .sort()
    .reverse();
}
