/**
 * A tree that a step of a build changes: the layers so far and an upper of its own, in a hidden directory beside the
 * containers. It is one to everything that mounts and runs containers; no list shows it, and it goes with its Intent.
 */

import { chmodSync, chownSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { lockPath } from '../container/lock.js';
import { type OpenRoot, openRoot } from '../container/open-root.js';
import { realRoot } from '../container/real-root.js';
import { givenStreams, superviseCommand } from '../container/supervise.js';
import { type Committed, commitLayer, type DerivedImage } from '../image/commit.js';
import {
  type ContainerMount,
  type ContainerRecord,
  type ProcessConfig,
  writeContainer,
} from '../store/container-record.js';
import type { Intent } from '../store/intent.js';
import type { Store } from '../store/store.js';
import { nameFromText } from '../vfs/name.js';

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

export interface FileRights {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface RunSetting {
  readonly mounts: readonly ContainerMount[];
  /** Undefined: the host's. */
  readonly network: 'none' | undefined;
}

export class WorkingTree implements Disposable {
  readonly #store: Store;
  readonly #record: ContainerRecord;

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
    this.#record = {
      id: basename(staged),
      name: 'build',
      createdAt: new Date().toISOString(),
      image: { id: '', name: 'build' },
      layers,
      process: IDLE,
      labels: {},
      mounts: [],
      readOnly: false,
      autoRemove: false,
      privileged: false,
      hostname: 'build',
      os: 'linux',
    };
    writeContainer(store, this.#record);
  }

  /** Its root, mounted for as long as that is held. */
  open(): Promise<OpenRoot> {
    return openRoot(this.#store, this.#record);
  }

  /** A file beside the tree, for a mount in it; it goes with the tree. @returns its path. */
  addFile(name: string, content: Buffer, { mode, uid, gid }: FileRights): string {
    const path = join(realRoot(this.#store), 'containers', this.#record.id, name);
    writeFileSync(path, content, { mode: 0o600 });
    if (uid !== 0 || gid !== 0) chownSync(path, uid, gid);
    chmodSync(path, mode);
    return path;
  }

  /** An empty directory beside the tree, which goes with it. @returns its path. */
  addDirectory(): string {
    return mkdtempSync(join(realRoot(this.#store), 'containers', this.#record.id, 'source-'));
  }

  /** Runs a command in it, whose output goes to standard error. @returns its exit status. @throws StartFailure */
  run(process: Partial<ProcessConfig>, { mounts, network }: RunSetting): Promise<number> {
    const own = network === undefined ? {} : { network };
    const record = { ...this.#record, ...own, mounts, process: { ...IDLE, ...process } };
    return superviseCommand(this.#store, record, {
      streams: givenStreams(['ignore', 2, 2]),
      isScratch: true,
    });
  }

  /** What was changed, as one more layer. */
  commit(derived: DerivedImage, latestSec?: number): Promise<Committed> {
    const home = `${realRoot(this.#store)}/containers/${this.#record.id}`;
    return commitLayer(this.#store, {
      ...derived,
      latestSec,
      upper: nameFromText(`${home}/upper`),
      work: nameFromText(`${home}/work`),
    });
  }

  [Symbol.dispose](): void {
    this.#store.locked(() => this.#store.discard(join('containers', this.#record.id)));
  }
}
