/**
 * Snapshots as containerd uses them: what each call of its API does.
 *
 * How a snapshot is mounted depends on what it is for. One that a layer is unpacked into (key `extract-...`) is described as
 * overlayfs's mount: containerd then writes into its upper directory itself, without mounting anything (diff/apply), and whoever does
 * mount it gets the same tree from the kernel. One that needs no union is a bind of its directory. All others are mounted here, by the
 * daemon of plyfs, and containerd binds what stands: that goes on when this server is killed.
 */

import { messageOf } from '../../errno/reason.js';
import { ensureStanding, takeDown } from '../mount/standing-mount.js';
import { OneAtATime } from '../socket/one-at-a-time.js';
import { SnapshotError } from './snapshot-error.js';
import { parseSnapshotFilters } from './snapshot-filter.js';
import type { ContainerdSnapshot, SnapshotUsage } from './snapshot-record.js';
import type { SnapshotStore } from './snapshot-store.js';
import { deleteInThread, measureInThread } from './snapshot-thread.js';

export interface SnapshotMount {
  readonly type: string;
  readonly source: string;
  readonly target: string;
  readonly options: readonly string[];
}

interface SnapshotRequest {
  readonly key: string;
  readonly parent: string;
  readonly labels: ContainerdSnapshot['labels'];
}

export class Snapshotter {
  readonly #store: SnapshotStore;
  readonly #log: (line: string) => void;
  readonly #turns = new OneAtATime();

  constructor(store: SnapshotStore, log: (line: string) => void) {
    this.#store = store;
    this.#log = log;
  }

  /** Mounts again what stood when the host, or a daemon, ended; removes what killed servers have left. */
  async adopt(): Promise<void> {
    await this.cleanup();
    for (const { name } of this.#store.all()) {
      await this.#turns.run(name, async () => {
        const record = this.#find(name);
        if (record === undefined || this.#wayOf(record) !== 'union') return;
        try {
          await this.#mount(record);
        } catch (error) {
          this.#log(`cannot mount snapshot '${name}': ${messageOf(error)}`);
        }
      });
    }
  }

  /** An active snapshot, or a view of its parent. @returns how to mount it. @throws SnapshotError */
  async create(kind: 'active' | 'view', { key, parent, labels }: SnapshotRequest): Promise<SnapshotMount[]> {
    return await this.#turns.run(key, async () => {
      const record = this.#store.create({ kind, key, parent, labels });
      try {
        return await this.#mount(record);
      } catch (error) {
        this.#store.remove(key);
        throw error;
      }
    });
  }

  /** How to mount a snapshot that is not committed. @throws SnapshotError */
  async mounts(key: string): Promise<SnapshotMount[]> {
    return await this.#turns.run(key, async () => {
      const record = this.#store.get(key);
      if (record.kind === 'committed')
        throw new SnapshotError('failed precondition', `snapshot ${key} is neither active nor a view`);
      return await this.#mount(record);
    });
  }

  /** @throws SnapshotError */
  async commit(key: string, name: string, labels: ContainerdSnapshot['labels']): Promise<void> {
    await this.#turns.run(key, async () => {
      this.#store.checkCommit(key, name);
      const record = this.#store.get(key);
      await takeDown(this.#store.path(record, 'merged'));
      const usage = await measureInThread(this.#store.path(record, 'fs'));
      this.#store.commit(key, { name, labels, usage });
    });
  }

  /** Its content is deleted by `cleanup()`, which containerd asks for after a round of removals. @throws SnapshotError */
  async remove(name: string): Promise<void> {
    await this.#turns.run(name, async () => {
      const record = this.#store.checkRemove(name);
      await takeDown(this.#store.path(record, 'merged'));
      this.#store.remove(name);
    });
    this.cleanup().catch((error: unknown) => this.#log(`cannot clean up: ${messageOf(error)}`));
  }

  async cleanup(): Promise<void> {
    await this.#turns.run('', async () => {
      for (const path of this.#store.leftovers()) {
        try {
          await deleteInThread(path);
        } catch (error) {
          this.#log(`cannot delete '${path}': ${messageOf(error)}`);
        }
      }
    });
  }

  /** @throws SnapshotError */
  stat(name: string): ContainerdSnapshot {
    return this.#store.get(name);
  }

  /** What the snapshot alone takes, without its parents. @throws SnapshotError */
  async usage(name: string): Promise<SnapshotUsage> {
    const record = this.#store.get(name);
    return record.usage ?? (await measureInThread(this.#store.path(record, 'fs')));
  }

  /** @param paths of what changes, `labels` or `labels.NAME`; none: all that may change. @throws SnapshotError */
  update(name: string, labels: ContainerdSnapshot['labels'], paths: readonly string[]): ContainerdSnapshot {
    const changed: Record<string, string> = { ...this.#store.get(name).labels };
    for (const path of paths.length === 0 ? ['labels'] : paths) {
      const [field = '', label] = splitOnce(path);
      if (field !== 'labels')
        throw new SnapshotError('invalid argument', `cannot update ${field} of snapshot ${name}`);
      if (label === undefined) {
        for (const key of Object.keys(changed)) delete changed[key];
        Object.assign(changed, labels);
      } else if (labels[label] === undefined || labels[label] === '') delete changed[label];
      else changed[label] = labels[label];
    }
    return this.#store.relabel(name, changed);
  }

  /** @throws SnapshotError for a filter that is none. */
  list(filters: readonly string[]): ContainerdSnapshot[] {
    return this.#store.all().filter(parseSnapshotFilters(filters));
  }

  #find(name: string): ContainerdSnapshot | undefined {
    return this.#store.all().find((record) => record.name === name);
  }

  #wayOf(record: ContainerdSnapshot): 'own' | 'parent' | 'extraction' | 'union' | 'none' {
    if (record.kind === 'committed') return 'none';
    const parents = this.#store.parentsOf(record);
    if (parents.length === 0) return 'own';
    if (record.kind === 'view') return parents.length === 1 ? 'parent' : 'union';
    return isExtraction(record) && !/[\\:,]/.test(this.#store.path(record, 'fs')) ? 'extraction' : 'union';
  }

  /** Ready to be bound on return. @throws UserError when it cannot be mounted. */
  async #mount(record: ContainerdSnapshot): Promise<SnapshotMount[]> {
    const mode = record.kind === 'view' ? 'ro' : 'rw';
    const own = this.#store.path(record, 'fs');
    const parents = this.#store.parentsOf(record).map((parent) => this.#store.path(parent, 'fs'));
    switch (this.#wayOf(record)) {
      case 'own':
        return [bindOf(own, mode)];
      case 'parent':
        return [bindOf(parents[0]!, mode)];
      case 'extraction':
        return [overlayOf({ upper: own, work: this.#store.path(record, 'work'), parents })];
      default: {
        const mountpoint = this.#store.path(record, 'merged');
        const upper = record.kind === 'view' ? {} : { upper: own, work: this.#store.path(record, 'work') };
        await ensureStanding({ mountpoint, layers: parents.toReversed(), ...upper });
        return [bindOf(mountpoint, mode)];
      }
    }
  }
}

/** containerd's UnpackKeyPrefix, behind the namespace and number that its metadata puts before keys. */
function isExtraction({ name }: ContainerdSnapshot): boolean {
  return /(^|\/)extract-[^/]*$/.test(name);
}

function bindOf(source: string, mode: 'ro' | 'rw'): SnapshotMount {
  return { type: 'bind', source, target: '', options: ['rbind', mode] };
}

interface OverlayParts {
  readonly upper: string;
  readonly work: string;
  /** Topmost first. */
  readonly parents: readonly string[];
}

function overlayOf({ upper, work, parents }: OverlayParts): SnapshotMount {
  const options = ['index=off', `workdir=${work}`, `upperdir=${upper}`, `lowerdir=${parents.join(':')}`];
  return { type: 'overlay', source: 'overlay', target: '', options };
}

function splitOnce(path: string): [string, string | undefined] {
  const dot = path.indexOf('.');
  return dot === -1 ? [path, undefined] : [path.slice(0, dot), path.slice(dot + 1)];
}
