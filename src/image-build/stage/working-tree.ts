/**
 * A tree that a step of a build changes: the layers so far and an upper of its own, in a hidden directory beside the
 * containers. What mounts and runs containers takes it as theirs (Rootfs); no list shows it, and it goes with its Intent.
 */

import { chmodSync, chownSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { givenStreams, superviseCommand } from '../../container/command/supervise.js';
import type { ContentSource } from '../../container/enter/enter-request.js';
import { lockPath } from '../../container/record/container-lock.js';
import { realHome } from '../../container/record/real-root.js';
import { type OpenRoot, openRoot } from '../../container/tree/open-root.js';
import { type Committed, commitLayer, type DerivedImage } from '../../image/add/commit-layer.js';
import { containerHome } from '../../store/container-home.js';
import type { ContainerMount, ProcessConfig, Rootfs } from '../../store/container-record.js';
import type { Intent } from '../../store/intent.js';
import type { Store } from '../../store/store.js';
import { nameFromText } from '../../vfs/name.js';

const IDLE: ProcessConfig = {
  entrypoint: [],
  command: [],
  environment: [],
  workingDirectory: '/',
  user: '',
  tty: false,
  interactive: false,
  stopSignal: 'SIGTERM',
};

interface FileRights {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

interface RunSetting {
  readonly mounts: readonly ContainerMount[];
  /** Undefined: the host's. */
  readonly network: 'none' | undefined;
  /** All capabilities, nothing hidden. */
  readonly privileged: boolean;
  /** By target: what mounts show in place of their sources, and no disk has. */
  readonly contents: ReadonlyMap<string, ContentSource>;
  /** Where the command prints; by default our standard error. */
  readonly outputFd?: number | undefined;
}

export class WorkingTree implements Disposable {
  readonly #store: Store;
  readonly #rootfs: Rootfs;

  /** `layers`: chainIDs in hex, bottom first. */
  constructor(store: Store, intent: Intent, layers: readonly string[]) {
    this.#store = store;
    const staged = store.stage('containers', intent);
    for (const folder of ['upper', 'work', 'merged']) {
      const path = join(store.path(staged), folder);
      mkdirSync(path);
      chmodSync(path, 0o755);
    }
    writeFileSync(lockPath(store.path(staged)), '', { mode: 0o600 });
    this.#rootfs = {
      id: basename(staged),
      name: 'build',
      layers,
      mounts: [],
      readOnly: false,
      hostname: 'build',
    };
  }

  /** Its root, mounted for as long as that is held. */
  open(): Promise<OpenRoot> {
    return openRoot(this.#store, this.#rootfs);
  }

  /** A file beside the tree, for a mount in it; it goes with the tree. @returns its path. */
  addFile(name: string, content: Buffer, { mode, uid, gid }: FileRights): string {
    const path = join(realHome(this.#store, this.#rootfs.id), name);
    writeFileSync(path, content, { mode: 0o600 });
    if (uid !== 0 || gid !== 0) chownSync(path, uid, gid);
    chmodSync(path, mode);
    return path;
  }

  /** An empty directory beside the tree, which goes with it. @returns its path. */
  addDirectory(): string {
    return mkdtempSync(join(realHome(this.#store, this.#rootfs.id), 'source-'));
  }

  /** Runs a command in it, whose output goes to standard error. @returns its exit status. @throws StartFailure */
  run(
    process: Partial<ProcessConfig>,
    { mounts, network, privileged, contents, outputFd = 2 }: RunSetting,
  ): Promise<number> {
    const own = network === undefined ? {} : { network };
    const runnable = { ...this.#rootfs, ...own, privileged, mounts, process: { ...IDLE, ...process } };
    return superviseCommand(this.#store, runnable, {
      streams: givenStreams(['ignore', outputFd, outputFd]),
      isScratch: true,
      endsWithUs: true,
      contents,
    });
  }

  /** What was changed, as one more layer. */
  commit(derived: DerivedImage, latestSec?: number): Promise<Committed> {
    const home = realHome(this.#store, this.#rootfs.id);
    return commitLayer(this.#store, {
      ...derived,
      latestSec,
      upper: nameFromText(`${home}/upper`),
      work: nameFromText(`${home}/work`),
    });
  }

  [Symbol.dispose](): void {
    this.#store.locked(() => this.#store.discard(containerHome(this.#rootfs.id)));
  }
}
