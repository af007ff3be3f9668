/** A bench with a store, and a host's directory to try things on. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Result, Workbench } from '../plyfs-run.js';

export class DraftBench extends Workbench {
  readonly host = join(this.root, 'host');

  constructor() {
    super('store', 'host');
  }

  /** The command with the store of this bench. */
  command(name: string, ...args: string[]): Result {
    return this.plyfs(name, '--root', join(this.root, 'store'), ...args);
  }

  /** A script in draft `name`, which covers the host's directory, and starts there. */
  try(name: string, script: string): Result {
    return this.command('try', '-q', '--name', name, '-C', this.host, 'sh', '-c', script);
  }

  /** A script on the host itself. */
  outside(script: string): void {
    mkdirSync(this.host, { recursive: true });
    const { code, stderr } = this.run('sh', '-ec', `cd '${this.host}'\n${script}`);
    if (code !== 0) throw new Error(`the script on the host failed with ${code}: ${stderr}`);
  }

  /** All of the host's directory: bytes, modes, owners, times, attributes, hard links by inode number. */
  listing(): string {
    const { stdout } = this.run(
      'sh',
      '-c',
      `cd '${this.host}' && find . -printf '%p %y %m %U:%G %s %n %i %T@ %C@ %l\\n' | sort
       find . -type f -print0 | sort -z | xargs -0r sha256sum; getfattr -Rhdm- . 2>/dev/null`,
    );
    return stdout;
  }
}
