/**
 * A store of its own with images, and the built command that works on it.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { Store } from '../../../src/store/store.js';
import { addImage, fillSystem } from '../../helpers/images.js';
import { type Result, Workbench } from '../plyfs-run.js';

export class ContainerBench extends Workbench {
  readonly store = new Store(`${this.root}/store`);

  constructor(...directories: string[]) {
    super(...directories);
    this.keepDaemon();
  }

  /** `box`: a shell and small tools. `data`: the same with `VOLUME /data`, which has a file in it. */
  addImages(): void {
    const config = { Env: ['PATH=/bin'], Cmd: ['sh', '-c', 'echo default'] };
    addImage(this.store.root, { name: 'box:latest', config }, [fillSystem, fillTop]);
    addImage(this.store.root, { name: 'data:latest', config: { ...config, Volumes: { '/data': {} } } }, [
      fillSystem,
      fillData,
    ]);
  }

  /** `plyfs` with `--root` behind the command's name, before what could be a container's command. */
  do(...args: string[]): Result {
    return this.plyfs(...this.withRoot(args));
  }

  withRoot(args: readonly string[]): string[] {
    const words = ['container', 'volume', 'image', 'snapshot', 'system'].includes(args[0] ?? '') ? 2 : 1;
    return [...args.slice(0, words), '--root', this.store.root, ...args.slice(words)];
  }

  /** The same, which must go well. @returns its output without the last newline. */
  get(...args: string[]): string {
    const { code, stdout, stderr } = this.do(...args);
    if (code !== 0) throw new Error(`plyfs ${args.join(' ')}: status ${code}: ${stderr}`);
    return stdout.trimEnd();
  }

  /** A shell command in a new container, which goes with it. */
  sh(script: string, ...options: string[]): string {
    return this.get('run', '--rm', ...options, 'box', 'sh', '-c', script);
  }

  override dispose(): void {
    const ids = this.store.names('containers');
    if (ids.length > 0) this.do('container', 'rm', '-f', ...ids);
    super.dispose();
  }
}

function fillTop(directory: string): void {
  mkdirSync(`${directory}/etc`, { recursive: true });
  writeFileSync(`${directory}/etc/issue`, 'box\n');
  mkdirSync(`${directory}/full`);
  writeFileSync(`${directory}/full/one`, '1');
  writeFileSync(`${directory}/full/two`, '2');
}

function fillData(directory: string): void {
  mkdirSync(`${directory}/data`, { mode: 0o750 });
  writeFileSync(`${directory}/data/seed`, 'from the image\n');
}
